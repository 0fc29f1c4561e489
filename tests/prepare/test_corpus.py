"""Promises that hold for every newsletter of the corpus."""

import re
from email import message_from_bytes
from email.message import Message as EmailMessage
from html import unescape

import dkim
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.charsets import find_charset
from smtpeter.mime.wire import has_bare_newline, has_long_line
from smtpeter.model.options import Features
from smtpeter.prepare.links import find_links
from smtpeter.prepare.tokenizer import tags
from smtpeter.tracking.tokens import read_click, read_pixel
from tests.prepare.rig import BASE, HOST, KEYS, MESSAGE, OTHER, RECORD, Inlining, Rig, submission
from tests.support.newsletters import Newsletter, newsletters

CORPUS = list(newsletters())
CLICKS = Features(trackclicks=True, trackopens=True, trackbounces=True)
_PIXEL = re.compile(rb'<img src="(' + BASE.encode() + rb'/[^"]*\.gif)" width="1"[^>]*>')
_TRACKED = re.compile(BASE.encode() + rb"""/[^"'\s>]*""")


def html_of(content: bytes) -> bytes:
    """The HTML of a message, as the standard library decodes it."""
    message: EmailMessage = message_from_bytes(content)
    part = next(part for part in message.walk() if part.get_content_type() == "text/html")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


class CorpusTests(SynchronousTestCase):
    """Each newsletter through a compiler."""

    def rendered(self, letter: Newsletter, features: Features, seven_bit: bool = False, id: str = MESSAGE) -> bytes:
        """A message as sent."""
        prepared = self.successResultOf(Rig().compiler().prepare(submission(letter.content, features)))
        self.assertEqual(prepared.warnings, ())
        content: bytes = self.successResultOf(prepared.render(id, seven_bit))
        return content

    def test_size(self) -> None:
        """There are more than sixty different ones."""
        self.assertGreater(len({letter.content for letter in CORPUS}), 60)

    def test_links(self) -> None:
        """Every link is read back to what the browser would have asked for, in order, and numbered from one."""
        for letter in CORPUS:
            html = _PIXEL.sub(b"", html_of(self.rendered(letter, CLICKS)))
            paths = [unescape(found.decode()).partition("#")[0] for found in _TRACKED.findall(html)]
            clicks = [read_click(KEYS, HOST, path.removeprefix(BASE).encode()) for path in paths]
            self.assertEqual([click.destination for click in clicks], list(letter.destinations), letter.name)
            self.assertEqual([click.link_number for click in clicks], list(range(1, 1 + len(clicks))))
            self.assertEqual({click.message_id for click in clicks}, {MESSAGE})

    def test_rest(self) -> None:
        """Every byte that is not the address of a link or the pixel is the original's."""
        for letter in CORPUS:
            html, count = _PIXEL.subn(b"", html_of(self.rendered(letter, CLICKS)))
            self.assertEqual(count, 1, letter.name)
            position, expected = 0, []
            charset = find_charset(letter.charset)
            for link in find_links(letter.html, charset, tags=tags(charset.markup(letter.html))):
                expected.append(letter.html[position : link.start])
                position = link.end
            expected.append(letter.html[position:])
            self.assertEqual(_TRACKED.split(html), expected, letter.name)

    def test_pixel(self) -> None:
        """The pixel is read back to the message."""
        for letter in CORPUS:
            found = _PIXEL.search(html_of(self.rendered(letter, CLICKS)))
            assert found is not None, letter.name
            self.assertEqual(read_pixel(KEYS, HOST, found[1].removeprefix(BASE.encode())), MESSAGE)

    def test_style(self) -> None:
        """Beside the values of style and the contents of style elements every byte is the original's."""
        for letter in CORPUS:
            rig = Rig(inliner=Inlining())
            prepared = self.successResultOf(
                rig.compiler().prepare(submission(letter.content, Features(inlinecss=True)))
            )
            html = html_of(self.successResultOf(prepared.render(MESSAGE, False)))
            if not rig.inliner.requests:
                self.assertEqual(html, letter.html, letter.name)
                continue
            self.assertIn(b'style="color: #123456"', html, letter.name)
            self.assertEqual(_unstyled(html), _unstyled(letter.html), letter.name)

    def test_untouched(self) -> None:
        """Without features the body is the original's, byte for byte, but for lines that are too long."""
        for letter in CORPUS:
            sent = self.rendered(letter, Features())
            body, original = sent.partition(b"\r\n\r\n")[2], letter.content.partition(b"\r\n\r\n")[2]
            if has_long_line(letter.content):
                self.assertEqual(html_of(sent), letter.html, letter.name)
            else:
                self.assertEqual(body, original, letter.name)

    def test_wire(self) -> None:
        """Whatever is asked for, lines keep to the limits and line ends are CRLF; seven bits are seven bits."""
        for letter in CORPUS:
            for seven_bit in (False, True):
                sent = self.rendered(letter, CLICKS, seven_bit)
                self.assertFalse(has_long_line(sent), letter.name)
                self.assertFalse(has_bare_newline(sent), letter.name)
                self.assertTrue(sent.isascii() or not seven_bit, letter.name)

    def test_forms(self) -> None:
        """Both forms say the same, and messages differ in their tokens only."""
        for letter in CORPUS:
            plain, recoded = (html_of(self.rendered(letter, CLICKS, form)) for form in (False, True))
            self.assertEqual(plain, recoded, letter.name)
            other = html_of(self.rendered(letter, CLICKS, id=OTHER))
            self.assertNotEqual(plain, other)
            self.assertEqual(len(plain), len(other))

    def test_quoted_lines(self) -> None:
        """Quoted-printable keeps its lines at 76 characters."""
        for letter in CORPUS:
            if b"quoted-printable" in letter.content:
                longest = max(map(len, self.rendered(letter, CLICKS).split(b"\r\n")))
                self.assertLessEqual(longest, 78, letter.name)

    def test_signature(self) -> None:
        """Somebody else's verifier accepts every one, in both forms."""
        for letter in CORPUS:
            for seven_bit in (False, True):
                sent = self.rendered(letter, CLICKS, seven_bit)
                self.assertTrue(dkim.verify(sent, dnsfunc=lambda name, timeout=5: RECORD), letter.name)


def _unstyled(html: bytes) -> bytes:
    """Without style attributes and the contents of style elements."""
    pieces, position = [], 0
    for tag in tags(html):
        style = tag.attribute(b"style")
        if style is not None:
            pieces.append(html[position : style.name_start].rstrip())
            position = style.value_end + len(style.quote or b"")
        if tag.name == b"style" and tag.content is not None:
            pieces.append(html[position : tag.content[0]])
            position = tag.content[1]
    return b"".join((*pieces, html[position:]))
