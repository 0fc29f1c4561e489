"""Tests of what is left of a document for its style sheets: enough, and no more than that."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineResult, InliningFailed
from smtpeter.prepare.engine import Engine
from smtpeter.prepare.engines import InlineEngine
from smtpeter.prepare.fast_engine import FastEngine
from smtpeter.prepare.numbering import Numbered, number_elements
from smtpeter.prepare.skeleton import skeleton
from smtpeter.prepare.tokenizer import outline
from tests.prepare.inlining import NUMBERED

SHEET = "p{a:b} .x{c:d} p:empty{e:f} b + i{g:h} td > b{i:j} :first-child{k:l} [title]{m:n} #i ~ *{o:p} p p{q:r} s{t:u}"
"""Looks at all that can be looked at but for the values of addresses and titles."""

PIECES = (
    "<p>", "</p>", "<p class=x>", "<p class=\"x\">", "<b>", "</b>", "<i id=i>", "<table>", "<td>", "</table>", "<br>",
    "<s", ">", " class='x'", " class=x", "<!--", "-->", "--!>", "--", "-", "<title>", "</title>", "<xmp>", "</xmp>",
    "<textarea>", "</textarea>", "<![if x]>", "<![endif]-->", "='", '="', "'", '"', " =", " title=\"", " href=", "\n",
)  # fmt: skip
FILLED = (
    "{}", " {} ", "{}>", '<a href="{}">', '<p title="{}" class=x>', "<a title='{}'>", "<img alt=\"{}\" src=\"{}\">",
    '<b title={}>', "<!-- {} -->", "<script>{}</script>", '<i content=\' title="{}" \'>',
)  # fmt: skip
TEXTS = (
    "", "t", "other", " ", "a b", "-", "x-", "--", ">", "<", "=", '"', "'", "<b>", "</p>", "-->", "<!--", "&amp;", "é",
    ' class="x', "' class='x", " class=x ", "title=", "a>b", "=\"a",
)  # fmt: skip


class SkeletonTests(SynchronousTestCase):
    """Single documents."""

    def bare(self, html: str, sheet: str = "p{}") -> str | None:
        """The skeleton of a document with one style sheet."""
        return skeleton(html, (sheet,))

    def test_texts_and_addresses(self) -> None:
        """Texts are as good as any other, and so are addresses, alternative texts and titles."""
        letter = '<p>Dear {0},<br>\n {0} <a href="https://x/{0}?a=b" title="{0}">{0}</a><img src="{0}" alt="{0}"> </p>'
        self.assertEqual(self.bare(letter.format("Ann")), self.bare(letter.format("Bob - and Eve")))

    def test_what_counts(self) -> None:
        """Tags, all other attributes, comments, and whether there is text at all."""
        documents = (
            "<p>", "<p> </p>", "<p>x</p>", "<p></p>", "<p><b>x</b></p>", "<p>x<b></b></p>", "<p class=a>x</p>",
            "<p class=b>x</p>", '<p class="b">x</p>', '<p style="c:d">x</p>', '<p data-x="c:d">x</p>', "<p>x</p>--",
            "<p>x<!-- --></p>", "<p>x<!-- a --></p>", "<p>x -- y</p>", "<p>x --></p>", '<p data-src="a">x</p>',
            '<p data-src="b">x</p>', "<p href=a>x</p>", "<p href=b>x</p>",
        )  # fmt: skip
        self.assertEqual(len({self.bare(html) for html in documents}), len(documents))

    def test_misleading(self) -> None:
        """Where a value could be taken for markup, or for attributes, there is none."""
        for html in (
            '<p title="a>b">',
            "<p title='a>b'>",
            '<p title = "a<b">',
            "<p title=' alt=\"x\" '>",
            '<p>x="a<b>',
        ):
            self.assertIsNone(self.bare(html), html)
        for html in ('<p title="it\'s">', "<p title=''>", "<p>a > b", "<p>a < b", '<p>"a" <b>'):
            self.assertIsNotNone(self.bare(html), html)

    def test_selectors_that_look(self) -> None:
        """Addresses count when a selector may look at them, whichever way it is written."""
        pair = [f'<a href="{one}" title="{one}">x</a>' for one in ("a", "b")]
        for sheet in ("a[href^=b]{}", "[ TITLE ]{}", "a[h\\72 ef]{}", "a[/**/alt]{}", "p{} [x][src='a'"):
            self.assertEqual(len({self.bare(html, sheet) for html in pair}), 2, sheet)
        for sheet in ("[class]{src:url(x)}", ".title{}", "href[", "[data-ogsc] .x{}"):
            self.assertEqual(len({self.bare(html, sheet) for html in pair}), 1, sheet)

    def test_hostile(self) -> None:
        """Whatever the texts, the time is linear in their size."""
        for piece in ('="', "='", '=" ', ">", "> ", ">-", "--", "[", "<", ' href="', "= "):
            skeleton("<p>" + piece * (1_000_000 // len(piece)), (piece * (1_000_000 // len(piece)),))


class LawTests(SynchronousTestCase):
    """Documents with one skeleton."""

    engines: tuple[InlineEngine, ...] = (Engine(), FastEngine())

    @settings(max_examples=600, deadline=None)
    @given(
        st.lists(st.sampled_from(PIECES) | st.sampled_from(FILLED), min_size=1, max_size=14),
        st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4),
        st.lists(st.sampled_from(TEXTS), min_size=2, max_size=4),
    )
    def test_one_answer(self, pieces: list[str], first: list[str], second: list[str]) -> None:
        """Whatever is put for texts and addresses, an engine says the same where the skeletons are the same."""
        one, other = _numbered(pieces, first), _numbered(pieces, second)
        bare = skeleton(one.request.html, one.request.style_sheets)
        if bare is not None and bare == skeleton(other.request.html, other.request.style_sheets):
            for engine in self.engines:
                self.assertEqual(_answer(engine, one), _answer(engine, other), (one.html, other.html))


def _numbered(pieces: list[str], texts: list[str]) -> Numbered:
    filled = "".join(
        piece.format(texts[place % len(texts)], texts[(place + 1) % len(texts)]) if "{}" in piece else piece
        for place, piece in enumerate(pieces)
    )
    html = f"<style>{SHEET}</style>{filled}".encode()
    numbered = number_elements(html, outline(html, NUMBERED), "utf-8")
    assert numbered is not None
    return numbered


def _answer(engine: InlineEngine, numbered: Numbered) -> InlineResult | str:
    try:
        return engine.inline(numbered.request)
    except InliningFailed as reason:
        return str(reason)
