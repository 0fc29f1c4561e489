"""Tests of the images that a tracking host serves, in bytes."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.image import HostedImage
from smtpeter.web.health import Health
from smtpeter.web.images import Images
from smtpeter.web.pages import NOT_FOUND
from smtpeter.web.requests import WebSite
from smtpeter.web.site import HostRouter, TrackingSite
from smtpeter.web.tracking import Tracking
from tests.web.test_health import Faults
from tests.web.test_requests import connect
from tests.web.test_tracking import BASE, KEYS, KeptVisits, link

HASH = "0123456789" * 4
IMAGE = HostedImage(hash=HASH, type="image/png", octets=b"\x89PNG and so on")
PATH = f"/images/{HASH}/logo.png".encode()


@define
class Shelf:
    """
    Has one image.

    @ivar failure: raised instead.
    @ivar gate: waited for.
    """

    failure: Exception | None = None
    gate: Deferred[None] | None = None
    asked: list[str] = field(factory=list)

    async def image(self, hash: str) -> HostedImage | None:
        self.asked.append(hash)
        if self.gate is not None:
            await self.gate
        if self.failure is not None:
            raise self.failure
        return IMAGE if hash == HASH else None


class ImageTests(SynchronousTestCase):
    """What a mail program gets."""

    @override
    def setUp(self) -> None:
        clock, self.shelf, self.counted = Clock(), Shelf(), list[str]()
        self.visits = KeptVisits(None, clock)  # type: ignore[arg-type]
        images = Images(self.shelf, lambda label="", amount=1: self.counted.append(label))
        site = TrackingSite(Tracking(KEYS, BASE, self.visits, clock), Resource(), images)
        router = HostRouter(site, Health(Faults()).app.resource(), BASE, "https://www.example.com")
        self.site = WebSite(router, 1000, clock)

    def ask(self, path: bytes, method: bytes = b"GET", host: bytes = b"clicks.example.com") -> bytes:
        protocol, transport = connect(self.site)
        protocol.dataReceived(method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        answer: bytes = transport.value()
        return answer

    def test_image(self) -> None:
        """An image comes with its own type and no other, to be kept for long; nobody is counted as a reader."""
        answer = self.ask(PATH + b"?x=1")
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertEqual(body, IMAGE.octets)
        lines = head.split(b"\r\n")
        self.assertEqual(lines[0], b"HTTP/1.1 200 OK")
        for line in (
            b"Content-Type: image/png",
            b"Content-Length: %d" % len(body),
            b"X-Content-Type-Options: nosniff",
            b"Cache-Control: public, max-age=31536000, immutable",
            b"Content-Security-Policy: default-src 'none'; sandbox",
            b"Cross-Origin-Resource-Policy: cross-origin",
        ):
            self.assertIn(line, lines)
        self.assertEqual((self.visits.kept, self.counted), ([], ["image"]))

    def test_head(self) -> None:
        """HEAD has the same header, and nothing behind it; other methods are refused."""
        head = self.ask(PATH, b"HEAD")
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        self.assertIn(b"\r\nContent-Length: %d\r\n" % len(IMAGE.octets), head)
        self.assertIn(b"HTTP/1.1 405 ", self.ask(PATH, b"POST"))

    def test_unknown(self) -> None:
        """What was never hosted, or is no address of an image, gets the page that everything gets."""
        for path in (PATH.replace(b"0", b"f"), b"/images/", b"/images/../v1", b"/images/" + b"x" * 40 + b"/a.png"):
            answer = self.ask(path)
            self.assertIn(b"HTTP/1.1 404 ", answer)
            self.assertTrue(answer.endswith(NOT_FOUND), path)
        self.assertEqual(self.shelf.asked, [HASH.replace("0", "f")])
        for name in (b"logo.gif", b"logo.html", b"logo.xpng"):
            self.assertIn(b"HTTP/1.1 404 ", self.ask(PATH.replace(b"logo.png", name)), name)
        self.assertIn(b"HTTP/1.1 404 ", self.ask(PATH, host=b"www.example.com"))

    def test_links(self) -> None:
        """Links and pixels are answered beside them."""
        self.assertIn(b"HTTP/1.1 302 ", self.ask(link("https://shop.example/images/x")))

    def test_failures(self) -> None:
        """While the store cannot be read a caller is told to come again, and nothing of it is kept."""
        for failure in (StorageBusy("x"), ValueError("x")):
            self.shelf.failure = failure
            answer = self.ask(PATH)
            self.assertIn(b"HTTP/1.1 503 ", answer)
            for line in (b"\r\nRetry-After: 10\r\n", b"\r\nCache-Control: no-store\r\n"):
                self.assertIn(line, answer)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_gone(self) -> None:
        """A visitor who leaves before the image is read costs nothing more."""
        self.shelf.gate = Deferred()
        protocol, transport = connect(self.site)
        protocol.dataReceived(b"GET " + PATH + b" HTTP/1.1\r\nHost: clicks.example.com\r\n\r\n")
        protocol.connectionLost(Failure(ConnectionDone()))
        self.shelf.gate.callback(None)
        self.assertEqual((transport.value(), self.flushLoggedErrors()), (b"", []))
