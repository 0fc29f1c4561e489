"""TLS and addresses over real loopback sockets: what memory cannot show."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.ssl import Certificate, PrivateCertificate
from twisted.names import dns, server
from twisted.names.client import Resolver
from twisted.names.common import ResolverBase
from twisted.protocols.basic import LineReceiver
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase, TestCase
from typing_extensions import override

from smtpeter.model.outcome import Kind, Outcome
from smtpeter.relay.relay import MailRelay, RelaySettings
from smtpeter.relay.resolver import MailResolver, names_client
from smtpeter.relay.routes import Route, TLSMode
from smtpeter.relay.shaping import Limits
from smtpeter.relay.tls import tls_source
from tests.relay.support import make_job

reactor: Any = global_reactor


def certificate(*names: str) -> PrivateCertificate:
    """A self-signed certificate for host names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    loaded: PrivateCertificate = PrivateCertificate.loadPEM(built.public_bytes(pem) + private)
    return loaded


class Hop(LineReceiver):
    """A next hop that offers STARTTLS; C{options} C{None} breaks the handshake, C{"refused"} is 454."""

    options: Any = None
    is_encrypted = False
    in_data = False

    @override
    def connectionMade(self) -> None:
        self.factory.connections += 1
        self.sendLine(b"220 hop")

    @override
    def lineReceived(self, line: bytes) -> None:
        if self.in_data:
            if line == b".":
                self.in_data = False
                self.factory.mails.append(self.is_encrypted)
                self.sendLine(b"250 2.0.0 queued")
        elif line.startswith(b"EHLO"):
            self.sendLine(b"250 hop" if self.is_encrypted else b"250-hop\r\n250 STARTTLS")
        elif line == b"STARTTLS" and self.options == "refused":
            self.sendLine(b"454 4.7.0 TLS not available")
        elif line == b"STARTTLS":
            self.sendLine(b"220 go")
            self.start_tls()
        elif line == b"DATA":
            self.in_data = True
            self.sendLine(b"354 go")
        else:
            self.sendLine(b"250 ok")

    def start_tls(self) -> None:
        if self.options is None:
            self.setRawMode()
        else:
            self.is_encrypted = True
            transport: Any = self.transport
            transport.startTLS(self.options)

    @override
    def rawDataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(b"this is no TLS\r\n")
        transport.loseConnection()


class TLSTests(TestCase):
    def listen(self, options: Any) -> Any:
        factory: Any = Factory()
        factory.mails, factory.connections = [], 0

        def build(address: object) -> Hop:
            hop = Hop()
            hop.options, hop.factory = options, factory
            return hop

        factory.buildProtocol = build
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        factory.port = port.getHost().port
        return factory

    async def deliver(
        self, hop: Any, mode: TLSMode, trusted: Sequence[Certificate] = (), host: str = "localhost", jobs: int = 1
    ) -> list[Outcome]:
        route = Route(domain="*", host=host, port=hop.port, tls=mode)
        client: Any = None
        resolver = MailResolver(client=client, clock=reactor, hosts_file=lambda name: ["127.0.0.1"])
        limits = Limits(messages_per_connection=1)
        settings = RelaySettings(hostname="us.example", routes=(route,), drain_seconds=2, limits=lambda site: limits)
        relay = MailRelay(reactor, resolver, settings, lambda: 0.5, tls_source(trusted))
        outcomes = []
        for number in range(jobs):
            done: Deferred[Outcome] = Deferred()
            relay.send(make_job(number), done.callback)
            outcomes.append(await done)
        await relay.drain()
        return outcomes

    async def test_opportunistic(self) -> None:
        """Opportunistic TLS takes any certificate, and the outcome names protocol and cipher."""
        hop = self.listen(certificate("somebody.else").options())
        outcome = (await self.deliver(hop, "opportunistic"))[0]
        self.assertEqual((outcome.kind, hop.mails), (Kind.DELIVERED, [True]))
        self.assertRegex(outcome.tls, r"TLSv1\.[23] \S+")

    async def test_broken(self) -> None:
        """Broken TLS falls back to a connection in clear, is told, and is remembered."""
        hop = self.listen(None)
        outcomes = await self.deliver(hop, "opportunistic", jobs=2)
        for outcome in outcomes:
            self.assertEqual((outcome.kind, outcome.tls), (Kind.DELIVERED, ""))
            self.assertRegex(outcome.transcript[0], r"^\* TLS .*broken")
        # Two for the first job, and the second does not try TLS again.
        self.assertEqual((hop.mails, hop.connections), ([False, False], 3))

    async def test_broken_by_the_server(self) -> None:
        """
        A server that breaks TLS off when for us the handshake is over, as TLS 1.3 allows, has broken TLS too: here it
        wants a certificate of ours.
        """
        own = certificate("hop")
        hop = self.listen(own.options(Certificate(own.original)))
        for outcome in await self.deliver(hop, "opportunistic", jobs=2):
            self.assertEqual((outcome.kind, outcome.tls), (Kind.DELIVERED, ""))
            self.assertRegex(outcome.transcript[0], r"^\* TLS .*broken")
        self.assertEqual((hop.mails, hop.connections), ([False, False], 3))

    async def test_refused(self) -> None:
        """That a server which offers TLS refused it is told with the delivery in clear."""
        hop = self.listen("refused")
        outcome = (await self.deliver(hop, "opportunistic"))[0]
        self.assertEqual((outcome.kind, outcome.tls, hop.connections), (Kind.DELIVERED, "", 1))
        self.assertEqual(outcome.transcript[0], "* STARTTLS was refused (454 4.7.0 TLS not available); in clear")

    async def test_broken_but_required(self) -> None:
        """Where TLS is required, broken TLS defers."""
        own = certificate("hop")
        for options in (None, own.options(Certificate(own.original))):
            hop = self.listen(options)
            outcome = (await self.deliver(hop, "require"))[0]
            self.assertEqual((outcome.kind, outcome.stage, hop.mails), (Kind.DEFERRED, "starttls", []))
            self.assertEqual(hop.connections, 1)

    async def test_required(self) -> None:
        """Required TLS takes any certificate."""
        hop = self.listen(certificate("somebody.else").options())
        self.assertEqual((await self.deliver(hop, "require"))[0].kind, Kind.DELIVERED)

    async def test_verified(self) -> None:
        """C{verify} takes a certificate of that name, or address, from a trusted authority."""
        own = certificate("localhost", "127.0.0.1")
        for host in ("localhost", "127.0.0.1"):
            hop = self.listen(own.options())
            outcome = (await self.deliver(hop, "verify", [Certificate(own.original)], host))[0]
            self.assertEqual((outcome.kind, hop.mails), (Kind.DELIVERED, [True]))

    async def test_not_verified(self) -> None:
        """C{verify} takes neither another name nor another authority; the mail waits."""
        other, own = certificate("other.example"), certificate("localhost")
        for shown, trusted in ((other, [Certificate(other.original)]), (own, [])):
            hop = self.listen(shown.options())
            outcome = (await self.deliver(hop, "verify", trusted))[0]
            self.assertEqual((outcome.kind, outcome.stage, hop.mails), (Kind.DEFERRED, "starttls", []))


class NameTests(SynchronousTestCase):
    def test_indication(self) -> None:
        """A server is told which name is wanted; an address is no name (RFC 6066, 3)."""
        tls_for, nobody = tls_source(), cast(TLSMemoryBIOProtocol, None)
        modes: tuple[TLSMode, ...] = ("opportunistic", "require")
        for mode in modes:
            for host, name in (
                ("mx.example.org", b"mx.example.org"), ("192.0.2.1", None), ("[192.0.2.1]", None),
                ("2001:db8::1", None), ("[IPv6:2001:db8::1]", None),
            ):  # fmt: skip
                connection = tls_for(host, mode).clientConnectionForTLS(nobody)
                self.assertEqual(connection.get_servername(), name, host)


class _Zone(ResolverBase):
    """Answers MX with as many hosts as do not fit into a datagram."""

    def __init__(self, hosts: int) -> None:
        ResolverBase.__init__(self)
        self.hosts = hosts

    @override
    def _lookup(self, name: bytes, cls: int, type: int, timeout: object) -> Deferred[Any]:
        rows = [
            dns.RRHeader(name, dns.MX, dns.IN, 60, dns.Record_MX(n, b"mx%d.%s.example.net" % (n, b"x" * 40), 60))
            for n in range(self.hosts)
        ]
        done: Deferred[Any] = Deferred()
        done.callback((rows, [], []))
        return done


class DNSTests(TestCase):
    async def ask(self, hosts: int) -> int:
        factory = server.DNSServerFactory(clients=[_Zone(hosts)])
        factory.noisy = False
        tcp = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(tcp.stopListening)
        udp = reactor.listenUDP(tcp.getHost().port, dns.DNSDatagramProtocol(factory), interface="127.0.0.1")
        self.addCleanup(udp.stopListening)
        client = names_client(reactor, [f"127.0.0.1:{tcp.getHost().port}"])
        self.addCleanup(self.close, client, factory)
        site = await MailResolver(client=client, clock=reactor).find_site("example.org", 25)
        return len(site.exchanges)

    def close(self, client: Resolver, factory: Any) -> None:
        for connection in [*client.connections, *factory.connections]:
            connection.transport.abortConnection()

    async def test_datagram(self) -> None:
        """The configured server is asked."""
        self.assertEqual(await self.ask(3), 3)

    async def test_truncated(self) -> None:
        """A truncated answer is asked for again over TCP."""
        self.assertEqual(await self.ask(18), 18)
