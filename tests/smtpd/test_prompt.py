"""Tests of L{smtpeter.smtpd.prompt}."""

from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IWriteDescriptor
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpeter.smtpd.prompt import write_now


@implementer(IWriteDescriptor)
@define(eq=False)
class _Socket:
    """A transport that puts aside what is written until the reactor, or somebody else, calls."""

    connected: bool = True
    aside: list[bytes] = field(factory=list)
    sent: list[bytes] = field(factory=list)

    def write(self, octets: bytes) -> None:
        """Put aside."""
        self.aside.append(octets)

    def doWrite(self) -> None:
        """Send."""
        self.sent += self.aside
        self.aside.clear()

    def fileno(self) -> int:
        """Of no use here."""
        return -1

    def logPrefix(self) -> str:
        """Of no use here."""
        return ""

    def connectionLost(self, reason: Any) -> None:
        """Of no use here."""


class WriteTests(SynchronousTestCase):
    """In clear; over TLS it is what every functional test uses."""

    def test_at_once(self) -> None:
        """What is written is sent before the call returns."""
        socket = _Socket()
        write_now(socket, b"250 Ok\r\n")
        self.assertEqual((socket.sent, socket.aside), ([b"250 Ok\r\n"], []))

    def test_lost(self) -> None:
        """A connection that is lost is not written to."""
        socket = _Socket(connected=False)
        write_now(socket, b"250 Ok\r\n")
        self.assertEqual(socket.sent, [])

    def test_no_socket(self) -> None:
        """A transport that is no socket is written to as ever."""
        transport = StringTransport()
        write_now(transport, b"250 Ok\r\n")
        self.assertEqual(transport.value(), b"250 Ok\r\n")
