"""A crash loses nothing that was acknowledged."""

import smtplib
import threading
import time
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.installation import Installation
from tests.support.sink import Delivered, Sink

MESSAGES = 1000
CLIENTS = 8


class Senders:
    """Clients that hand in numbered mails until the server is gone, and remember what was acknowledged."""

    def __init__(self, it: Installation, credentials: tuple[str, str], numbers: Iterator[int]) -> None:
        self.it = it
        self.credentials = credentials
        self.acknowledged: set[str] = set()
        self.lock = threading.Lock()
        self.numbers = numbers
        self.is_over = False
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(CLIENTS)]

    def start(self) -> None:
        """Begin."""
        for thread in self.threads:
            thread.start()

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self.threads:
            thread.join(60)

    def end(self) -> None:
        """No new mails; wait for those under way."""
        self.is_over = True
        self.join()

    def run(self) -> None:
        """One client: a connection, many mails."""
        try:
            with session(self.it, *self.credentials) as client:
                while (number := self.next()) is not None:
                    mark = f"mark-{number}-"
                    content = f"From: a@shop.example\r\nSubject: {mark}\r\n\r\nx\r\n"
                    client.sendmail("a@shop.example", [f"r{number}@customer.example"], content)
                    with self.lock:
                        self.acknowledged.add(mark)
        except (OSError, smtplib.SMTPException):
            return

    def next(self) -> int | None:
        """The next number, C{None} after the last."""
        with self.lock:
            return None if self.is_over else next(self.numbers, None)


def marks(arrived: list[Delivered]) -> list[str]:
    """Which mails came."""
    return [one.content.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode() for one in arrived]


class CrashTests(SynchronousTestCase):
    """kill -9 of the whole process group."""

    def test_kill(self) -> None:
        """Killed in the middle of 1000 messages and started again, the server delivers all that it acknowledged."""
        with Sink() as sink, Installation(sink.port) as it:
            senders = Senders(it, it.sender("shop.example"), iter(range(MESSAGES)))
            senders.start()
            end = time.monotonic() + 60
            while len(senders.acknowledged) < MESSAGES // 3:
                self.assertLess(time.monotonic(), end, "too little was acknowledged")
                time.sleep(0.005)
            it.kill()
            senders.join()
            self.assertLess(len(senders.acknowledged), MESSAGES)
            it.start()
            end = time.monotonic() + 60
            while not senders.acknowledged <= set(marks(sink.arrived)) and time.monotonic() < end:
                time.sleep(0.1)
            arrived = marks(sink.arrived)
            self.assertEqual(senders.acknowledged - set(arrived), set())
            repeated = len(arrived) - len(set(arrived))
            self.assertLessEqual(repeated, 10 * 2, "more came twice than were open at the kill")
            it.stop()
