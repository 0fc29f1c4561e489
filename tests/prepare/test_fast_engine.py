"""Tests of css-inline as it is used here, against the other engine, and of what it would do by itself."""

import socket
from pathlib import Path

import css_inline
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import InlineResult, InliningFailed
from smtpeter.prepare.engine import Engine
from smtpeter.prepare.fast_engine import MAX_DEPTH, REFUSED, TOO_DEEP, FastEngine, _written
from smtpeter.prepare.numbering import number_elements
from smtpeter.prepare.rulebook import NOT_LOADED, UNMATCHED
from smtpeter.prepare.tokenizer import outline
from tests.conformance.inlining import AttributeLaws, CascadeLaws, InliningCase, RemainingLaws, SafetyLaws, SurvivalLaws
from tests.prepare.inlining import NUMBERED, inline_bytes, page
from tests.support.opened import watch_folder

_ATTRIBUTE = st.sampled_from(
    [
        ' class="x"', ' class="y x"', " class='é Col1'", " id=i", ' title="a b-c"', ' title=""', " title=\"b's\"",
        ' title="x\\y"', ' style="color:red"', " style='margin:0;x:y !important'", ' STYLE="*z:1; a{"', " style",
        ' style="b:url(x;y)&quot;"', " width=10", ' width="50%"', ' align="left" bgcolor=#fff',
    ]
)  # fmt: skip
_ATTRIBUTES = st.lists(_ATTRIBUTE, max_size=3, unique_by=lambda one: one.partition("=")[0].strip().lower()).map("".join)


def _tag(name: str, inner: "st.SearchStrategy[str]") -> "st.SearchStrategy[str]":
    parts = st.tuples(_ATTRIBUTES, st.lists(inner, max_size=3).map("".join))
    return parts.map(lambda of: f"<{name}{of[0]}>{of[1]}</{name}>")


_TEXT = st.sampled_from(["t", " ", "&eacute;", "<!--c-->", "<br>", "<img width=9>"])
_INLINE = _TEXT | _tag("b", _TEXT) | _tag("span", _tag("i", _TEXT)) | _tag("a", _TEXT)
_BLOCK = st.recursive(
    _INLINE | _tag("p", _INLINE),
    lambda inner: (
        _tag("div", inner)
        | _tag("ul", _tag("li", inner))
        | _tag("table", _tag("tbody", _tag("tr", _tag("td", inner) | _tag("th", inner))))
    ),
    max_leaves=12,
)
_NAME = st.sampled_from(["td", "p", "div", "b", "TR", "li", "a", "tbody", "table", "span"])
_EXTRA = st.sampled_from(
    [
        ".x", ".y", ".Col1", ".é", "#i", "[title]", "[title='a b-c']", "[title~=b-c]", "[title^=a]", "[title$=c]",
        "[title*='b']", "[title='']", "[title=\"b's\"]", "[title='x\\\\y']", "[title='A B-C' i]", "[class|=x]",
        "[style]", "[STYLE*='red']", "[width]", "[width='10']", ":first-child", ":last-child", ":only-child", ":empty",
        ":first-of-type", ":last-of-type", ":only-of-type", ":nth-child(2)", ":nth-child(odd)", ":nth-child(2n + 1)",
        ":nth-last-child(-n+2)", ":nth-of-type(3n)", ":not(.x)", ":not(:first-child)", ":not([title=a])", ":hover",
    ]
)  # fmt: skip
_COMPOUND = st.tuples(_NAME, st.lists(_EXTRA, max_size=2)).map(lambda of: of[0] + "".join(of[1]))
_SELECTOR = st.lists(st.tuples(_COMPOUND, st.sampled_from([" ", ">", " > ", "+", " ~ "])), min_size=1, max_size=3).map(
    lambda of: "".join(name + join for name, join in of[:-1]) + of[-1][0]
)
_DECLARATION = st.sampled_from(
    ["color:red", "margin:0 auto", "margin-left:5px", "width:10px", "background-color:#abc", "color:blue!important"]
)
_RULE = st.tuples(
    st.lists(_SELECTOR, min_size=1, max_size=2).map(", ".join),
    st.lists(_DECLARATION, min_size=1, max_size=3).map(";".join),
).map(lambda of: f"{of[0]} {{{of[1]}}}")
_SHEET = st.lists(_RULE, min_size=1, max_size=6).map("\n".join)


class FastCase(InliningCase):
    """Makes the engine."""

    @override
    def make_engine(self) -> FastEngine:
        return FastEngine()


class EqualityTests(SynchronousTestCase):
    """The other engine."""

    engines = Engine(), FastEngine()

    def results(self, html: str) -> list[InlineResult]:
        """Of both."""
        numbered = number_elements(html.encode(), outline(html.encode(), NUMBERED), "utf-8")
        assert numbered is not None
        return [engine.inline(numbered.request) for engine in self.engines]

    @settings(max_examples=400, deadline=None)
    @given(_SHEET, _SHEET, st.lists(_BLOCK, max_size=4))
    def test_equal(self, first: str, second: str, blocks: list[str]) -> None:
        """Of a document with nothing amiss both say the same."""
        html = f"<!DOCTYPE html><html><head><style>{first}</style><style>{second}</style></head><body class=x>"
        premailer, fast = self.results(html + "".join(blocks) + "</body></html>")
        self.assertEqual(fast, premailer)


class CascadeTests(FastCase, CascadeLaws, SynchronousTestCase):
    """Which declaration an element ends up with."""

    def test_ignored(self) -> None:
        """css-inline's own mark leaves out a style sheet, or an element."""
        html = "<style data-css-inline=ignore>p{color:red}</style><p>x</p>"
        self.assertEqual(self.inlined(html), html)
        html = page("p{color:red}", '<p data-css-inline="ignore">x</p><p>y</p>')
        self.assertIn('<p data-css-inline="ignore">x</p><p style="color:red">y</p>', self.inlined(html))

    def test_names_in_any_case(self) -> None:
        """A style attribute counts whatever the case of its name, the space around it, or what else is in the tag."""
        for tag in (
            '<p STYLE="{}">',
            "<p sTyLe = '{}'>",
            '<p title="x"style="{}">',
            '<p title=" style=" style="{}">',
            "<p/style\n='{}'>",
        ):
            html = self.inlined(page("p{color:red}", tag.format("a:b")))
            self.assertEqual(html, page("", tag.format("color:red; a:b")))
        self.assertEqual(self.inlined(page("p{color:red}", "<p style>")), page("", '<p style="color:red">'))

    def test_elements_that_the_parser_adds(self) -> None:
        """Rows lie in a C{tbody}, as in a browser: a rule for it stays, one for rows right below a table has none."""
        html = page("tbody{a:b} table > tr{c:d} tbody > tr{e:f}", "<table><tr><td>x")
        expected = page("\ntbody{a:b}\ntable > tr{c:d}\n", '<table><tr style="e:f"><td>x')
        self.assertEqual(self.inlined(html), expected)


class RemainingTests(FastCase, RemainingLaws, SynchronousTestCase):
    """What stays in a style sheet."""

    def test_unknown_selectors(self) -> None:
        """What css-inline does not match stays and holds against what is inlined, as if it depended on the reader."""
        for selector in (":is(p, b)", "p:where(.a)", 'p[class!="b"]', "p:not(:is(b))"):
            html = self.inlined(page(selector + "{color:red} p{color:blue}", "<p>"))
            self.assertEqual(html, page(f"\n{selector} {{ color: red !important }}\n", '<p style="color:blue">'))


class AttributeTests(FastCase, AttributeLaws, SynchronousTestCase):
    """The HTML attributes that are set beside the style."""


class SurvivalTests(FastCase, SurvivalLaws, SynchronousTestCase):
    """Everything but the values of those attributes is as it was."""

    def left(self, body: str, expected: str) -> None:
        """A rule for C{p} and C{td} is inlined as far as it goes, the style sheet stays, and there is a warning."""
        html = page("p,td{color:red}", body)
        out, result = self.inline_bytes(html.encode())
        self.assertEqual(result.warnings, (UNMATCHED,))
        self.assertEqual(out.decode(), page("p,td{color:red}", expected))

    def test_unmatched_elements(self) -> None:
        """What a browser takes for no element is none: cells outside a table, forms in forms, C{noscript}."""
        style = ' style="color:red"'
        self.left("<p>a</p><td>b</td>", f"<p{style}>a</p><td>b</td>")
        self.left("<form><p>a<form>", f"<form><p{style}>a<form>")
        self.left("<p>a<noscript><p>b</noscript>", f"<p{style}>a<noscript><p>b</noscript>")

    def test_overlapping_elements(self) -> None:
        """An element of which the parser makes two is styled when both are alike, and left alone when they differ."""
        html = page("b{color:red}", "<b>a<p>b</b>c</p>")
        self.assertEqual(self.inlined(html), page("", '<b style="color:red">a<p>b</b>c</p>'))
        html = page("p > b{color:red} p{color:blue}", "<b>a<p>b</b>c</p>")
        out, result = self.inline_bytes(html.encode())
        self.assertEqual(result.warnings, (UNMATCHED,))
        self.assertEqual(out.decode(), html.replace("<p>", '<p style="color:blue">'))

    def test_forgeries(self) -> None:
        """What looks like an answer of css-inline in the document counts for nothing."""
        forged = '<p data-smtpeter-n="0" style="s0:1">'
        body = f"<!--{forged}--><title>{forged}</title><xmp>{forged}</xmp><i title='{forged}' style='s0:1'>x</i>"
        for before in (body, f"<script>{forged}</script>", '<meta data-smtpeter-n="2" style="s0:1">'):
            out, result = self.inline_bytes(page("p{color:red}", before + "<p>y</p>").encode())
            self.assertEqual(out.decode(), page("", before + '<p style="color:red">y</p>'))
            self.assertEqual(result.warnings, ())

    def test_broken_style_attributes(self) -> None:
        """Style attributes that css-inline itself cannot read, and refuses the document for, stay as they are."""
        html = page("p{color:red}", '<p style="*zoom:1; a; b:&quot;">x</p>')
        self.assertIn('<p style="color:red; *zoom:1; a; b:&quot;&quot;">', self.inlined(html))
        self.assertRaises(css_inline.InlineError, css_inline.inline, html)


class SafetyTests(FastCase, SafetyLaws, SynchronousTestCase):
    """Nothing is loaded, and hostile style sheets end."""

    def loading(self, *addresses: str) -> str:
        """A document that asks for what is at these addresses in every way."""
        return "".join(
            f'<link rel="stylesheet" href="{url}"><style>@import url({url});@import "{url}";p{{x:url({url})}}</style>'
            for url in addresses
        )

    def style_sheet(self) -> Path:
        """A file in a folder of its own."""
        file = Path(self.mktemp()).resolve() / "file.css"
        file.parent.mkdir()
        file.write_text("p{color:red}")
        return file

    def test_no_file_is_opened(self) -> None:
        """Whatever the HTML asks for, no file is opened and nobody connects."""
        file = self.style_sheet()
        with socket.create_server(("127.0.0.1", 0)) as listener, watch_folder(file.parent) as opened:
            listener.setblocking(False)
            address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.css"
            html = self.loading(f"file://{file}", str(file), address) + "<p>x</p>"
            out, result = self.inline_bytes(html.encode())
            self.assertRaises(BlockingIOError, listener.accept)
        self.assertEqual(opened, [])
        self.assertIn(b'<p style="x:url(', out)
        self.assertEqual(result.warnings, (NOT_LOADED,))

    def test_stock_css_inline_loads(self) -> None:
        """By itself css-inline opens the file, and tries to connect."""
        file = self.style_sheet()
        with watch_folder(file.parent) as opened:
            inlined = css_inline.CSSInliner().inline(self.loading(f"file://{file}", str(file)) + "<p>x</p>")
        self.assertIn("color: red", inlined)
        self.assertEqual(set(opened), {file.name})
        html = self.loading("http://127.0.0.1:9/x.css")
        failure = self.assertRaises(css_inline.InlineError, css_inline.CSSInliner().inline, html)
        self.assertIn("error sending request for url (http://127.0.0.1:9/x.css)", str(failure))

    def test_depth(self) -> None:
        """Elements may be nested deep, and elements that end each other are not nested; there is an end to it."""
        for body in ("<div>" * (MAX_DEPTH - 3), "<p>x" * 5000, "<table>" + "<tr><td>" * 5000, "<br>" * 5000):
            out, _ = self.inline_bytes(page("div,p,td,br{color:red}", body).encode())
            self.assertGreater(out.count(b"color:red"), MAX_DEPTH - 4)
        html = page("div{color:red}", "<div>" * (MAX_DEPTH + 1)).encode()
        failure = self.assertRaises(InliningFailed, self.inline_bytes, html)
        self.assertEqual(str(failure), TOO_DEEP)

    def test_refusals(self) -> None:
        """What css-inline does not want, or breaks over, is refused; what ends the process ends it."""

        class PanicException(BaseException):
            """As Rust's panics appear in Python."""

        for problem in (css_inline.InlineError("x"), ValueError(), PanicException()):
            failure = self.assertRaises(InliningFailed, _written, _Failing(problem), "<p>")
            self.assertEqual(str(failure), REFUSED)
        self.assertRaises(MemoryError, _written, _Failing(MemoryError()), "<p>")

    def test_sheets_are_compiled_once(self) -> None:
        """The second document with a style sheet costs only the matching; what is not wanted any more is forgotten."""
        engine = FastEngine()
        for body in ("<a>", "<b>"):
            inline_bytes(page("a{color:red}", body).encode(), "utf-8", engine)
            (inliner,) = engine._inliners.values()
            self.assertIs(engine._inliners.setdefault(engine.library.book(["a{color:red}"]), inliner), inliner)
        for number in range(300):
            inline_bytes(page(f"a{{color:{number}}}", "<a>").encode(), "utf-8", engine)
        self.assertEqual(len(engine._inliners), 200)


class _Failing:
    """Does not inline."""

    def __init__(self, problem: BaseException) -> None:
        self._problem = problem

    def inline(self, html: str) -> str:
        """Raise."""
        raise self._problem
