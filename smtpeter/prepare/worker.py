"""
The process in which the CSS engine runs: C{python -m smtpeter.prepare.worker MEMORY_BYTES SECONDS ENGINE}.

Requests come in frames on standard input, replies go in frames to standard output, one at a time; the end of the input
ends it. What a document could make it do is bounded by the system: memory, no core file, and, once everything is
imported, not one more open file or socket. SIGALRM ends a request that goes on after the server has gone; the signals
that a terminal or C{systemctl} sends to a whole group are left to the server, which closes the pipe when it is done.
"""

import gc
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.engines import InlineEngine, make_engine
from smtpeter.prepare.frames import FrameReader, frame, packed_error, packed_result, unpacked_request

FAILED = "The CSS engine cannot work with this HTML and its style sheets."

_SAMPLE = InlineRequest(
    html='<p data-smtpeter-n="0" class="a">&eacute;<style data-smtpeter-sheet="0">p.a:not(b){color:red}</style>',
    style_sheets=("p.a:not(b){color:red} @media all{p{color:red}}",),
)


def serve(read: Callable[[], bytes], write: Callable[[bytes], None], answer: Callable[[bytes], bytes | None]) -> None:
    """
    Answer requests until the input ends, or the memory: then there is no answer, and no more work in what is left.

    @param read: octets of the stream of requests as they come; empty at its end.
    @param write: takes whole frames.
    @param answer: makes a reply, or none, of a request.
    """
    reader = FrameReader()
    while data := read():
        for request in reader.feed(data):
            try:
                reply = answer(request)
                if reply is not None:
                    write(frame(reply))
            except MemoryError:
                return


def answer_inlining(inline: Callable[[InlineRequest], InlineResult], request: bytes) -> bytes:
    """What an engine says to a request, as the content of a frame."""
    try:
        return packed_result(inline(unpacked_request(request)))
    except InliningFailed as reason:
        return packed_error(str(reason))
    except MemoryError:
        raise
    except Exception as reason:
        return packed_error(f"{FAILED} ({type(reason).__name__})")


def confine(memory_bytes: int) -> None:
    """Take from this process what it does not need."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    os.closerange(3, 65536)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def main() -> None:
    """Work until standard input ends."""
    memory_bytes, seconds, name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    engine = warm_engine(name)
    work(memory_bytes, seconds, partial(answer_inlining, engine.inline))


def warm_engine(name: str) -> InlineEngine:
    """An engine that has worked once, so that all is imported."""
    warnings.simplefilter("ignore")
    engine = make_engine(name)
    engine.inline(_SAMPLE)
    return engine


def work(memory_bytes: int, seconds: float, answer: Callable[[bytes], bytes | None]) -> None:
    """
    Confine this process, say that it is ready, and answer until standard input ends.

    @param seconds: the limit of each request.
    """
    gc.freeze()
    confine(memory_bytes)
    output, sys.stdout = sys.stdout.buffer, sys.stderr
    with suppress(BrokenPipeError):
        _send(output, frame(b""))
        serve(lambda: _receive(seconds), lambda content: _reply(output, content, seconds), answer)


def _receive(seconds: float) -> bytes:
    """Wait for octets without a limit; from then on there is one."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    data = os.read(0, 65536)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return data


def _reply(output: BinaryIO, content: bytes, seconds: float) -> None:
    """The limit begins anew: another request may have been read already."""
    _send(output, content)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _send(output: BinaryIO, content: bytes) -> None:
    output.write(content)
    output.flush()


if __name__ == "__main__":
    main()
