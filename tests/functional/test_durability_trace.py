"""What the kernel is asked for before a message is acknowledged."""

import os
import re
import shutil
import time
from pathlib import Path

from attrs import frozen
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import smtpeter
from tests.functional.test_main_job import session
from tests.support.installation import ENVIRONMENT, Installation
from tests.support.rest import INSECURE, client
from tests.support.sink import Sink
from tests.support.valve import Valve

MESSAGES = 12

_SYNC = re.compile(r"^(\d+\.\d+) f(?:data)?sync\(\d+<([^>]*)>\) += 0 <(\d+\.\d+)>$")


@frozen
class Span:
    """From when to when, in POSIX seconds."""

    begin: float
    end: float

    def has(self, other: "Span") -> bool:
        """Whether all of the other lies within."""
        return self.begin <= other.begin and other.end <= self.end


class TraceTests(SynchronousTestCase):
    """
    The server under strace. Nothing else is committed meanwhile but a heartbeat every ten seconds: no result is there
    to be recorded.
    """

    def test_synced(self) -> None:
        """
        Between the last byte of a message and its 250, or its 200 by REST, lies a whole fsync of the database's log,
        each time.
        """
        handed, synced = self.trace(Path(smtpeter.__file__).parents[1])
        self.assertEqual(len(handed), 2 * MESSAGES)
        missing = [one for one in handed if not any(one.has(other) for other in synced)]
        self.assertEqual(missing, [])

    def test_noticed(self) -> None:
        """The same look at a server whose database does not sync finds that messages are not."""
        copy = Path(self.mktemp()).absolute()
        shutil.copytree(Path(smtpeter.__file__).parent, copy / "smtpeter")
        engines = copy / "smtpeter" / "storage" / "engines.py"
        text = engines.read_text()
        self.assertEqual(text.count('"synchronous = FULL"'), 1)
        engines.write_text(text.replace('"synchronous = FULL"', '"synchronous = NORMAL"'))
        handed, synced = self.trace(copy)
        missing = [one for one in handed if not any(one.has(other) for other in synced)]
        self.assertGreaterEqual(len(missing), 2 * MESSAGES - 4)

    def trace(self, package: Path) -> tuple[list[Span], list[Span]]:
        """Hand in messages one by one. @return: when each was at the server, and when its log was synced."""
        if shutil.which("strace") is None:
            raise SkipTest("strace is not installed")
        traces = Path(self.mktemp()).absolute()
        traces.mkdir()
        wrapper = ("strace", "-D", "-ff", "-ttt", "-T", "-y", "-e", "trace=fsync,fdatasync", "-o", f"{traces}/trace")
        path = os.pathsep.join((str(package), ENVIRONMENT["PYTHONPATH"]))
        valve = Valve()
        sink = Sink(answer_message=valve)
        environment = {"PYTHONPATH": path}
        with sink, Installation(sink.port, wrapper=wrapper, environment=environment, web=INSECURE) as it:
            handed = self.hand_in(it) + self.post(it)
            valve.open()
            sink.wait_for(2 * MESSAGES)
            it.stop()
        lines = [line for file in traces.iterdir() for line in file.read_text().splitlines()]
        found = [match for line in lines if (match := _SYNC.match(line)) and match[2].endswith("smtpeter.db-wal")]
        return handed, [Span(float(one[1]), float(one[1]) + float(one[3])) for one in found]

    def hand_in(self, it: Installation) -> list[Span]:
        """From just before the final dot is sent until its answer is here."""
        spans = []
        with session(it, *it.sender("shop.example")) as sender:
            for _ in range(MESSAGES):
                sender.mail("a@shop.example")
                sender.rcpt("r@customer.example")
                sender.docmd("DATA")
                sender.send(b"From: a@shop.example\r\nSubject: x\r\n\r\nx\r\n")
                time.sleep(0.05)
                begin = time.time()
                code, _ = sender.docmd(".")
                spans.append(Span(begin, time.time()))
                self.assertEqual(code, 250)
        return spans

    def post(self, it: Installation) -> list[Span]:
        """The same by REST: from just before the request until its answer is here."""
        asked, spans = client(it), []
        for number in range(MESSAGES):
            mail = {"recipient": f"r{number}@customer.example", "from": "a@shop.example", "text": "x"}
            time.sleep(0.05)
            begin = time.time()
            status = asked.post("/v1/send", mail).status
            spans.append(Span(begin, time.time()))
            self.assertEqual(status, 200)
        return spans
