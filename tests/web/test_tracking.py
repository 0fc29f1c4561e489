"""Tests of the tracking host, in bytes."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from typing_extensions import override

from smtpeter.model.identity import encode_id
from smtpeter.model.keys import MacKeys
from smtpeter.model.visit import Visit
from smtpeter.tracking.tokens import make_click, make_pixel
from smtpeter.web.health import Health
from smtpeter.web.pages import NOT_FOUND, PIXEL
from smtpeter.web.proxies import proxies
from smtpeter.web.requests import WebSite
from smtpeter.web.site import HostRouter, PublicSite, host_of
from smtpeter.web.tracking import Tracking
from smtpeter.web.visits import Visits
from tests.web.test_health import Faults
from tests.web.test_requests import connect

KEYS = MacKeys(current=1, keys={1: b"k" * 32})
MESSAGE = encode_id(b"0123456789ab")
BASE = "https://clicks.example.com"


@define(eq=False)
class KeptVisits(Visits):
    """Keeps what is recorded."""

    kept: list[Visit] = field(factory=list, init=False)
    held: list[Callable[[], None]] | None = field(default=None, init=False)

    @override
    def when_room(self, answer: Callable[[], None]) -> None:
        if self.held is None:
            answer()
        else:
            self.held.append(answer)

    @override
    def record(self, visit: Visit) -> None:
        self.kept.append(visit)


def link(url: str) -> bytes:
    """The path of a tracked link."""
    return make_click(KEYS, urlsplit(BASE).netloc, MESSAGE, 3, url).encode()


class SiteTestCase(SynchronousTestCase):
    """A site to ask."""

    public_url = "https://www.example.com"
    proxies: tuple[str, ...] = ()

    @override
    def setUp(self) -> None:
        clock = Clock()
        clock.advance(1000.0)
        self.visits = KeptVisits(None, clock)  # type: ignore[arg-type]
        tracking = Tracking(KEYS, BASE, self.visits, clock, proxies=proxies(self.proxies))
        public = PublicSite(Resource(), Health(Faults()).app.resource())
        router = HostRouter(tracking, public, BASE, self.public_url)
        self.site = WebSite(router, 1000, clock)

    def ask(self, path: bytes, method: bytes = b"GET", host: bytes = b"clicks.example.com", more: bytes = b"") -> bytes:
        """One request. @return: the whole answer."""
        protocol, transport = connect(self.site)
        protocol.dataReceived(method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + more + b"\r\n")
        answer: bytes = transport.value()
        return answer

    def location(self, answer: bytes) -> str:
        """Where it leads."""
        found = re.search(rb"\r\nLocation: ([^\r]*)\r\n", answer)
        assert found is not None, answer
        return found[1].decode()


class TrackingTests(SiteTestCase):
    """What a browser gets."""

    def test_click(self) -> None:
        """A link redirects to its address, is not kept by caches, tells no referrer, and is recorded."""
        path = link("https://shop.example/a?b=1")
        answer = self.ask(path, more=b"User-Agent: Test/1\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 302 "), answer)
        self.assertEqual(self.location(answer), "https://shop.example/a?b=1")
        self.assertIn(b"\r\nCache-Control: no-store\r\n", answer)
        self.assertIn(b"\r\nReferrer-Policy: no-referrer\r\n", answer)
        (visit,) = self.visits.kept
        self.assertEqual((visit.type, visit.message_id, visit.at), ("click", MESSAGE, 1000.0))
        self.assertEqual(visit.data["destination"], "https://shop.example/a?b=1")
        self.assertEqual(visit.data["url"], BASE + path.decode())
        self.assertIn("User-Agent: Test/1", visit.data["headers"])
        self.assertEqual(visit.data["ip"], "192.168.1.1")

    def test_pixel(self) -> None:
        """The pixel is a picture that is not kept, and is recorded."""
        answer = self.ask(make_pixel(KEYS, "clicks.example.com", MESSAGE).encode())
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"\r\nContent-Type: image/gif\r\n", answer)
        self.assertIn(b"\r\nCache-Control: no-store\r\n", answer)
        self.assertTrue(answer.endswith(PIXEL))
        (visit,) = self.visits.kept
        self.assertEqual((visit.type, visit.message_id, visit.data["protocol"]), ("open", MESSAGE, "http"))

    def test_head(self) -> None:
        """HEAD answers as GET does and does not count."""
        answer = self.ask(link("https://shop.example/a"), b"HEAD")
        self.assertEqual(self.location(answer), "https://shop.example/a")
        self.assertTrue(
            self.ask(make_pixel(KEYS, "clicks.example.com", MESSAGE).encode(), b"HEAD").endswith(b"\r\n\r\n")
        )
        self.assertEqual(self.visits.kept, [])

    def test_other_methods(self) -> None:
        """A link is read, not written."""
        self.assertIn(b"405 ", self.ask(link("https://shop.example/a"), b"POST"))
        self.assertEqual(self.visits.kept, [])

    def test_appended(self) -> None:
        """Parameters that a gateway appended are passed on."""
        answer = self.ask(link("https://shop.example/a?b=1") + b"&utm=x")
        self.assertEqual(self.location(answer), "https://shop.example/a?b=1&utm=x")

    def test_forged(self) -> None:
        """Whatever is not ours gets the same plain page, and nothing is recorded."""
        path = link("https://shop.example/a")
        other = make_click(KEYS, "clicks.other.example", MESSAGE, 3, "https://shop.example/a").encode()
        stranger = make_click(MacKeys(current=1, keys={1: b"x" * 32}), "clicks.example.com", MESSAGE, 3, "https://a/b")
        changed = path.replace(b"/a", b"/b")
        for wrong in (b"/", b"/%ff", b"/c/", b"/c/AAAA", b"/x.gif", b"/healthz", other, stranger.encode(), changed):
            answer = self.ask(wrong)
            self.assertTrue(answer.startswith(b"HTTP/1.1 404 "), (wrong, answer))
            self.assertTrue(answer.endswith(NOT_FOUND))
            self.assertIn(b"\r\nCache-Control: no-store\r\n", answer)
        self.assertEqual(self.visits.kept, [])

    def test_gone(self) -> None:
        """A visitor who went while the journal caught up is not answered, and nothing is recorded."""
        held: list[Callable[[], None]] = []
        self.visits.held = held
        protocol, transport = connect(self.site)
        asked = b"GET " + link("https://shop.example/a") + b" HTTP/1.1\r\nHost: clicks.example.com\r\n\r\n"
        protocol.dataReceived(asked)
        protocol.connectionLost(Failure(ConnectionDone()))
        held[0]()
        self.assertEqual((transport.value(), self.visits.kept), (b"", []))

    def test_other_host(self) -> None:
        """A link works on its own host only; health is elsewhere."""
        self.assertIn(b"404 ", self.ask(link("https://shop.example/a"), host=b"www.example.com"))
        self.assertIn(b"200 ", self.ask(b"/healthz", host=b"www.example.com"))
        self.assertIn(b"200 ", self.ask(b"/healthz", host=b"192.0.2.1"))
        self.assertIn(b"302 ", self.ask(link("https://shop.example/a"), host=b"CLICKS.example.com:443"))

    @given(st.binary(max_size=60))
    def test_anything(self, path: bytes) -> None:
        """No path makes an error of ours (trial would find it in the log): not found, or malformed."""
        answer = self.ask(b"/" + path.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b""))
        self.assertIn(answer.split(b" ")[1], (b"404", b"400"))

    @example(b"%ff")
    @example(b"healthz/%c3")
    @given(st.binary(max_size=60))
    def test_anything_elsewhere(self, path: bytes) -> None:
        """So it is on the host that is not the tracking one, which has health too."""
        asked = b"/" + path.replace(b"\r", b"").replace(b"\n", b"").replace(b" ", b"")
        self.assertIn(self.ask(asked, host=b"www.example.com").split(b" ")[1], (b"200", b"404", b"400"))

    def test_not_text(self) -> None:
        """A path that is no UTF-8 gets the plain page."""
        self.assertTrue(self.ask(b"/%ff", host=b"www.example.com").endswith(NOT_FOUND))


class ForwardedTests(SiteTestCase):
    """Behind a proxy of ours."""

    proxies = ("192.168.1.0/24",)

    def test_forwarded(self) -> None:
        """A click and an open are those of the visitor that the proxy names last, and by the scheme that it had."""
        forwarded = (
            b"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.3, 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        )
        self.ask(link("https://shop.example/a"), more=forwarded)
        self.ask(make_pixel(KEYS, "clicks.example.com", MESSAGE).encode(), more=forwarded)
        click, opened = self.visits.kept
        self.assertEqual(
            (click.data["ip"], opened.data["ip"], opened.data["protocol"]), ("192.0.2.7", "192.0.2.7", "https")
        )

    def test_silent(self) -> None:
        """A proxy that says nothing is the visitor."""
        self.ask(link("https://shop.example/a"))
        self.assertEqual(self.visits.kept[0].data["ip"], "192.168.1.1")


class SpoofedTests(SiteTestCase):
    """No proxy of ours in front."""

    def test_spoofed(self) -> None:
        """What a visitor says of itself counts for nothing."""
        path = make_pixel(KEYS, "clicks.example.com", MESSAGE).encode()
        self.ask(path, more=b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n")
        self.assertEqual(self.visits.kept[0].data["ip"], "192.168.1.1")
        self.assertEqual(self.visits.kept[0].data["protocol"], "http")


class OneHostTests(SiteTestCase):
    """Tracking and the rest on one host."""

    public_url = BASE

    def test_told_apart(self) -> None:
        """Public segments are the rest's, all else is tracking's."""
        self.assertIn(b"200 ", self.ask(b"/healthz"))
        self.assertTrue(self.ask(b"/healthz.gif").endswith(NOT_FOUND))
        self.assertIn(b"302 ", self.ask(link("https://shop.example/healthz")))


class HostTests(SynchronousTestCase):
    """Host names of URLs."""

    def test_host_of(self) -> None:
        """Lower case, no port."""
        self.assertEqual(host_of("https://Clicks.Example.com:8443"), b"clicks.example.com")
