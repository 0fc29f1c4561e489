"""Defects of Twisted's SMTP client: each shown on the stock class, and shown to be none of ours."""

from io import BytesIO
from typing import Any

from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.mail.smtp import ESMTPClient, PLAINAuthenticator
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.relay.connection import Connection, Peer
from smtpeter.relay.conversation import Conversation
from smtpeter.relay.envelope import wire_content
from smtpeter.relay.facts import Ended, Ready, Timeouts, TLSWanted
from smtpeter.relay.opening import Terms
from tests.relay.support import MemoryServer
from tests.relay.test_conversation import COMMANDS, envelope, ready, talk


class _StockClient(ESMTPClient):
    """Sends one content, as the stock classes do."""

    def __init__(self, content: bytes, secret: bytes | None = None, context: Any = None) -> None:
        ESMTPClient.__init__(self, secret, context, b"us.example")
        self.content: bytes | None = content

    @override
    def getMailFrom(self) -> str | None:
        return "s@a.org" if self.content is not None else None

    @override
    def getMailTo(self) -> list[str]:
        return ["r@b.org"]

    @override
    def getMailData(self) -> BytesIO:
        content, self.content = self.content, None
        return BytesIO(content or b"")

    @override
    def sentMail(self, *args: Any) -> None:
        pass


class _TLSTransport(StringTransport):
    tls_started = False
    no_delay = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = bool(enabled)

    def startTLS(self, context: Any, normal: bool = True) -> None:
        self.tls_started = True


def stock_content(content: bytes) -> bytes:
    """What the stock client puts on the wire after DATA."""
    client, transport = _StockClient(content), StringTransport()
    client.makeConnection(transport)
    for line in (b"220 hi", b"250 mx", b"250 ok", b"250 ok"):
        client.dataReceived(line + b"\r\n")
    transport.clear()
    client.dataReceived(b"354 go\r\n")
    while transport.producer is not None:
        transport.producer.resumeProducing()
    return bytes(transport.value())


def stock_after(said: list[bytes], secret: bytes | None = None, context: Any = None) -> tuple[Any, _TLSTransport]:
    client, transport = _StockClient(b"", secret, context), _TLSTransport()
    client.makeConnection(transport)
    for data in said:
        client.dataReceived(data)
    return client, transport


class ContentTests(SynchronousTestCase):
    def test_smuggled_mail(self) -> None:
        """A dot at the start of a 16384-byte chunk ends the data in the stock client, and never in ours."""
        inside = b".\r\nMAIL FROM:<evil@a.org>\r\n"
        # The stock client takes LF for a line end and writes CRLF.
        stock = stock_content(b"x" * 16383 + b"\n" + inside.replace(b"\r", b""))
        self.assertIn(b"x\r\n.\r\nMAIL", stock)
        ours = wire_content(b"x" * 16382 + b"\r\n" + inside)
        self.assertEqual(ours.count(b"\r\n.\r\n"), 1)
        self.assertIn(b"x\r\n..\r\nMAIL", ours)

    def test_leading_dot(self) -> None:
        """A dot that begins the content is lost by the stock client, and doubled by ours."""
        self.assertTrue(stock_content(b".a\n").startswith(b".a"))
        self.assertTrue(wire_content(b".a\r\n").startswith(b"..a"))

    def test_line_ends(self) -> None:
        """CRLF becomes CR CR LF in the stock client, and stays in ours."""
        self.assertIn(b"a\r\r\nb", stock_content(b"a\r\nb\r\n"))
        self.assertEqual(wire_content(b"a\r\nb\r\n"), b"a\r\nb\r\n.\r\n")

    def test_bare_carriage_return(self) -> None:
        """A bare CR passes the stock client; from ours no bare CR or LF reaches the wire."""
        self.assertIn(b"a\r.\r", stock_content(b"a\r.\rb\n"))
        self.assertEqual(wire_content(b"a\r.\rb\n.\nc"), b"a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n")

    def test_unfinished_line(self) -> None:
        """A content without a line end, and an empty one, are ended properly."""
        self.assertEqual(wire_content(b"a"), b"a\r\n.\r\n")
        self.assertEqual(wire_content(b""), b".\r\n")


class STARTTLSTests(SynchronousTestCase):
    offer = [b"220 hi\r\n", b"250-mx\r\n250 STARTTLS\r\n"]

    def test_injected_answer(self) -> None:
        """Clear bytes behind the 220 count as said inside TLS for the stock client; ours ends the session."""
        injected = b"220 go\r\n250-mx\r\n250 AUTH EVIL\r\n"
        _, transport = stock_after([*self.offer, injected], context=CertificateOptions())
        self.assertTrue(transport.tls_started)
        self.assertIn(b"MAIL FROM", transport.value())
        conversation = talk()
        facts = conversation.receive(b"".join(self.offer) + injected)
        self.assertEqual([type(fact) for fact in facts], [Ended])
        self.assertNotIn(b"MAIL", conversation.outgoing())

    def test_lower_case(self) -> None:
        """C{starttls} in lower case leaves the stock client in clear; ours starts TLS."""
        offer = [b"220 hi\r\n", b"250-mx\r\n250 starttls\r\n"]
        _, transport = stock_after(offer, context=CertificateOptions())
        self.assertFalse(transport.tls_started)
        self.assertIn(b"MAIL FROM", transport.value())
        self.assertEqual(talk().receive(b"".join(offer) + b"220 go\r\n"), [TLSWanted()])

    def test_opportunistic(self) -> None:
        """Told to use TLS the stock client gives up where it is refused, told nothing it never asks; ours does both."""
        refused = [*self.offer, b"454 4.7.0 not now\r\n"]
        _, transport = stock_after(refused, context=CertificateOptions())
        self.assertTrue(transport.value().endswith(b"STARTTLS\r\nQUIT\r\n"))
        _, transport = stock_after(self.offer)
        self.assertNotIn(b"STARTTLS", transport.value())
        conversation = talk()
        self.assertEqual(conversation.receive(b"".join(refused)), [Ready()])
        conversation.offer(envelope())
        self.assertTrue(conversation.outgoing().startswith(b"EHLO us.example\r\nSTARTTLS\r\nMAIL FROM:<s@a.org>"))


class LogTests(SynchronousTestCase):
    def test_password(self) -> None:
        """The stock client's log keeps the answer to AUTH; ours has stars."""
        client, transport = _StockClient(b"", b"secret"), StringTransport()
        client.authenticators.append(PLAINAuthenticator(b"me"))
        client.makeConnection(transport)
        said = b"220 hi\r\n250-mx\r\n250 AUTH PLAIN\r\n"
        client.dataReceived(said)
        encoded = transport.value().split(b"AUTH PLAIN ")[1].strip()
        self.assertIn(encoded, client.log.str())
        conversation = talk(username="me", password="secret", tls="none")
        conversation.receive(said)
        encoded = conversation.outgoing().split(b"AUTH PLAIN ")[1].strip()
        self.assertNotIn(encoded.decode(), "\n".join(conversation.opening_transcript))


class SpeedTests(SynchronousTestCase):
    def test_pipelining(self) -> None:
        """The stock client waits for each answer although PIPELINING is offered; ours writes once."""
        _, transport = stock_after([b"220 hi\r\n", b"250-mx\r\n250 PIPELINING\r\n"])
        self.assertTrue(transport.value().endswith(b"MAIL FROM:<s@a.org>\r\n"))
        conversation = ready()
        conversation.offer(envelope())
        self.assertEqual(conversation.outgoing(), COMMANDS)

    def test_no_delay(self) -> None:
        """The stock client leaves Nagle's algorithm on; ours turns it off, and writes an envelope as one piece."""
        clock, server = Clock(), MemoryServer(extensions=(b"PIPELINING",))
        _, stock = stock_after([b"220 hi\r\n", b"250 mx\r\n"])
        self.assertFalse(stock.no_delay)
        connection = Connection(
            conversation=Conversation(Terms(hostname="us.example"), Timeouts()),
            peer=Peer(host="mx.example.org", address="192.0.2.1"),
            clock=clock,
            tls_options=lambda: None,  # type: ignore[arg-type,return-value]
        )
        server.accept(connection, clock)
        for _ in range(4):
            clock.advance(0)
        connection.offer(envelope())
        ours = server.transports[-1]
        self.assertTrue(ours.no_delay)
        self.assertEqual(ours.written[-1], COMMANDS.replace(b" SIZE=17", b""))

    def test_kept_connection(self) -> None:
        """The stock client says QUIT when it has no next mail; ours stays until told."""
        client, transport = stock_after([b"220 hi\r\n", b"250 mx\r\n"])
        client.content = None
        for said in (b"250 ok\r\n", b"550 no\r\n", b"250 reset\r\n"):
            client.dataReceived(said)
        self.assertTrue(transport.value().endswith(b"QUIT\r\n"))
        conversation = ready()
        conversation.offer(envelope())
        conversation.receive(b"250 ok\r\n550 no\r\n554 no\r\n")
        self.assertNotIn(b"QUIT", conversation.outgoing())
        self.assertTrue(conversation.is_idle)
