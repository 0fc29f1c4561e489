"""Tests of our own unsubscribe addresses, in bytes."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.boundaries.unsubscribing import UnsubscribeBook
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.tokens import make_pixel, make_unsubscribe
from smtpeter.web.pages import NOT_FOUND
from smtpeter.web.requests import WebSite
from smtpeter.web.site import HostRouter, TrackingSite
from smtpeter.web.tracking import Tracking
from smtpeter.web.unsubscribe_pages import ASK, BUSY, DONE, WRONG
from smtpeter.web.unsubscribing import Unsubscribing
from tests.support.tally import KeptTally
from tests.web.test_requests import connect
from tests.web.test_tracking import BASE, KEYS, MESSAGE, SiteTestCase

HOST = "clicks.example.com"
PATH = make_unsubscribe(KEYS, HOST, MESSAGE).encode()
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
PAIR = b"List-Unsubscribe=One-Click"


@define(eq=False)
class KeptBook(UnsubscribeBook):
    """Remembers who unsubscribed."""

    kept: list[tuple[str, float]] = field(factory=list)
    is_known: bool = True
    failure: Exception | None = None
    gate: "Deferred[None] | None" = None

    @override
    async def unsubscribe(self, message_id: str, now: float) -> bool:
        if self.gate is not None:
            await self.gate
        if self.failure is not None:
            raise self.failure
        if self.is_known:
            self.kept.append((message_id, now))
        return self.is_known


class Structure(HTMLParser):
    """What a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


class UnsubscribingTests(SiteTestCase):
    """What mail programs, scanners and readers get."""

    @override
    def setUp(self) -> None:
        super().setUp()
        self.book, self.tally = KeptBook(), KeptTally()
        clock = Clock()
        clock.advance(1000.0)
        tracking = Tracking(KEYS, BASE, self.visits, clock, self.tally)
        unsubscribing = Unsubscribing(KEYS, BASE, self.book, clock, self.tally)
        router = HostRouter(TrackingSite(tracking, unsubscribing, Resource()), tracking, BASE, self.public_url)
        self.site = WebSite(router, 1000, clock)

    def post(self, body: bytes = PAIR, path: bytes = PATH, more: bytes = FORM) -> bytes:
        protocol, transport = connect(self.site)
        length = b"Content-Length: %d\r\n" % len(body)
        protocol.dataReceived(
            b"POST " + path + b" HTTP/1.1\r\nHost: clicks.example.com\r\n" + more + length + b"\r\n" + body
        )
        answer: bytes = transport.value()
        return answer

    def test_post(self) -> None:
        """A one-click POST unsubscribes at the time of the clock, and says so without a redirect."""
        for more in (FORM, b""):
            answer = self.post(more=more)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            self.assertTrue(answer.endswith(DONE))
        self.assertEqual(self.book.kept, [(MESSAGE, 1000.0)] * 2)
        self.assertEqual(self.tally.counts, {"unsubscribe": 2})
        self.assertTrue(self.post(path=PATH + b"?utm=1").startswith(b"HTTP/1.1 200 "))

    def test_multipart(self) -> None:
        """Multipart form data does too."""
        body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
        answer = self.post(body, more=b"Content-Type: multipart/form-data; boundary=b\r\n")
        self.assertTrue(answer.endswith(DONE), answer)
        self.assertEqual(len(self.book.kept), 1)

    def test_wrong_body(self) -> None:
        """A POST that says something else changes nothing."""
        for body in (b"", b"a=b", PAIR + b"&a=b"):
            answer = self.post(body)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
            self.assertTrue(answer.endswith(WRONG))
        self.assertIn(b" 400 ", self.post(more=b"Content-Type: application/json\r\n"))
        self.assertEqual(self.book.kept, [])

    def test_get(self) -> None:
        """GET shows a page, HEAD its head; neither changes or looks up anything."""
        answer = self.ask(PATH)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertTrue(answer.endswith(ASK))
        head = self.ask(PATH, b"HEAD")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        self.assertEqual(self.book.kept, [])
        self.assertEqual(self.visits.kept, [])

    def test_button(self) -> None:
        """What the page's button sends is what acts."""
        page = Structure(ASK.decode())
        (form,), (hidden,) = page.named("form"), page.named("input")
        self.assertEqual(form, {"method": "post"})
        self.assertEqual(f"{hidden['name']}={hidden['value']}".encode(), PAIR)
        self.assertEqual(page.named("button"), [{"type": "submit"}])

    def test_headers(self) -> None:
        """No page is kept, indexed, framed or sniffed, or runs or loads anything; its own style is allowed by hash."""
        for answer in (self.ask(PATH), self.post(), self.post(b""), self.ask(PATH, b"PUT")):
            head, _, page = answer.partition(b"\r\n\r\n")
            for field_ in (
                *(b"Content-Type: text/html; charset=utf-8", b"Cache-Control: no-store", b"X-Frame-Options: DENY"),
                *(
                    b"X-Content-Type-Options: nosniff",
                    b"X-Robots-Tag: noindex, nofollow",
                    b"Referrer-Policy: no-referrer",
                ),
            ):
                self.assertIn(b"\r\n" + field_ + b"\r\n", head + b"\r\n")
            style = re.search(rb"<style>(.*)</style>", page, re.DOTALL)
            assert style is not None
            named = b64encode(sha256(style[1]).digest())
            policy = b"default-src 'none'; style-src 'sha256-" + named + b"'; form-action 'self'; base-uri 'none'; "
            self.assertIn(b"\r\nContent-Security-Policy: " + policy + b"frame-ancestors 'none'\r\n", head + b"\r\n")

    def test_accessible(self) -> None:
        """Every page has a language, a title, one heading and a main part, fits small screens and runs no script."""
        for page in (ASK, DONE, WRONG, BUSY):
            found = Structure(page.decode())
            self.assertEqual(found.named("html"), [{"lang": "en"}])
            for name in ("title", "h1", "main"):
                self.assertEqual(len(found.named(name)), 1, (name, page))
            self.assertIn("viewport", [one.get("name") for one in found.named("meta")])
            self.assertEqual(found.named("script") + found.named("link") + found.named("img"), [])

    def test_forged(self) -> None:
        """What is not ours is the plain 404 page: altered, of another host, key or kind, cut, longer."""
        altered = PATH[:20] + (b"A" if PATH[20:21] != b"A" else b"B") + PATH[21:]
        stranger = MacKeys(current=1, keys={1: b"x" * 32})
        pixel = make_pixel(KEYS, HOST, MESSAGE)
        for wrong in (
            *(b"/u", b"/u/", b"/u/x", b"/u/%ff", altered, PATH[:-1], PATH + b"A", PATH + b"/", PATH + b"/a"),
            make_unsubscribe(KEYS, "clicks.other.example", MESSAGE).encode(),
            make_unsubscribe(stranger, HOST, MESSAGE).encode(),
            b"/u" + pixel.removesuffix(".gif").encode(),
        ):
            for answer in (self.ask(wrong), self.post(path=wrong)):
                self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), wrong)
                self.assertTrue(answer.endswith(NOT_FOUND))
        self.assertEqual(self.book.kept, [])
        self.assertEqual(set(self.tally.counts), {"not_found"})

    def test_unknown(self) -> None:
        """An address of a message that is kept no longer is the 404 page when it is used."""
        self.book.is_known = False
        answer = self.post()
        self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), answer)
        self.assertEqual(self.tally.counts, {"not_found": 1})

    def test_methods(self) -> None:
        """Other methods are told what there is."""
        for method in (b"PUT", b"DELETE", b"OPTIONS"):
            answer = self.ask(PATH, method)
            self.assertTrue(answer.startswith(b"HTTP/1.1 405 "), answer)
            self.assertIn(b"\r\nAllow: GET, HEAD, POST\r\n", answer)

    def test_large(self) -> None:
        """A body over the limit is refused before it is whole."""
        answer = self.post(PAIR + b" " * 1000)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertEqual(self.book.kept, [])

    def test_busy(self) -> None:
        """When the database cannot be used, or we fail, the reader is told to try again."""
        self.book.failure = StorageBusy("x")
        answer = self.post()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"\r\nRetry-After: 30\r\n", answer)
        self.assertTrue(answer.endswith(BUSY))
        self.book.failure = ValueError("x")
        self.assertTrue(self.post().startswith(b"HTTP/1.1 500 "))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(self.tally.counts, {})

    def test_gone(self) -> None:
        """Who hangs up meanwhile is unsubscribed all the same."""
        self.book.gate = Deferred()
        protocol, transport = connect(self.site)
        protocol.dataReceived(
            b"POST " + PATH + b" HTTP/1.1\r\nHost: clicks.example.com\r\nContent-Length: 26\r\n\r\n" + PAIR
        )
        protocol.connectionLost(Failure(ConnectionDone()))
        self.book.gate.callback(None)
        self.assertEqual(len(self.book.kept), 1)
        self.assertEqual(transport.value(), b"")
