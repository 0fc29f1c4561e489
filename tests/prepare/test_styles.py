"""Tests of numbering a document and of splicing a result into it."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineResult
from smtpeter.mime.charsets import Unreadable
from smtpeter.prepare.numbering import Numbered, number_elements
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.styles import style_splices
from smtpeter.prepare.tokenizer import Outline, outline
from tests.prepare.inlining import NUMBERED

HTML = b"<style>a{x:y}</style><p>x</p><td style=a:b>"


def _numbered(html: bytes = HTML, codec: str | None = "utf-8") -> Numbered:
    numbered = number_elements(html, outline(html, NUMBERED), codec)
    assert numbered is not None
    return numbered


class NumberingTests(SynchronousTestCase):
    """The numbered copy."""

    def test_copy(self) -> None:
        """Start tags are numbered in their order, style sheets by themselves, and what has no appearance not at all."""
        html = (
            b"<HTML><head><meta><style type=x>a{}</style><title><b></title></head><BODY\n><p/><!--<p>--></p><br></BODY>"
        )
        request = _numbered(html).request
        self.assertEqual(
            request.html,
            '<HTML data-smtpeter-n="0"><head><meta><style data-smtpeter-sheet="0" type=x>a{}</style><title><b></title>'
            '</head><BODY data-smtpeter-n="1"\n><p data-smtpeter-n="2"/><!--<p>--></p><br data-smtpeter-n="3"></BODY>',
        )
        self.assertEqual(request.style_sheets, ("a{}",))

    def test_no_style_sheet(self) -> None:
        """Without a style sheet there is nothing to inline."""
        html = b"<p style='a:b'>x</p><!--<style>p{}</style>-->"
        self.assertIsNone(number_elements(html, outline(html, NUMBERED), "utf-8"))

    def test_unreadable(self) -> None:
        """A charset in which ASCII bytes can be something else is refused."""
        for codec in ("utf-16", "utf-7", "iso2022_jp", "iso2022_kr", "hz", "cp037", "utf-32-le"):
            self.assertRaises(Unreadable, number_elements, b"<style>a{}</style>  ", Outline(), codec)

    def test_unclosed_style_sheet(self) -> None:
        """A style sheet without an end goes to the end of the document."""
        self.assertEqual(_numbered(b"<p><style>a{").request.style_sheets, ("a{",))


class SpliceTests(SynchronousTestCase):
    """What a result changes."""

    def spliced(self, attributes: dict[int, dict[str, str]], remaining: tuple[str, ...]) -> list[Splice]:
        """The splices for a result."""
        return style_splices(_numbered(), InlineResult(attributes=attributes, remaining=remaining))

    def test_in_order(self) -> None:
        """Splices come by position, an insertion behind the name and a replacement of the value."""
        self.assertEqual(
            self.spliced({1: {"style": "c:d", "width": "5"}, 0: {"style": "e:f", "align": "left"}}, ("",)),
            [
                Splice(start=7, end=13, pieces=(b"",)),
                Splice(start=23, end=23, pieces=(b' style="e:f" align="left"',)),
                Splice(start=32, end=32, pieces=(b' width="5"',)),
                Splice(start=39, end=42, pieces=(b'"c:d"',)),
            ],
        )

    def test_same(self) -> None:
        """What stands there already is not spliced."""
        self.assertEqual(self.spliced({1: {"style": "a:b"}}, ("a{x:y}",)), [])

    def test_unfitting_results(self) -> None:
        """A result that does not fit the document, or would change more than style, changes nothing."""
        for attributes, remaining in (
            ({7: {"style": "c:d"}, -1: {"style": "c:d"}}, ("a{x:y}",)),
            ({0: {"href": "x", "onclick": "y"}}, ("a{x:y}",)),
            ({}, ()),
            ({}, ("", "")),
            ({}, ("</STYLE><script>",)),
        ):
            self.assertEqual(self.spliced(attributes, remaining), [])

    def test_twice(self) -> None:
        """Of two attributes with one name the first counts, as in a browser."""
        numbered = _numbered(b'<style></style><p style="a:b" STYLE="c:d">')
        (splice,) = style_splices(numbered, InlineResult(attributes={0: {"style": "e:f"}}, remaining=("",)))
        self.assertEqual(numbered.html[splice.start : splice.end], b"a:b")

    def test_no_way_out_of_a_value(self) -> None:
        """A value cannot end its attribute."""
        result = InlineResult(attributes={0: {"style": "a'\">&<"}}, remaining=("",))
        (splice,) = style_splices(_numbered(b"<style></style><p>"), result)
        self.assertEqual(splice.pieces, (b""" style="a'&quot;>&amp;<\"""",))

    def test_sheet_in_a_poor_charset(self) -> None:
        """A character that the charset lacks is escaped as CSS does it."""
        numbered = _numbered(b"<style>x</style>", "cp1252")
        (splice,) = style_splices(numbered, InlineResult(attributes={}, remaining=("\u3042\u00e9",)))
        self.assertEqual(splice.pieces, (b"\\3042 \xe9",))
