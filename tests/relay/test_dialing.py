"""Sessions are opened with one address after the other, and what is secret never goes in clear."""

from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import ITLSTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override
from zope.interface import alsoProvides

from smtpeter.relay.connection import Connection
from smtpeter.relay.destinations import Exchange, NoDestination, Site, site_of, site_of_route
from smtpeter.relay.dialing import MAX_TRIES, TLS_BROKEN_SECONDS, Dialer, Unreachable
from smtpeter.relay.facts import Timeouts
from smtpeter.relay.routes import Route
from smtpeter.relay.tls import tls_source
from tests.relay.support import FixedResolver, MemoryServer, MemoryTransport, Network, settle

SECRET = b"AG1lAHB3"


class TLSTransport(MemoryTransport):
    """A transport whose handshake ends as its server says."""

    def __init__(self, server: "TLSServer", protocol: Any, clock: Clock) -> None:
        super().__init__(server, protocol, clock)
        alsoProvides(self, ITLSTransport)
        self.clear: list[bytes] = self.written
        self.is_aborted = False

    def startTLS(self, options: object) -> None:
        self.written = []
        assert isinstance(self.server, TLSServer)
        if self.server.handshake == "good":
            self.clock.callLater(0, self.protocol.handshakeCompleted)
        elif self.server.handshake == "broken":
            self.clock.callLater(0, self.lose, ConnectionError("no TLS"))

    @override
    def abortConnection(self) -> None:
        self.is_aborted = True
        self.loseConnection()


@define(eq=False)
class TLSServer(MemoryServer):
    """
    Offers STARTTLS and AUTH.

    @ivar handshake: C{good}, C{broken} or C{silent}.
    """

    handshake: str = "good"
    extensions: tuple[bytes, ...] = (b"STARTTLS", b"AUTH PLAIN")
    answers: dict[bytes, bytes] = field(factory=lambda: {b"STARTTLS": b"220 go\r\n", b"AUTH": b"235 ok\r\n"})

    @override
    def accept(self, protocol: Any, clock: Clock) -> None:
        transport = TLSTransport(self, protocol, clock)
        self.transports.append(transport)
        transport.start()

    @property
    def heard_in_clear(self) -> bytes:
        """All that was sent without TLS."""
        return b"".join(b"".join(one.clear) for one in self.transports if isinstance(one, TLSTransport))


class DialerCase(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.server = TLSServer()
        self.network = Network(self.clock, {"192.0.2.1": self.server})
        self.resolver = FixedResolver(hosts={"mx": ("192.0.2.1",)})
        self.dialer = Dialer(
            connect=self.network.connect,
            clock=self.clock,
            resolver=self.resolver,
            hostname="us.example",
            tls_for=tls_source(),
            timeouts=Timeouts(),
            jitter=lambda: 0.5,
        )

    def start(self, site: Site) -> Deferred[Connection]:
        """Dial, and let everything happen that takes no time."""
        dialling = Deferred.fromCoroutine(self.dialer.dial(site))
        settle(self.clock)
        return dialling

    def opened(self, site: Site) -> Connection:
        """A session."""
        connection: Connection = self.successResultOf(self.start(site))
        return connection

    def refused(self, site: Site) -> Unreachable:
        """Why there is none."""
        trouble = self.failureResultOf(self.start(site), Unreachable).value
        assert isinstance(trouble, Unreachable)
        return trouble

    def mx(self, *hosts: str) -> Site:
        """A site of MX hosts, in that order of preference."""
        return site_of([Exchange(name=host, preference=place) for place, host in enumerate(hosts or ("mx",))], 25)

    def route(self, **changes: Any) -> Site:
        """A static route over the same host."""
        return site_of_route(Route(**{"domain": "*", "host": "mx", "username": "me", "password": "pw", **changes}))


class TLSTests(DialerCase):
    def test_with_password(self) -> None:
        """The password goes inside TLS."""
        self.opened(self.route())
        self.assertNotIn(SECRET, self.server.heard_in_clear)
        self.assertTrue(any(SECRET in piece for piece in self.server.transports[0].written))

    def test_broken(self) -> None:
        """Broken TLS is left out at the second try, and for days from then on."""
        self.server.handshake = "broken"
        self.assertIn("TLS is broken", self.opened(self.mx()).note)
        self.assertIn("found broken", self.opened(self.mx()).note)
        self.assertEqual(len(self.network.dialled), 3)
        self.clock.advance(TLS_BROKEN_SECONDS)
        self.server.handshake = "good"
        self.assertEqual(self.opened(self.mx()).note, "")

    def test_never_ends(self) -> None:
        """A handshake that never ends is broken TLS as well."""
        self.server.handshake = "silent"
        dialling = self.start(self.mx())
        self.clock.advance(Timeouts().starttls)
        settle(self.clock)
        self.assertIn("TLS is broken", self.successResultOf(dialling).note)

    def test_broken_with_password(self) -> None:
        """Where a password is to be sent broken TLS is not left out."""
        self.server.handshake = "broken"
        self.assertEqual(self.refused(self.route()).stage, "starttls")
        self.assertEqual(len(self.network.dialled), 1)

    def test_found_broken(self) -> None:
        """That TLS of a host was found broken takes TLS neither from a password nor from those who require it."""
        self.server.handshake = "broken"
        self.opened(self.mx())
        self.assertEqual(self.refused(self.route()).stage, "starttls")
        self.assertEqual(self.refused(self.route(tls="require", username="")).stage, "starttls")
        self.assertEqual(self.refused(self.route(tls="verify", username="")).stage, "starttls")
        self.assertNotIn(SECRET, self.server.heard_in_clear)


class AddressTests(DialerCase):
    def test_credentials_refused(self) -> None:
        """Credentials that are refused are not tried at the next address."""
        self.resolver.hosts["mx"] = ("192.0.2.1", "192.0.2.2")
        self.network.servers["192.0.2.2"] = self.server
        self.server.answers[b"AUTH"] = b"535 5.7.8 no\r\n"
        self.assertEqual(self.refused(self.route()).stage, "auth")
        self.assertEqual(len(self.network.dialled), 1)

    def test_many_addresses(self) -> None:
        """So many addresses are tried and no more, of one host or of many; the other hosts are not looked up."""
        self.resolver.hosts = {"mx": tuple(f"198.51.100.{number}" for number in range(20))}
        self.refused(self.mx())
        self.assertEqual(len(self.network.dialled), MAX_TRIES)
        hosts = [f"mx{number}" for number in range(20)]
        self.resolver.hosts = {host: (f"203.0.113.{place}",) for place, host in enumerate(hosts[:MAX_TRIES])}
        self.refused(self.mx(*hosts))
        self.assertEqual(len(self.network.dialled), 2 * MAX_TRIES)

    def test_dead_comes_back(self) -> None:
        """An address that was dead is tried before those that still are as soon as it has answered."""
        self.resolver.hosts["mx"] = ("192.0.2.66", "192.0.2.1")
        self.network.servers.clear()
        self.refused(self.mx())
        self.network.servers["192.0.2.1"] = self.server
        self.opened(self.mx())
        self.opened(self.mx())
        tried = [address for address, _, _ in self.network.dialled]
        self.assertEqual(tried, ["192.0.2.66", "192.0.2.1"] * 2 + ["192.0.2.1"])

    def test_for_now(self) -> None:
        """When one host is refused for good and another cannot be looked up now, it is for now, in either order."""
        self.resolver.hosts = {"a": NoDestination(550, "5.4.6", "private"), "b": NoDestination(451, "4.4.3", "later")}
        for hosts in (("a", "b"), ("b", "a")):
            trouble = self.refused(self.mx(*hosts))
            self.assertEqual((trouble.is_final, trouble.reply and trouble.reply.code), (False, 451))
        self.assertTrue(self.refused(self.mx("a")).is_final)

    def test_given_up(self) -> None:
        """A dial that is given up closes its connection."""
        self.server.greeting = b""
        dialling = self.start(self.mx())
        dialling.cancel()
        self.failureResultOf(dialling, CancelledError)
        (transport,) = self.server.transports
        assert isinstance(transport, TLSTransport)
        self.assertTrue(transport.is_aborted)
