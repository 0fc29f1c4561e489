"""Tests of premailer as it is used here, and of what it would do by itself."""

import logging
from pathlib import Path

from premailer import Premailer
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import InlineRequest, InliningFailed
from smtpeter.prepare.engine import Engine, HardenedPremailer
from smtpeter.prepare.rulebook import UNMATCHED
from tests.conformance.inlining import AttributeLaws, CascadeLaws, InliningCase, RemainingLaws, SafetyLaws, SurvivalLaws
from tests.prepare.inlining import inline_bytes, page


class PremailerCase(InliningCase):
    """Makes the engine."""

    @override
    def make_engine(self) -> Engine:
        return Engine()


class CascadeTests(PremailerCase, CascadeLaws, SynchronousTestCase):
    """Which declaration an element ends up with."""

    def test_stock_against_important(self) -> None:
        """The stock class lets a style attribute win over !important."""
        html = page("p{color:red !important}", '<p style="color:blue">x</p>')
        self.assertIn("color:blue", Premailer(html, strip_important=False, allow_network=False).transform())

    def test_stock_and_selector_as_style(self) -> None:
        """A style attribute that looks like a selector ends the stock class, whose caches are one."""
        html = page("p{color:red} b{color:blue}", '<p style="b">x</p><b style="p">y</b>')
        stock = Premailer(html, allow_network=False, cssutils_logging_level=logging.CRITICAL)
        self.assertRaises(TypeError, stock.transform)

    def test_selectors_of_css_4(self) -> None:
        """C{:is()} and C{:where()} are settled, and C{!=}, which only some libraries know."""
        for selector in (":is(p, b)", "p:where(.a)", 'p[class!="b"]'):
            self.assertIn(
                '<p style="color:red" class="a">', self.inlined(page(selector + "{color:red}", '<p class="a">'))
            )


class RemainingTests(PremailerCase, RemainingLaws, SynchronousTestCase):
    """What stays in a style sheet."""


class AttributeTests(PremailerCase, AttributeLaws, SynchronousTestCase):
    """The HTML attributes that are set beside the style."""


class SurvivalTests(PremailerCase, SurvivalLaws, SynchronousTestCase):
    """Everything but the values of those attributes is as it was."""

    def test_unmatched_elements(self) -> None:
        """When the parser loses elements the style sheet stays beside the inlined styles, with a warning."""
        html = page("p{color:red}", "<p>a</p>" + "<div>" * 300 + "<p>b</p>")
        out, result = self.inline_bytes(html.encode())
        self.assertEqual(result.warnings, (UNMATCHED,))
        self.assertEqual(out.decode(), html.replace("<p>a", '<p style="color:red">a'))

    def test_stray_elements(self) -> None:
        """Cells outside a table and forms in forms are elements as they are written."""
        html = page("td, form{color:red}", "<td>x</td><form><form>")
        style = ' style="color:red"'
        self.assertEqual(self.inlined(html), page("", f"<td{style}>x</td><form{style}><form{style}>"))


class SafetyTests(PremailerCase, SafetyLaws, SynchronousTestCase):
    """Nothing is loaded, and hostile style sheets end."""

    def test_numbers_twice(self) -> None:
        """Elements that have one number cannot be told apart: none of them is styled, and the style sheet stays."""
        html = '<style data-smtpeter-sheet="0"></style>' + "".join(
            f'<p data-smtpeter-n="{number}">x</p>' for number in (0, 1, 1)
        )
        result = self.make_engine().inline(InlineRequest(html=html, style_sheets=("p{color:red}",)))
        self.assertEqual(result.attributes, {0: {"style": "color:red"}})
        self.assertEqual((result.remaining, result.warnings), (("p{color:red}",), (UNMATCHED,)))

    def test_stock_premailer_reads_files(self) -> None:
        """The stock class reads a file that the style sheet names, network allowed or not."""
        secret = Path(self.mktemp())
        secret.write_text("p{color:red}")
        stock = Premailer(allow_network=False, cssutils_logging_level=logging.CRITICAL)
        sheet = stock._parse_css_string(f"@import 'file://{secret.resolve()}';")
        self.assertIn("color: red", sheet.cssRules[0].styleSheet.cssText.decode())

    def test_sheets_are_compiled_once(self) -> None:
        """The second document with a style sheet costs only the matching."""
        engine = Engine()
        for body in ("<a>", "<b>"):
            inline_bytes(page("a{color:red}", body).encode(), "utf-8", engine)
            sheet = engine.library._sheets.setdefault("seen", engine.library._sheets["a{color:red}"])
            self.assertIs(engine.library._sheets["a{color:red}"], sheet)

    def test_refusals(self) -> None:
        """The ways of premailer to load something are closed."""
        premailer = HardenedPremailer()
        for refused in (premailer._load_external, premailer._load_external_url, premailer._parse_css_string):
            self.assertRaises(InliningFailed, refused, "http://127.0.0.1/")
