"""
Silence, trickles and unread replies over real sockets, against a server whose clocks run twenty times faster.

So a command has 15 seconds, a message 9 and what its octets earn, a handshake 3, a reply 6 to be read.
"""

import socket
import threading
import time
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.functional.test_smtp_survival import memory_kilobytes
from tests.support.clock import hurry
from tests.support.installation import Installation
from tests.support.wire import Wire, plain

TIMES = 20
TOO_SLOW = b"421 4.4.2 Timeout; try again\r\n"
ENVELOPE = b"MAIL FROM:<a@shop.example>\r\nRCPT TO:<r@y.example>\r\n"
HEAD = b"From: a@shop.example\r\n\r\n"


class Dripping(threading.Thread):
    """Writes the same octets again and again until it cannot any more."""

    def __init__(self, wire: Wire, octets: bytes, pause: float) -> None:
        super().__init__(daemon=True)
        self.wire, self.octets, self.pause = wire, octets, pause
        self.is_over = threading.Event()

    @override
    def run(self) -> None:
        try:
            while not self.is_over.wait(self.pause):
                self.wire.send(self.octets)
        except OSError:
            self.is_over.set()


class TimeTests(SynchronousTestCase):
    """All at once, since each waits."""

    def session(self, it: Installation) -> Wire:
        """One that has logged in."""
        wire = Wire(it.smtp_port, certificate=it.certificate)
        wire.reply()
        wire.say(b"EHLO x\r\nSTARTTLS\r\n", 2)
        wire.handshake()
        answer = wire.say(b"EHLO x\r\nAUTH PLAIN " + self.token + b"\r\n", 2)
        assert answer.endswith(b"235 2.7.0 Authentication successful\r\n"), answer
        return wire

    def test_patience(self) -> None:
        """
        A client that is silent, one that trickles a command, one that trickles a message, and one that never begins
        TLS are all sent away; one that sends at a fair rate for longer than that is not, and hears at its end that it
        was too large: a thread that stores would wait for ever by such a clock.
        """
        with Installation(1, smtp="max_message_size = 100000", is_started=False) as it:
            self.token = plain(*it.sender("shop.example"))
            hurry(it, TIMES)
            it.start()
            fair, slow, trickling = self.session(it), self.session(it), self.session(it)
            silent, clear = self.session(it), Wire(it.tls_port)
            for wire in (fair, slow):
                wire.say(ENVELOPE + b"DATA\r\n", 3)
                wire.send(HEAD)
            # A fair rate is 20 KB a second here, and 1 KB for the server.
            drips = [
                Dripping(fair, b"x" * 78 + b"\r\n" + b"y" * 9000 + b"\r\n", 0.05),
                Dripping(slow, b"z", 0.2),
                Dripping(trickling, b"N", 0.2),
            ]
            for drip in drips:
                drip.start()
            self.assertEqual(clear.rest()[:1], b"")
            self.assertEqual(slow.rest(), TOO_SLOW)
            self.assertEqual(silent.rest(), TOO_SLOW)
            self.assertEqual(trickling.rest(), TOO_SLOW)
            drips[0].is_over.set()
            drips[0].join()
            self.assertEqual(fair.say(b".\r\n")[:9], b"552 5.3.4")
            self.assertNotIn("Traceback", it.log.read_text())

    def test_unread_replies(self) -> None:
        """
        A client that sends and never reads is soon not read any more, costs little memory, and is cut off; the others
        are served meanwhile.
        """
        with Installation(1, is_started=False) as it:
            self.token = plain(*it.sender("shop.example"))
            hurry(it, TIMES)
            it.start()
            assert it.process is not None
            deaf, other = self.session(it), self.session(it)
            deaf.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.say(ENVELOPE)
            deaf.link.settimeout(None)
            before = memory_kilobytes(it.process.pid)
            drip = Dripping(deaf, b"RCPT TO:<r@y.example>\r\n" * 2000, 0)
            drip.start()
            highest = 0

            def look() -> bool:
                nonlocal highest
                highest = max(highest, memory_kilobytes(it.process.pid if it.process else 0))
                self.assertEqual(other.say(b"RSET\r\n"), b"250 2.0.0 Ok\r\n")
                return drip.is_over.is_set()

            self.until(look)
            self.assertLess(highest - before, 20_000)
            self.assertNotIn("Traceback", it.log.read_text())

    def until(self, is_so: Callable[[], bool], seconds: float = 60) -> None:
        """Wait."""
        end = time.monotonic() + seconds
        while not is_so():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.25)
