"""Tests of finding links and of writing them in their places."""

from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.mime.charsets import Unreadable, find_charset
from smtpeter.prepare.links import find_links, kept_addresses, link_splice
from smtpeter.prepare.references import decode_references, encode_references
from smtpeter.prepare.splices import Overlapping, Splice, in_order, spliced
from smtpeter.prepare.tokenizer import tags
from smtpeter.prepare.transfer import write_pieces
from smtpeter.tracking.tokens import click_mark, read_click
from tests.prepare.rig import BASE, HOST, KEYS

UTF8 = find_charset("utf-8")


def urls(
    html: bytes, charset: str = "utf-8", preventscam: bool = False, kept: frozenset[str] = frozenset()
) -> list[str]:
    """What the links found lead to."""
    read = find_charset(charset)
    found = find_links(html, read, tags=tags(read.markup(html)), preventscam=preventscam, kept=kept, base=BASE)
    return [link.url.url for link in found]


class LinkTests(SynchronousTestCase):
    """L{find_links}."""

    def test_which(self) -> None:
        """Web addresses in href of a and area are links; other schemes, elements, attributes and comments are not."""
        html = (
            b'<a href="http://a/1">x</a><AREA HREF=https://a/2><a href="mailto:x@y">m</a><a href="tel:1">t</a>'
            b'<a href="#f">f</a><a href="/r">r</a><a href="data:,x">d</a><a href="javascript:x">j</a><a>n</a>'
            b'<a href="">e</a><a name=x data-href="http://a/3">d</a><link href="http://a/4"><img src="http://a/5">'
            b'<form action="http://a/6"><!--[if mso]><a href="http://a/7">o</a><![endif]--><a href="ftp://a/8">'
            b'</a href="http://a/9"><a href=" &#72;TTP&colon;//a/10 ">'
        )
        self.assertEqual(urls(html), ["http://a/1", "https://a/2", "http://a/10"])

    def test_preventscam(self) -> None:
        """With preventscam a link stays when all that is seen of it is an address, however it is marked up."""
        shown = (
            "www.example.com", "http://example.com/x?y=1", "HTTPS://example.com", " example.com ",
            "<b>www</b>.example.com",
            "www.exam<!-- x -->ple.com", "www&#46;example.com", "example.com/path", "(example.com)", "example.com.",
            "b\u00fccher.example", "www.example.com&nbsp;", "192.0.2.1/x", "example.com:8080", "\u200bexample.com",
            "<img src=x>example.com", "ftp://example.com/x",
        )  # fmt: skip
        others = (
            "Visit www.example.com", "Read more", "", "<img alt='www.example.com'>", "info@example.com", "50.000",
            "example.com is great", "3.5", "Info<br>example.com", "",
        )  # fmt: skip
        for text in shown + others:
            html = f'<a href="http://a/x">{text}</a>'.encode()
            self.assertEqual(urls(html, preventscam=True), [] if text in shown else ["http://a/x"], text)
            self.assertEqual(urls(html), ["http://a/x"])

    def test_unclosed_text(self) -> None:
        """The text of a link ends where the next begins."""
        self.assertEqual(
            urls(b'<a href="http://a/x">www.a.com<a href="http://b/x">more', preventscam=True), ["http://b/x"]
        )
        self.assertEqual(urls(b'<a href="http://a/x">www.a.com</a> and more', preventscam=True), [])

    def test_areas(self) -> None:
        """An area has no text: what stands behind it does not keep its link."""
        self.assertEqual(urls(b'<area href="http://a/x">www.example.com', preventscam=True), ["http://a/x"])

    def test_kept(self) -> None:
        """Addresses in List-Unsubscribe and those on our own tracking base stay."""
        kept = kept_addresses(["<mailto:u@example.com>, <https://u.example/\r\n x?a=1&b>", "<http://[>"])
        html = f'<a href="https://U.example/x?a=1&amp;b#f">u</a><a href="{BASE}/c/x">w</a><a href="{BASE}.org/x">o</a>'
        self.assertEqual(urls(html.encode(), kept=kept), [f"{BASE}.org/x"])

    def test_charsets(self) -> None:
        """Double-byte characters are no markup; queries are encoded as in the document."""
        link = '<a href="http://a/?表">ソ</a>'
        self.assertEqual(urls(link.encode("cp932"), "Shift_JIS"), ["http://a/?%95\\"])
        self.assertEqual(urls("<a href='http://a/?é'>".encode("latin-1"), '"ISO-8859-1"'), ["http://a/?%E9"])
        self.assertEqual(urls("<a href='http://a/é'>".encode("latin-1"), "utf-8"), [])
        self.assertEqual(urls(b"<a href='http://a/\xe9'><a href=http://b>", "x-unknown"), ["http://b/"])
        masked = b"<p>\x1b$B<a href=http://x/>\x1b(B<a href=http://y/>"
        self.assertEqual(urls(masked, "iso-2022-jp"), ["http://y/"])
        self.assertEqual(urls(masked, "us-ascii"), ["http://x/", "http://y/"])
        for charset in ("utf-16", "UTF-16LE", "utf-7", "utf-32", "hz-gb-2312", "iso-2022-kr", "cp037", "ibm037"):
            self.assertRaises(Unreadable, find_charset, charset)

    def test_splice(self) -> None:
        """In any quotes the new value is read back by a browser, and its fragment is kept."""
        for quote in ('"', "'", ""):
            html = f"<a href={quote}http://a/b?c=1&d=2#it&#39;s{quote} x>".encode()
            (link,) = find_links(html, UTF8, tags=tags(html))
            pieces = spliced(html, [link_splice(link, click_mark(KEYS, HOST, 1, link.url), BASE)])
            out = write_pieces(pieces, bytes(12)).decode()
            parser = _Hrefs()
            parser.feed(out)
            address, _, fragment = parser.found[0].partition("#")
            self.assertEqual(fragment, "it's")
            click = read_click(KEYS, HOST, address.removeprefix(BASE).encode())
            self.assertEqual(click.destination, "http://a/b?c=1&d=2")
            self.assertTrue(out.startswith(f"<a href={quote}https:") and out.endswith(f"{quote} x>"), out)

    def test_hostile(self) -> None:
        """Very many links, very long ones and unclosed text are no burden: each is looked at once."""
        self.assertEqual(len(urls(b"<a href=http://a>" * 3000, preventscam=True)), 3000)
        self.assertEqual(urls(b"<a href=http://a" + b"/.." * 100_000 + b">"), [])
        self.assertEqual(urls(b"<a href=http://a/>" + b"<!--" * 100_000, preventscam=True), ["http://a/"])


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name == "href"]


class ReferenceTests(SynchronousTestCase):
    """Character references in attributes."""

    def test_decode(self) -> None:
        """They are read as browsers read them in attributes, which html.unescape does not."""
        for value, decoded in (
            ("a&amp;b", "a&b"), ("?a=1&copy=2", "?a=1&copy=2"), ("&copy2", "&copy2"), ("&copy;=", "\u00a9="),
            ("&copy", "\u00a9"), ("&notit;", "&notit;"), ("&notin;", "\u2209"), ("&#65;&#x42&#X43;", "ABC"),
            ("&#0;&#xD800;&#x110000;", "\ufffd" * 3), ("&#128;", "\u20ac"), ("&#129;", "\x81"),
            ("&#" + "9" * 5000 + ";", "\ufffd"), ("&;&#;&#x;&", "&;&#;&#x;&"), ("&unknown;", "&unknown;"),
            ("&amp=1", "&amp=1"), ("&AMP;", "&"),
        ):  # fmt: skip
            self.assertEqual(decode_references(value), decoded, value)

    @settings(max_examples=100, deadline=None)
    @given(st.text("ab&;=#'\"<> `x12amp", max_size=40))
    def test_round_trip(self, value: str) -> None:
        """What is written is read back, and can stand in any quotes."""
        encoded = encode_references(value).decode()
        self.assertEqual(decode_references(encoded), value)
        self.assertNotRegex(encoded, "['\"<> `]")


class SpliceTests(SynchronousTestCase):
    """Changes of a document."""

    def test_order(self) -> None:
        """They are done in the order of the document, insertions at one place as given."""
        changes = [
            Splice(start=3, end=4, pieces=(b"X",)),
            Splice(start=1, end=1, pieces=(b"a",)),
            Splice(start=1, end=1, pieces=(b"b",)),
        ]
        self.assertEqual(b"".join(map(bytes, spliced(b"01234", in_order(changes, 5)))), b"0ab12X4")  # type: ignore[arg-type]

    def test_meeting(self) -> None:
        """An insertion may stand at either end of what is replaced, in whatever order they come."""
        for places in (((2, 2), (2, 4), (4, 4)), ((4, 4), (2, 4), (2, 2)), ((2, 4), (4, 4), (2, 2))):
            changes = [Splice(start=start, end=end, pieces=()) for start, end in places]
            self.assertEqual([(one.start, one.end) for one in in_order(changes, 5)], [(2, 2), (2, 4), (4, 4)])

    def test_overlap(self) -> None:
        """Two changes of the same bytes, or outside, are refused."""
        for spans in (((0, 2), (1, 3)), ((4, 6),), ((2, 1),)):
            changes = [Splice(start=start, end=end, pieces=()) for start, end in spans]
            self.assertRaises(Overlapping, in_order, changes, 5)
