"""Each trap of the stock ESMTP server, seen on it and not on ours."""

import sys

from attrs import define, field
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.mail._cred import PLAINCredentials
from twisted.mail._except import IllegalClientResponse
from twisted.mail.interfaces import IMessageDelivery, IMessageSMTP
from twisted.mail.smtp import ESMTP, Address, LOGINCredentials, User
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpeter.boundaries.storage import StorageBusy
from tests.smtpd.support import BOUNCE, PLAIN, Site, WireTransport

ENVELOPE = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
SECOND = b"MAIL FROM:<x@evil.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"


@implementer(IMessageSMTP)
@define(eq=False)
class StockMessage:
    """Keeps lines."""

    lines: list[bytes] = field(factory=list)
    failure: Exception | None = None
    raises: bool = False

    def lineReceived(self, line: bytes) -> None:
        """Keep."""
        self.lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        """The end."""
        if self.raises and self.failure is not None:
            raise self.failure
        return succeed(None) if self.failure is None else fail(self.failure)

    def connectionLost(self) -> None:
        """No end."""


@implementer(IMessageDelivery)
@define(eq=False)
class StockDelivery:
    """Takes everything."""

    messages: list[StockMessage] = field(factory=list)
    failure: Exception | None = None
    raises: bool = False
    gate: Deferred[Address] | None = None

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> bytes:
        """None."""
        return b""

    def validateFrom(self, helo: object, origin: Address) -> Address | Deferred[Address]:
        """At once, or when the gate opens."""
        return origin if self.gate is None else self.gate

    def validateTo(self, user: User) -> object:
        """Always."""
        return self._message

    def _message(self) -> StockMessage:
        self.messages.append(StockMessage(failure=self.failure, raises=self.raises))
        return self.messages[-1]


class Stock:
    """The stock server on a transport in memory."""

    def __init__(self, transport: WireTransport | None = None) -> None:
        self.delivery = StockDelivery()
        self.transport = transport or WireTransport("192.0.2.1", is_encrypted=False)
        self.protocol = ESMTP({b"LOGIN": LOGINCredentials, b"PLAIN": PLAINCredentials}, object())
        self.protocol.delivery = self.delivery
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        self.protocol.portal = Portal(None, [checker])  # type: ignore[arg-type, assignment]
        self.protocol.noisy = False
        self.protocol.makeConnection(self.transport)
        self.protocol.setTimeout(None)
        self.transport.clear()

    def say(self, octets: bytes) -> bytes:
        """Send; what was answered."""
        self.protocol.dataReceived(octets)
        answer: bytes = self.transport.value()
        self.transport.clear()
        return answer

    def in_data(self) -> "Stock":
        """After 354."""
        assert self.say(b"EHLO x\r\n" + ENVELOPE + b"DATA\r\n").endswith(b"354 Continue\r\n")
        return self


class StartTLS(SynchronousTestCase):
    def test_stock(self) -> None:
        """Stock: what follows STARTTLS in the segment runs, and the state outlives TLS."""
        stock = Stock()
        stock.say(b"EHLO x\r\n")
        answer = stock.say(b"STARTTLS\r\nMAIL FROM:<x@evil.example>\r\n")
        self.assertEqual(answer.splitlines()[1][:4], b"250 ")
        self.assertEqual(stock.say(b"RCPT TO:<c@d.example>\r\n")[:4], b"250 ")

    def test_ours(self) -> None:
        """Ours: it does not, and nothing outlives TLS."""
        client = Site().ready()
        self.assertEqual(client.say(b"STARTTLS\r\nMAIL FROM:<x@evil.example>\r\n").count(b"\r\n"), 1)
        self.assertTrue(client.is_closed)
        client = Site().ready()
        client.say(b"MAIL FROM:<a@b.example>\r\n")
        client.start_tls()
        self.assertEqual(client.say(b"RCPT TO:<c@d.example>\r\n")[:4], b"503 ")


class LongLines(SynchronousTestCase):
    LINE = b"x" * 20_000 + b"\r\n"

    def test_stock(self) -> None:
        """Stock: behind a long line of data the rest runs as commands, and a second mail begins."""
        stock = Stock().in_data()
        stock.say(self.LINE)
        self.assertTrue(stock.say(SECOND).endswith(b"354 Continue\r\n"))

    def test_ours(self) -> None:
        """Ours: it is content."""
        site = Site()
        client = site.in_data()
        self.assertEqual(client.say(self.LINE) + client.say(SECOND), b"")
        client.say(b".\r\n")
        self.assertTrue(site.intake.drafts[0].content.endswith(SECOND))


class Failures(SynchronousTestCase):
    def test_stock_turns_busy_into_550(self) -> None:
        """Stock: a passing failure after the final dot is 550."""
        stock = Stock()
        stock.delivery.failure = StorageBusy()
        self.assertEqual(stock.in_data().say(b"x\r\n.\r\n")[:4], b"550 ")
        self.flushLoggedErrors(StorageBusy)

    def test_ours_says_451(self) -> None:
        """Ours: it is 451."""
        site = Site()
        site.intake.failure = StorageBusy()
        self.assertEqual(site.in_data().say(b"x\r\n.\r\n")[:4], b"451 ")

    def test_stock_drops_the_connection(self) -> None:
        """Stock: an exception at the end of a message leaves without a reply."""
        stock = Stock()
        stock.delivery.failure, stock.delivery.raises = ZeroDivisionError(), True
        stock.in_data()
        with self.assertRaises(ZeroDivisionError):
            stock.say(b"x\r\n.\r\n")
        self.assertEqual(stock.transport.value(), b"")

    def test_ours_answers(self) -> None:
        """Ours: it is logged and answered."""
        site = Site()
        site.intake.failure = ZeroDivisionError()
        self.assertEqual(site.in_data().say(b"x\r\n.\r\n")[:4], b"451 ")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class Order(SynchronousTestCase):
    def test_stock(self) -> None:
        """Stock: while MAIL is looked at, the RCPT and DATA behind it are 503."""
        stock = Stock()
        stock.delivery.gate = Deferred()
        stock.say(b"EHLO x\r\n")
        answer = stock.say(ENVELOPE + b"DATA\r\n")
        self.assertEqual([line[:3] for line in answer.splitlines()], [b"503", b"503"])

    def test_ours(self) -> None:
        """Ours: they wait."""
        site = Site()
        site.intake.lookup_gate = gate = Deferred[None]()
        client = site.ready()
        self.assertEqual(
            client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + BOUNCE.encode() + b">\r\nDATA\r\n").count(b"\r\n"), 1
        )
        gate.callback(None)
        self.assertEqual([line[:3] for line in client.hear().splitlines()], [b"250", b"354"])


class Commands(SynchronousTestCase):
    def test_stock_knows_few(self) -> None:
        """Stock: NOOP is 500, parameters are taken whatever they say, AUTH is offered in clear."""
        stock = Stock()
        answer = stock.say(b"EHLO x\r\n")
        self.assertIn(b"AUTH LOGIN", answer)
        for extension in (b"PIPELINING", b"SIZE", b"8BITMIME", b"DSN"):
            self.assertNotIn(extension, answer)
        self.assertEqual(stock.say(b"NOOP\r\n")[:4], b"500 ")
        self.assertEqual(stock.say(b"MAIL FROM:<a@b.example> SIZE=x NONSENSE=1\r\n")[:4], b"250 ")

    def test_ours_knows_them(self) -> None:
        """Ours: NOOP works, parameters are checked, AUTH is not offered in clear."""
        client = Site().greeted()
        self.assertNotIn(b"AUTH", client.say(b"EHLO x\r\n"))
        self.assertEqual(client.say(b"NOOP\r\n")[:4], b"250 ")
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example> NONSENSE=1\r\n")[:4], b"555 ")

    HOSTILE = (b"AUTH\r\n", b"\xff\xfe\r\n", b"AUTH PLAIN !!!!\r\n")

    def test_stock_raises(self) -> None:
        """Stock: AUTH without argument, octets over 127 and such base64 are exceptions."""
        for line in self.HOSTILE:
            with self.assertRaises((IndexError, UnicodeDecodeError, IllegalClientResponse)):
                Stock().say(line)

    def test_ours_answers(self) -> None:
        """Ours: they are errors, and the session lives on."""
        for line in self.HOSTILE:
            client = Site().ready(is_encrypted=True)
            self.assertEqual(client.say(line).splitlines()[-1][:2], b"50")
            self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:4], b"235 ")


class Recipients(SynchronousTestCase):
    def test_stock(self) -> None:
        """Stock: thousands are taken, each with a message of its own, and bare newlines stay in the lines."""
        stock = Stock()
        stock.say(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n")
        answer = stock.say(b"RCPT TO:<c@d.example>\r\n" * 1500 + b"DATA\r\n")
        self.assertEqual(answer.count(b"250 "), 1500)
        stock.say(b"a: b\r\n\r\nx\ny\r\n.\r\n")
        self.assertEqual(len(stock.delivery.messages), 1500)
        self.assertEqual(stock.delivery.messages[0].lines[-1], b"x\ny")

    def test_ours(self) -> None:
        """Ours: a thousand are, with one content for all, whose lines are whole."""
        site = Site()
        client = site.logged_in()
        answer = client.say(b"MAIL FROM:<a@b.example>\r\n" + b"RCPT TO:<c@d.example>\r\n" * 1500 + b"DATA\r\n")
        self.assertEqual(answer.count(b"250 2.1.5"), 1000)
        client.say(b"a: b\r\n\r\nx\ny\r\n.\r\n")
        [draft] = site.intake.drafts
        self.assertEqual((len(draft.recipients), draft.content), (1000, b"a: b\r\n\r\nx\r\ny\r\n"))


class Addresses(SynchronousTestCase):
    def test_stock(self) -> None:
        """Stock: EHLO fails where the client has no address."""
        stock = Stock(WireTransport(None, is_encrypted=False))
        with self.assertRaises(AttributeError):
            stock.say(b"EHLO x\r\n")

    def test_ours(self) -> None:
        """Ours: it does not."""
        self.assertEqual(Site().greeted(host=None).say(b"EHLO x\r\n")[:4], b"250-")


class Work(SynchronousTestCase):
    BODY = b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * 2000

    def test_stock(self) -> None:
        """Stock: every line of data is a call of its own."""
        stock = Stock().in_data()
        stock.say(self.BODY + b".\r\n")
        self.assertEqual(len(stock.delivery.messages[0].lines), 2002)

    def test_ours(self) -> None:
        """Ours: however many lines, a body costs a fixed number of calls."""
        calls = [self._calls(lines) for lines in (20, 2000)]
        self.assertEqual(calls[0], calls[1])

    def _calls(self, lines: int) -> int:
        client = Site().in_data()
        count = 0

        def note(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        body = b"a: b\r\n\r\n" + (b"x" * 70 + b"\r\n") * lines + b".\r\n"
        sys.setprofile(note)
        try:
            client.protocol.dataReceived(body)
        finally:
            sys.setprofile(None)
        return count
