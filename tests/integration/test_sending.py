"""Large content on its way out: others have their turn between its pieces, and its order is kept."""

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.connection import WRITE_BYTES, Connection, Peer
from smtpeter.relay.conversation import Conversation


class Talkative:
    """A conversation that only writes."""

    stage, timeout_seconds, heard = "message", None, 0

    def __init__(self) -> None:
        self.waiting = [b"a" * WRITE_BYTES + b"b" * WRITE_BYTES + b"c", b"RSET\r\n"]

    def outgoing(self) -> bytes:
        """The next."""
        return self.waiting.pop(0) if self.waiting else b""

    def receive(self, data: bytes) -> list[object]:
        """Nothing follows from it."""
        return []

    def lose(self, description: str, is_tls_broken: bool = False) -> list[object]:
        """Nothing follows from it."""
        return []


class PieceTests(SynchronousTestCase):
    """Writing."""

    def made(self) -> tuple[Connection, StringTransport, Clock]:
        """A connection whose peer has said something, so that it writes."""
        clock, conversation = Clock(), Talkative()
        unused: Any = None
        talk: Conversation = conversation  # type: ignore[assignment]
        connection = Connection(conversation=talk, peer=Peer(host="h", address="a"), clock=clock, tls_options=unused)
        transport = StringTransport()
        connection.makeConnection(transport)
        connection.dataReceived(b"354\r\n")
        return connection, transport, clock

    def test_pieces(self) -> None:
        """A piece a turn; what is to be written later waits behind it."""
        connection, transport, clock = self.made()
        self.assertEqual(transport.value(), b"a" * WRITE_BYTES)
        connection.dataReceived(b"x")
        self.assertEqual(len(transport.value()), WRITE_BYTES)
        turns: list[int] = []
        clock.callLater(0, lambda: turns.append(len(transport.value())))
        clock.advance(0)
        self.assertEqual(turns, [2 * WRITE_BYTES])
        self.assertEqual(transport.value()[WRITE_BYTES:], b"b" * WRITE_BYTES + b"cRSET\r\n")

    def test_lost(self) -> None:
        """Nothing is written to a connection that is gone, and nothing waits for it."""
        connection, transport, clock = self.made()
        connection.connectionLost()
        self.assertEqual(clock.getDelayedCalls(), [])
        self.assertEqual(len(transport.value()), WRITE_BYTES)
