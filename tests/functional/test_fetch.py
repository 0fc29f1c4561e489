"""
The guarded client over real loopback sockets, with real DNS and TLS.

The client connects to nothing but loopback: for the one public address that appears, a server of the test stands in.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IPullProducer, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, CertificateOptions
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from typing_extensions import override
from zope.interface import implementer

from smtpeter.assembly.fetching import build_fetcher
from smtpeter.boundaries.fetch import FetchError, FetchFailed, FetchRefused, FetchTooLarge, FetchTooSlow
from smtpeter.fetch.client import FetchLimits, GuardedClient
from smtpeter.fetch.gate import dial_over_tcp
from smtpeter.relay.resolver import MailResolver, names_client
from tests.relay.test_tls import certificate
from tests.support.nameserver import NameServer

reactor: Any = global_reactor

STAND_IN = "8.8.8.8"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
SPELLINGS = (
    *(
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
    ),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "localhost", "localhost.", "LOCALHOST", "ⓛocalhost", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "me@127.0.0.1", "8.8.8.8@127.0.0.1", "127.0.0.1%2f", "127.0.0.2", "0"),
    *("0x7f.0.0.0x1", "017700000001", "127.000.000.001", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]"),
    *(
        "[::ffff:0:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::1]",
        "[fe80::1]",
        "[fe80::1%25lo]",
    ),
    *("[fd00::1]", "[ff02::1]", "169.254.169.254", "[::ffff:169.254.169.254]", "10.0.0.1", "100.64.0.1"),
)


class Peer(Protocol):
    """The server's end of a connection: at the end of the header it lets the test answer."""

    request = b""

    @override
    def connectionMade(self) -> None:
        self.factory.connections += 1

    @override
    def dataReceived(self, data: bytes) -> None:
        self.request += data
        if b"\r\n\r\n" in self.request:
            self.factory.requests.append(self.request)
            self.factory.answer(self)

    @override
    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.factory.ended.callback(None)
        self.factory.ended = Deferred()

    def say(self, octets: bytes, close: bool = True) -> None:
        """Write, and close."""
        transport: Any = self.transport
        transport.write(octets)
        if close:
            transport.loseConnection()


class BluntPeer(Peer):
    """One that answers whatever it reads."""

    @override
    def dataReceived(self, data: bytes) -> None:
        self.factory.answer(self)


def say(octets: bytes, close: bool = True) -> Callable[[Peer], None]:
    """An answer that is always the same."""
    return lambda peer: peer.say(octets, close)


@implementer(IPullProducer)
@define(eq=False)
class Endless:
    """Writes as long as it is asked to."""

    peer: Peer
    piece: bytes
    count: int = 0

    def resumeProducing(self) -> None:
        """Called by Twisted: there is room."""
        self.count += len(self.piece)
        self.peer.say(self.piece, close=False)

    def stopProducing(self) -> None:
        """Called by Twisted: the connection is gone."""


@define(eq=False)
class Server:
    """A server on a loopback port of its own."""

    answer: Callable[[Peer], None]
    options: CertificateOptions | None = None
    factory: Any = field(factory=lambda: Factory.forProtocol(Peer))
    port: Any = field(init=False)

    def start(self, test: TestCase) -> "Server":
        """Listen, until the test is over."""
        self.factory.noisy = False
        self.factory.answer, self.factory.connections, self.factory.requests = self.answer, 0, []
        self.factory.ended = Deferred()
        if self.options is None:
            self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        else:
            self.port = reactor.listenSSL(0, self.factory, self.options, interface="127.0.0.1")
        test.addCleanup(self.port.stopListening)
        return self

    @property
    def number(self) -> int:
        """Its port."""
        found: int = self.port.getHost().port
        return found

    @property
    def connections(self) -> int:
        """How many there were."""
        found: int = self.factory.connections
        return found


class GuardTests(TestCase):
    """A listener on loopback that must not be reached, and sees no connection."""

    @override
    def setUp(self) -> None:
        """The listener, and a server that is public."""
        self.victim = Server(say(OK + b"\r\nsecret")).start(self)
        self.public = Server(say(OK + b"\r\nhello")).start(self)

    def client(self, lookup: Callable[[str], Any], allow_private: bool = False) -> GuardedClient:
        """One whose public address is our server's."""
        unused: Any = None
        client = build_fetcher(reactor, unused, FetchLimits(seconds=10), allow_private)
        client.lookup = lookup
        client.dial = self.dial
        return client

    def dial(self, address: str, port: int, seconds: float) -> IStreamClientEndpoint:
        """Connect to loopback, or to whoever stands in."""
        if address == STAND_IN:
            endpoint: IStreamClientEndpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.public.number)
            return endpoint
        assert address in ("::1", "0.0.0.0") or "127." in address or "7f00" in address, address
        return dial_over_tcp(reactor)(address, port, seconds)

    async def liberal(self, name: str) -> Sequence[str]:
        """What the system makes of a name that it can tell without asking anybody."""
        assert name.rpartition(".")[2] not in ("com", "example"), name
        found = await deferToThread(socket.getaddrinfo, name, None, socket.AF_INET, socket.SOCK_STREAM)
        return [str(one[4][0]) for one in found]

    async def refused(self, client: GuardedClient, url: str) -> None:
        """A fetch that is refused, by GET and by POST."""
        for work in (client.get(url), client.post(url, b"x", {})):
            with self.assertRaises(FetchError, msg=url):
                await work

    async def test_reachable(self) -> None:
        """The listener can be reached, also by spellings that the system takes: what follows proves something."""
        client = self.client(self.liberal, allow_private=True)
        for host in ("127.0.0.1", "localhost"):
            self.assertEqual((await client.get(f"http://{host}:{self.victim.number}/")).content, b"secret")
        for host in ("127.1", "0x7f000001", "2130706433"):
            self.assertEqual(await self.liberal(host), ["127.0.0.1"])
        self.assertEqual(self.victim.connections, 2)

    async def test_spellings(self) -> None:
        """No spelling of a loopback address leads there."""
        client = self.client(self.liberal)
        for host in SPELLINGS:
            await self.refused(client, f"http://{host}:{self.victim.number}/")
        self.assertEqual((self.victim.connections, self.public.connections), (0, 0))

    async def test_redirects(self) -> None:
        """No redirect leads there."""
        client = self.client(self.liberal)
        for host in SPELLINGS:
            location = f"http://{host}:{self.victim.number}/".encode()
            self.public.factory.answer = say(b"HTTP/1.1 302 X\r\nLocation: " + location + b"\r\n\r\n")
            with self.assertRaises(FetchRefused, msg=host):
                await client.get(f"http://{STAND_IN}/")
        self.assertEqual((self.victim.connections, self.public.connections), (0, len(SPELLINGS)))

    async def test_rebinding(self) -> None:
        """A name that leads elsewhere the second time is asked where it led the first time, or not at all."""
        answers = [[STAND_IN]]

        async def fickle(name: str) -> Sequence[str]:
            return answers.pop(0) if answers else ["127.0.0.1"]

        client, url = self.client(fickle), f"http://fickle.example:{self.victim.number}/"
        self.assertEqual((await client.get(url)).content, b"hello")
        await self.refused(client, url)
        answers.append([STAND_IN])
        self.public.factory.answer = say(b"HTTP/1.1 302 X\r\nLocation: " + url.encode() + b"\r\n\r\n")
        with self.assertRaises(FetchRefused):
            await client.get(url)
        self.assertEqual((self.victim.connections, self.public.connections), (0, 2))

    async def test_names(self) -> None:
        """No name of the DNS or the hosts file leads there: not with one address, not among others, not by an alias."""
        records = {
            ("loop.example", "A"): ["127.0.0.1"],
            ("loop6.example", "AAAA"): ["::1"],
            ("mapped.example", "AAAA"): ["::ffff:127.0.0.1"],
            ("mixed.example", "A"): [STAND_IN, "127.0.0.1"],
            ("half.example", "A"): [STAND_IN],
            ("half.example", "AAAA"): ["::1"],
            ("alias.example", "CNAME"): ["loop.example."],
            ("good.example", "A"): [STAND_IN],
        }
        hosts = {"local.example": ["127.0.0.1"]}
        with NameServer(records) as server:
            names = names_client(reactor, [f"127.0.0.1:{server.port}"])
            resolver = MailResolver(client=names, clock=reactor, hosts_file=lambda name: hosts.get(name, []))
            client = self.client(build_fetcher(reactor, resolver, FetchLimits()).lookup)
            for name in ("loop", "loop6", "mapped", "mixed", "half", "alias", "local", "none"):
                await self.refused(client, f"http://{name}.example:{self.victim.number}/")
            self.assertEqual((self.victim.connections, self.public.connections), (0, 0))
            fetched = await client.get(f"http://good.example:{self.victim.number}/")
            self.assertEqual((fetched.content, self.public.connections), (b"hello", 1))
        self.assertEqual(self.victim.connections, 0)

    async def test_silent_names(self) -> None:
        """A name server that fails is told as that."""
        with NameServer({}, failing={"broken.example"}) as server:
            names = names_client(reactor, [f"127.0.0.1:{server.port}"])
            resolver = MailResolver(client=names, clock=reactor)
            client = build_fetcher(reactor, resolver, FetchLimits())
            with self.assertRaisesRegex(FetchFailed, "it cannot be told now where broken.example leads"):
                await client.get("http://broken.example/")


def private_client(trusted: Sequence[Certificate] = (), **limits: float) -> GuardedClient:
    """One that may ask private addresses, and knows the name localhost."""
    unused: Any = None
    resolver = MailResolver(client=unused, clock=reactor, hosts_file=lambda name: ["127.0.0.1"])
    chosen: dict[str, Any] = {"seconds": 10, "size_bytes": 1_000_000, **limits}
    return build_fetcher(reactor, resolver, FetchLimits(**chosen), allow_private=True, trusted=trusted)


class LimitTests(TestCase):
    """A real server, where private addresses are allowed."""

    async def test_fetched(self) -> None:
        """An answer of many reads is fetched, and the connection is closed."""
        content = bytes(range(256)) * 3900
        server = Server(say(OK + b"Content-Length: %d\r\n\r\n" % len(content) + content, close=False)).start(self)
        ended = server.factory.ended
        found = await private_client().get(f"http://localhost:{server.number}/")
        self.assertEqual((found.status, found.type, found.content == content), (200, "text/plain", True))
        await ended

    async def test_posted(self) -> None:
        """A content is given, and the answer told."""
        server = Server(say(b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno", close=False)).start(self)
        found = await private_client().post(
            f"http://127.0.0.1:{server.number}/in", b"{}", {"Content-Type": "text/json"}
        )
        self.assertEqual((found.status, found.content), (500, b"no"))
        self.assertTrue(server.factory.requests[0].startswith(b"POST /in HTTP/1.1\r\n"))
        self.assertTrue(server.factory.requests[0].endswith(b"\r\n\r\n{}"))

    async def endless(self, first: bytes, piece: bytes) -> tuple[str, int]:
        """What is told of an answer without end, and how much of it was written."""
        made: list[Endless] = []

        def answer(peer: Peer) -> None:
            peer.say(first, close=False)
            made.append(Endless(peer, piece))
            transport: Any = peer.transport
            transport.registerProducer(made[0], False)

        server = Server(answer).start(self)
        ended = server.factory.ended
        with self.assertRaises(FetchTooLarge) as caught:
            await private_client().get(f"http://localhost:{server.number}/")
        await ended
        return str(caught.exception), made[0].count

    async def test_size(self) -> None:
        """A body without end is cut off soon after the limit, and the connection closed."""
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        for first, piece in ((OK + b"\r\n", b"x" * 65536), (OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk)):
            text, written = await self.endless(first, piece)
            self.assertEqual(text, "the answer of localhost is larger than 1000000 bytes")
            self.assertLess(written, 20_000_000)

    async def test_header_flood(self) -> None:
        """A header without end, or interim answers without end, are cut off."""
        for first, piece in ((OK, b"X-Y: z\r\n" * 500), (b"", b"HTTP/1.1 100 Go on\r\nX: y\r\n\r\n" * 100)):
            text, written = await self.endless(first, piece)
            self.assertEqual(text, "the header of the answer of localhost is larger than 32768 bytes")
            self.assertLess(written, 20_000_000)

    async def test_slow_body(self) -> None:
        """A body that comes too slowly ends with its time, and so does the connection."""
        server = Server(say(OK + b"Content-Length: 9\r\n\r\nx", close=False)).start(self)
        ended = server.factory.ended
        with self.assertRaisesRegex(FetchTooSlow, "not complete within 0.3 seconds"):
            await private_client(seconds=0.3).get(f"http://localhost:{server.number}/")
        await ended

    async def test_redirect_loop(self) -> None:
        """A loop of redirects ends."""
        server = Server(say(b"HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")).start(self)
        with self.assertRaisesRegex(FetchFailed, "more than 5 redirects"):
            await private_client().get(f"http://localhost:{server.number}/")
        self.assertEqual(server.connections, 6)

    async def test_nobody(self) -> None:
        """A port where nobody listens cannot be reached."""
        server = Server(say(OK)).start(self)
        number = server.number
        await server.port.stopListening()
        with self.assertRaisesRegex(FetchFailed, "localhost cannot be reached"):
            await private_client().get(f"http://localhost:{number}/")


class TLSTests(TestCase):
    """https, with certificates that the test makes."""

    def serve(self, *names: str) -> tuple[Server, list[Certificate]]:
        """A server with a certificate of its own, which is the authority to trust."""
        own = certificate(*names)
        server = Server(say(OK + b"Content-Length: 5\r\n\r\nhello", close=False), own.options()).start(self)
        return server, [Certificate(own.original)]

    async def test_verified(self) -> None:
        """A certificate of that name, or address, and a trusted authority is taken; the connection is closed."""
        server, trusted = self.serve("localhost", "127.0.0.1")
        for host in ("localhost", "127.0.0.1"):
            ended = server.factory.ended
            found = await private_client(trusted).get(f"https://{host}:{server.number}/")
            self.assertEqual(found.content, b"hello")
            await ended

    async def test_not_verified(self) -> None:
        """Another name, another authority, or no TLS at all: no request is sent."""
        other, trusted = self.serve("other.example")
        own, _ = self.serve("localhost")
        plain = Server(say(OK + b"\r\n"), factory=Factory.forProtocol(BluntPeer)).start(self)
        for server, believed in ((other, trusted), (own, trusted), (plain, trusted)):
            for work in (
                private_client(believed).get(f"https://localhost:{server.number}/"),
                private_client(believed).post(f"https://localhost:{server.number}/", b"x", {}),
            ):
                with self.assertRaisesRegex(FetchFailed, "localhost has no certificate that is valid for it"):
                    await work
            self.assertEqual(server.factory.requests, [])

    async def test_name_told(self) -> None:
        """The server is told the host name (SNI), so that it can have many."""
        own = certificate("localhost")
        options, told = own.options(), []
        options.getContext().set_tlsext_servername_callback(lambda connection: told.append(connection.get_servername()))
        server = Server(say(OK + b"\r\nhello"), options).start(self)
        await private_client([Certificate(own.original)]).get(f"https://localhost:{server.number}/")
        self.assertEqual(told, [b"localhost"])

    async def test_cut_off(self) -> None:
        """A body that ends with the connection is not taken when the connection does not end in order."""

        def cut(peer: Peer) -> None:
            transport: Any = peer.transport
            transport.write(OK + b"\r\nhel")
            reactor.callLater(0.1, transport.abortConnection)

        own = certificate("localhost")
        server = Server(cut, own.options()).start(self)
        with self.assertRaisesRegex(FetchFailed, "ended before it was complete"):
            await private_client([Certificate(own.original)]).get(f"https://localhost:{server.number}/")
