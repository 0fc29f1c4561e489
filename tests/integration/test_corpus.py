"""What is promised of every newsletter of the corpus, with the real engine in real worker processes."""

import re
from html import unescape
from urllib.parse import urlsplit

import dkim
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from typing_extensions import override

from smtpeter.mime.wire import has_long_line
from smtpeter.model.options import Features
from smtpeter.web.health import Health
from smtpeter.web.requests import WebSite
from smtpeter.web.site import HostRouter
from smtpeter.web.tracking import Tracking
from tests.integration.case import ProcessingCase, from_coroutine
from tests.integration.differences import unexplained
from tests.prepare.rig import BASE, HOST, KEYS, MESSAGE, RECORD
from tests.prepare.test_corpus import html_of
from tests.support.newsletters import SHEET, Newsletter, newsletters
from tests.web.test_health import Faults
from tests.web.test_requests import connect
from tests.web.test_tracking import KeptVisits

CORPUS = tuple(newsletters())
EVERYTHING = Features(inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True)
_TRACKED = re.compile(BASE + r"""/[^"'\s>]*""")
_ASKED_FOR = re.compile(r"/[A-Za-z0-9._~,;:@=&+$!*()'/?%-]*")


class CorpusCase(ProcessingCase):
    """Compiles the corpus."""

    async def sent(self, letter: Newsletter, features: Features, seven_bit: bool = False) -> bytes:
        """As it goes out; nothing may have been left undone."""
        prepared = await self.prepared(letter.content, features)
        self.assertEqual(prepared.warnings, (), letter.name)
        return await prepared.render(MESSAGE, seven_bit)

    async def document(self, letter: Newsletter, features: Features, seven_bit: bool = False) -> str:
        """What the reader's program gets to see."""
        return html_of(await self.sent(letter, features, seven_bit)).decode(letter.charset)


class ContentTests(CorpusCase):
    """What becomes of the content."""

    def test_rest(self) -> "Deferred[None]":
        """
        Beside styles, links and the pixel every character is the original's, in both forms; what only looks like a link
        is there as it was; and both forms say the same.
        """
        return from_coroutine(self._rest())

    async def _rest(self) -> None:
        self.assertGreaterEqual(len(CORPUS), 88)
        for letter in CORPUS:
            before, after = letter.html.decode(letter.charset), await self.document(letter, EVERYTHING)
            self.assertEqual(unexplained(before, after), "", letter.name)
            self.assertEqual(after, await self.document(letter, EVERYTHING, seven_bit=True), letter.name)
            for kept in letter.kept:
                self.assertIn(kept, before)
                self.assertEqual(before.count(kept), after.count(kept), (letter.name, kept))

    def test_styles(self) -> "Deferred[None]":
        """Rules stand in style attributes; conditions and C{:hover} stay in C{style}."""
        return from_coroutine(self._styles())

    async def _styles(self) -> None:
        count = 0
        for letter in CORPUS:
            if SHEET.encode(letter.charset) in letter.html:
                after = await self.document(letter, Features(inlinecss=True))
                attribute = 'style="background-color:#ff0000; color:white"'
                self.assertEqual(after.count(f"<a {attribute} bgcolor"), 0)
                self.assertEqual(after.count(f'<a {attribute} class="button"'), 5, letter.name)
                self.assertIn("a:hover { color: red", after)
                self.assertIn("@media only screen and (max-width: 600px)", after)
                count += 1
        self.assertGreaterEqual(count, 32)

    def test_nothing_asked(self) -> "Deferred[None]":
        """Without features the body is the original's, byte for byte; of lines too long for SMTP, the text is."""
        return from_coroutine(self._nothing_asked())

    async def _nothing_asked(self) -> None:
        long = 0
        for letter in CORPUS:
            sent = await self.sent(letter, Features())
            if has_long_line(letter.content):
                long += 1
                self.assertEqual(html_of(sent), letter.html, letter.name)
            else:
                self.assertEqual(sent.partition(b"\r\n\r\n")[2], letter.content.partition(b"\r\n\r\n")[2], letter.name)
        self.assertLess(long, 12)

    def test_signature(self) -> "Deferred[None]":
        """Somebody else's verifier accepts both forms of every one, and refuses them with another body."""
        return from_coroutine(self._signature())

    async def _signature(self) -> None:
        for letter in CORPUS:
            for seven_bit in (False, True):
                sent = await self.sent(letter, EVERYTHING, seven_bit)
                self.assertTrue(sent.isascii() or not seven_bit, letter.name)
                self.assertTrue(dkim.verify(sent, dnsfunc=lambda name, timeout=5: RECORD), letter.name)
                self.assertFalse(dkim.verify(sent + b"x\r\n", dnsfunc=lambda name, timeout=5: RECORD), letter.name)


class FastContentTests(ContentTests):
    """The same with css-inline."""

    engine = "css-inline"


class LinkTests(CorpusCase):
    """Where links lead."""

    @override
    def setUp(self) -> None:
        super().setUp()
        clock = Clock()
        self.visits = KeptVisits(None, clock)  # type: ignore[arg-type]
        tracking = Tracking(KEYS, BASE, self.visits, clock)
        router = HostRouter(tracking, Health(Faults()).app.resource(), BASE, "https://www.example.com")
        self.site = WebSite(router, 1000, clock)

    def location(self, url: str) -> str:
        """Where a browser is sent that follows a link: it keeps the fragment and asks for all else as it stands."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if "?" in url.partition("#")[0] else "")
        self.assertRegex(path, rf"\A{_ASKED_FOR.pattern}\Z")
        self.assertNotRegex(path, r"/\.\.?(/|\Z|\?)")
        protocol, transport = connect(self.site)
        protocol.dataReceived(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        answer: bytes = transport.value()
        found = re.search(rb"\r\nLocation: ([^\r]*)\r\n", answer)
        assert found is not None, (path, answer)
        return found[1].decode()

    def test_destinations(self) -> "Deferred[None]":
        """Every link redirects to exactly its original, in the form in which a browser asks for it, in order."""
        return from_coroutine(self._destinations())

    async def _destinations(self) -> None:
        for letter in CORPUS:
            after = await self.document(letter, EVERYTHING)
            links = [unescape(found) for found in _TRACKED.findall(after) if not found.endswith(".gif")]
            self.assertEqual([self.location(link) for link in links], list(letter.destinations), letter.name)
        self.assertEqual({visit.message_id for visit in self.visits.kept}, {MESSAGE})

    def test_fragment(self) -> "Deferred[None]":
        """A fragment stays in the link, for the browser to attach again."""
        return from_coroutine(self._fragment())

    async def _fragment(self) -> None:
        after = await self.document(CORPUS[0], EVERYTHING)
        (found,) = [one for one in _TRACKED.findall(after) if "#" in one]
        self.assertTrue(found.endswith("#top"), found)
