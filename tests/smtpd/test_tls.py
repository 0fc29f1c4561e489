"""Real TLS, in memory: from the first byte, and by STARTTLS."""

import ssl
from collections.abc import Callable
from typing import Any

from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.tls.selfsigned import make_self_signed
from tests.smtpd.support import PLAIN, Site, WireTransport


def make_options() -> CertificateOptions:
    """A server's context with a certificate of its own."""
    pair = make_self_signed("mail.example.com", 1_700_000_000, bytes)
    options: CertificateOptions = PrivateCertificate.loadPEM(pair.key + pair.certificate).options()
    return options


def wrap(context: Any, site: Site, factory: Any) -> TLSMemoryBIOFactory:
    """Implicit TLS in front of a factory."""
    return TLSMemoryBIOFactory(context, False, factory, site.clock)


class SecureTransport(WireTransport):
    """As Twisted's TCP transports do it: after C{startTLS} what is written goes through TLS."""

    tls: TLSMemoryBIOProtocol | None = None
    protocol: Any = None

    def __init__(self, site: Site) -> None:
        super().__init__("192.0.2.1", is_encrypted=False)
        self.site = site
        self.raw = WireTransport("192.0.2.1", is_encrypted=False)

    @override
    def startTLS(self, context: Any) -> None:
        super().startTLS(context)
        self.tls = TLSMemoryBIOProtocol(wrap(context, self.site, self.site.door.factory), self.protocol, False)
        self.tls.makeConnection(self.raw)

    @override
    def write(self, data: bytes) -> None:
        if self.tls is None:
            self.raw.write(data)
        else:
            self.tls.write(data)

    @override
    def getHandle(self) -> object:  # type: ignore[override]
        assert self.tls is not None
        return self.tls.getHandle()


class TLSClient:
    """The client's end of TLS, in memory."""

    def __init__(self, site: Site, receive: Callable[[bytes], None], raw: WireTransport) -> None:
        self.site, self.receive, self.raw = site, receive, raw
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing)

    def shake_hands(self, first_words: bytes = b"") -> None:
        """The handshake; what is said at once goes in the segment that ends it."""
        while True:
            try:
                self.session.do_handshake()
            except ssl.SSLWantReadError:
                self.exchange()
            else:
                break
        if first_words:
            self.session.write(first_words)
        self.exchange()

    def exchange(self) -> None:
        """Carry what is to be carried, both ways."""
        if self.outgoing.pending:
            self.receive(self.outgoing.read())
        self.site.clock.advance(0)
        self.incoming.write(self.raw.value())
        self.raw.clear()

    def say(self, octets: bytes) -> bytes:
        """Send; what was answered."""
        if octets:
            self.session.write(octets)
        self.exchange()
        answer = b""
        while True:
            try:
                piece = self.session.read(65536)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return answer
            if not piece:
                return answer
            answer += piece


class RealTLS(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.site = Site()
        self.site.premises.tls_context = make_options()

    def implicit(self) -> TLSClient:
        """A connection to a listener of implicit TLS, before the handshake."""
        protocol = wrap(self.site.premises.tls_context, self.site, self.site.door.factory).buildProtocol(None)
        raw = WireTransport("192.0.2.1", is_encrypted=False)
        protocol.makeConnection(raw)
        return TLSClient(self.site, protocol.dataReceived, raw)

    def test_implicit(self) -> None:
        """A listener of implicit TLS is seen as encrypted: the greeting comes after the handshake, AUTH is offered."""
        client = self.implicit()
        client.shake_hands()
        self.assertEqual(client.say(b"")[:4], b"220 ")
        self.assertIn(b"AUTH PLAIN LOGIN", client.say(b"EHLO x\r\n"))
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:4], b"235 ")
        client.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
        self.assertEqual(client.say(b"x\r\n.\r\n")[:4], b"250 ")
        trace = self.site.intake.drafts[0].trace
        self.assertRegex(trace.tls, r"^TLSv1\.3 TLS_\w+$")
        self.assertEqual((trace.protocol, trace.peer), ("ESMTPSA", "192.0.2.1"))

    def test_implicit_early_talker(self) -> None:
        """Who speaks within TLS before the greeting is turned away."""
        client = self.implicit()
        client.shake_hands(b"EHLO x\r\n")
        self.assertEqual(client.say(b"")[:9], b"554 5.5.0")

    def test_implicit_turned_away(self) -> None:
        """Who is one too many hears so, once the handshake is done."""
        self.site.premises.turnstile._most = 0
        client = self.implicit()
        client.shake_hands()
        self.assertEqual(client.say(b"")[:9], b"421 4.3.2")

    def test_starttls(self) -> None:
        """After STARTTLS what is said is read from TLS, and the trace tells of it."""
        protocol = self.site.door.factory.buildProtocol(None)
        assert protocol is not None
        transport = SecureTransport(self.site)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        self.site.clock.advance(0)
        transport.raw.clear()
        protocol.dataReceived(b"EHLO x\r\nSTARTTLS\r\n")
        self.assertTrue(transport.raw.value().endswith(b"220 2.0.0 Ready to start TLS\r\n"))
        transport.raw.clear()
        assert transport.tls is not None
        client = TLSClient(self.site, transport.tls.dataReceived, transport.raw)
        client.shake_hands()
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example>\r\n")[:4], b"503 ")
        client.say(b"EHLO x\r\nAUTH PLAIN " + PLAIN + b"\r\n")
        client.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n")
        self.assertEqual(client.say(b"x\r\n.\r\n")[:4], b"250 ")
        self.assertEqual(self.site.intake.drafts[0].trace.tls[:7], "TLSv1.3")
