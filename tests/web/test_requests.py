"""Tests of the limits on requests."""

from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource
from twisted.web.server import Site
from typing_extensions import override

from smtpeter.web.requests import REQUEST_SECONDS, WebSite

LIMIT = 1000


class Echo(Resource):
    """Answers with the length of the body."""

    isLeaf = True

    @override
    def render(self, request: IRequest) -> bytes:
        return b"%d" % len(request.content.read())


def connect(site: Site) -> tuple[IProtocol, StringTransport]:
    """A connection to a site, in memory."""
    protocol = site.buildProtocol(None)
    assert protocol is not None
    transport = StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


class RequestTests(SynchronousTestCase):
    """Requests in bytes, answers in bytes."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.site = WebSite(Echo(), LIMIT, self.clock)
        self.protocol, self.transport = connect(self.site)

    def send(self, data: bytes) -> bytes:
        self.transport.clear()
        self.protocol.dataReceived(data)
        answer: bytes = self.transport.value()
        return answer

    def test_body_in_bounds(self) -> None:
        """A body up to the limit is taken, announced or in chunks."""
        answer = self.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
        self.assertTrue(answer.endswith(b"\r\n\r\n1000"), answer)
        answer = self.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        self.assertTrue(answer.endswith(b"\r\n\r\n3"), answer)

    def test_announced_too_large(self) -> None:
        """A body that is announced too large is refused before its first byte."""
        answer = self.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertTrue(self.transport.disconnecting)

    def test_chunks_too_large(self) -> None:
        """A body that grows too large in chunks is refused, and what follows is dropped."""
        self.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        for _ in range(20):
            answer += self.send(b"64\r\n" + b"x" * 100 + b"\r\n")
        self.assertEqual(answer.count(b"HTTP/1.1 413 "), 1)
        self.assertTrue(self.transport.disconnecting)

    def test_refused_is_not_handled(self) -> None:
        """A request whose body is too large does not reach its resource with a part of it, even in one segment."""
        served: list[bytes] = []

        def render(resource: Echo, request: IRequest) -> bytes:
            served.append(request.content.read())
            return b""

        self.patch(Echo, "render", render)
        chunks = b"64\r\n" + b"x" * 100 + b"\r\n"
        answer = self.send(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks * 11 + b"0\r\n\r\n"
        )
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertEqual(served, [])

    def test_refused_is_cut(self) -> None:
        """A client that goes on after a refusal is cut off."""
        self.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n")
        self.send(b"x" * 100_000)
        self.clock.advance(1.1)
        self.assertTrue(self.transport.disconnected)

    def test_drip(self) -> None:
        """A byte now and then does not keep a request alive past its deadline; the stock channel waits on."""
        stock = Site(Echo(), reactor=self.clock)
        stock_protocol, stock_transport = connect(stock)
        assert stock_protocol is not None
        for byte in b"GET / HTTP/1.1\r\nHost: ":
            self.send(bytes([byte]))
            stock_protocol.dataReceived(bytes([byte]))
            self.clock.advance(REQUEST_SECONDS / 10)
        self.assertTrue(self.transport.disconnected)
        self.assertFalse(stock_transport.disconnecting or stock_transport.disconnected)

    def test_kept_connection(self) -> None:
        """Each request of a kept connection has a deadline of its own."""
        for _ in range(5):
            self.assertIn(b"200 OK", self.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
            self.clock.advance(REQUEST_SECONDS * 0.9)
        self.assertFalse(self.transport.disconnected or self.transport.disconnecting)

    def test_no_version(self) -> None:
        """The answer does not tell which software made it, and is plain text."""
        answer = self.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertNotIn(b"Server:", answer)
        self.assertIn(b"text/plain", answer)
