"""Tests of a worker's loop, without a process."""

import os
import signal
import subprocess
import sys
from functools import partial
from io import BytesIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.frames import FrameReader, frame, packed_request, unpacked_result
from smtpeter.prepare.worker import FAILED, _reply, answer_inlining, serve


def _inline(request: InlineRequest) -> InlineResult:
    """An engine that does what the HTML says."""
    if request.html == "refuse":
        raise InliningFailed("No.")
    if request.html == "break":
        raise RecursionError("secret")
    if request.html == "memory":
        raise MemoryError
    return InlineResult(attributes={}, remaining=(request.html,))


class ProcessTests(SynchronousTestCase):
    """The process by itself."""

    def test_ends_itself(self) -> None:
        """A request that goes on for too long ends the process although nobody kills it."""
        root = str(Path(__file__).parent.parent.parent)
        sheet = "".join(f"p p p:not(.a{index}) {{color:red}} p + p ~ p {{x:y}}\n" for index in range(3000))
        body = "".join(f'<p data-smtpeter-n="{index}">' for index in range(5000))
        request = InlineRequest(html=f'<style data-smtpeter-sheet="0">{sheet}</style>{body}', style_sheets=(sheet,))
        for engine in ("premailer", "css-inline"):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "smtpeter.prepare.worker", str(2**28), "0.2", engine],
                check=False,
                input=frame(packed_request(request)),
                env={"PYTHONPATH": root},
                capture_output=True,
                timeout=20,
            )
            self.assertEqual(done.returncode, -signal.SIGALRM)
            self.assertEqual(done.stdout, frame(b""))

    def test_time_of_each(self) -> None:
        """Requests that came together have each their own time."""
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 100)
        output = BytesIO()
        _reply(output, b"x", 200)
        self.assertEqual(output.getvalue(), b"x")
        self.assertGreater(signal.getitimer(signal.ITIMER_REAL)[0], 150)

    def test_may_be_idle(self) -> None:
        """The limit is one of requests: a process that waits for the next lives on."""
        root = str(Path(__file__).parent.parent.parent)
        command = [sys.executable, "-P", "-m", "smtpeter.prepare.worker", str(2**28), "0.3", "premailer"]
        html = '<style data-smtpeter-sheet="0">p{x:y}</style><p data-smtpeter-n="0">'
        request = frame(packed_request(InlineRequest(html=html, style_sheets=("p{x:y}",))))
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={"PYTHONPATH": root}, bufsize=0) as process:
            assert process.stdin is not None and process.stdout is not None
            reader, replies = FrameReader(), 0
            for expected in (2, 3):
                process.stdin.write(request)
                while replies < expected and (data := process.stdout.read(65536)):
                    replies += len(reader.feed(data))
                self.assertEqual(replies, expected)
                with self.assertRaises(subprocess.TimeoutExpired):
                    process.wait(timeout=0.5)
            process.stdin.close()
            self.assertEqual(process.wait(timeout=20), 0)

    def test_closes_descriptors(self) -> None:
        """What a process inherits beside its three pipes it closes before it is ready."""
        root = str(Path(__file__).parent.parent.parent)
        command = [sys.executable, "-P", "-m", "smtpeter.prepare.worker", str(2**28), "20", "premailer"]
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": root}, pass_fds=(writer,)
        ) as process:
            os.close(writer)
            assert process.stdout is not None
            self.assertEqual(process.stdout.read(4), frame(b""))
            os.set_blocking(reader, False)
            # Its end is reached: nobody has the other end open any more.
            self.assertEqual(os.read(reader, 1), b"")
            process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)


class ServeTests(SynchronousTestCase):
    """Requests and replies."""

    def served(self, *wanted: str | bytes) -> list[str]:
        """What is answered to requests with that HTML, or to frames with those bytes."""
        frames = [one if isinstance(one, bytes) else packed_request(_request(one)) for one in wanted]
        stream = [*b"".join(map(frame, frames))]
        written: list[bytes] = []
        serve(lambda: bytes([stream.pop(0)]) if stream else b"", written.append, partial(answer_inlining, _inline))
        return [_told(content) for content in FrameReader().feed(b"".join(written))]

    def test_until_the_end(self) -> None:
        """Each request gets its reply, until the input ends."""
        self.assertEqual(self.served("a", "b"), ["a", "b"])

    def test_failures(self) -> None:
        """A refusal, a broken engine and a request that is none are answered, and the next request is served."""
        self.assertEqual(
            self.served("refuse", "break", b"", b"\0\0\0\x09x", b"\0\0\0\1\xff", "a"),
            [
                "No.",
                f"{FAILED} (RecursionError)",
                f"{FAILED} (ValueError)",
                f"{FAILED} (ValueError)",
                f"{FAILED} (UnicodeDecodeError)",
                "a",
            ],
        )

    def test_out_of_memory(self) -> None:
        """When memory runs out the worker ends without an answer."""
        self.assertEqual(self.served("a", "memory", "b"), ["a"])


def _request(html: str) -> InlineRequest:
    return InlineRequest(html=html, style_sheets=())


def _told(content: bytes) -> str:
    try:
        return unpacked_result(content).remaining[0]
    except InliningFailed as reason:
        return str(reason)
