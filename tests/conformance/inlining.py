"""What any CSS engine does: what goes to elements, what stays in style sheets, and that nothing else changes."""

import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.engines import InlineEngine
from smtpeter.prepare.rulebook import NOT_LOADED
from smtpeter.prepare.selectors import MAX_LENGTH
from smtpeter.prepare.styles import ATTRIBUTES
from smtpeter.prepare.tokenizer import tags
from tests.prepare.inlining import inline_bytes, page

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

MARKUP = (
    "<p class=a>", "</p>", "<div", " style='x:y'", ">", "<!--", "-->", "<table><td>", "</table>", "<style>", "</style>",
    ".a{color:red}", "p:hover{x:y}", "<form>", "<a href='", "'", '"', "&amp;", "é", "<body id=i>", "<svg><style>",
    "<p ", "<title>", "</title>", "<b/>", "=", "{", "}", "@media x{", "<td align=left", " data-smtpeter-n=1 ", "style",
    "/",
)  # fmt: skip


def _skeleton(html: bytes) -> list[tuple[object, ...]]:
    """Tags and text without what inlining may change."""
    found: list[tuple[object, ...]] = []
    position = 0
    for tag in tags(html):
        kept = [
            (one.name, html[one.value_start : one.value_end])
            for one in tag.attributes
            if one.name.decode() not in ATTRIBUTES
        ]
        is_sheet = tag.name == b"style" and tag.content is not None
        found.append((html[position : tag.start], tag.name, tag.is_end, kept))
        position = tag.content[1] if is_sheet and tag.content else tag.end
    return [*found, (html[position:],)]


class InliningCase(SynchronousTestCase):
    """What the laws have in common; a test case that is mixed in says how an engine is made."""

    def make_engine(self) -> InlineEngine:
        """A new one."""
        raise NotImplementedError

    def inline_bytes(self, html: bytes, codec: str | None = "utf-8") -> tuple[bytes, InlineResult]:
        """Inline a document that has style sheets; the result says what the engine found."""
        return inline_bytes(html, codec, self.make_engine())

    def inlined(self, html: str) -> str:
        """Inline a document in UTF-8."""
        return self.inline_bytes(html.encode())[0].decode()


class CascadeLaws(InliningCase):
    """Which declaration an element ends up with."""

    def styled(self, css: str, element: str) -> str:
        """The start tag of an element after inlining."""
        tag = self.inlined(page(css, element)).partition("<body>")[2]
        return tag[: tag.index(">") + 1]

    def test_class(self) -> None:
        """A rule becomes a style attribute, right behind the name of the tag."""
        self.assertEqual(self.styled(".a{color:red}", '<p class="a">x</p>'), '<p style="color:red" class="a">')

    def test_specificity(self) -> None:
        """An identifier outranks a class, a class an element, whatever their order."""
        css = "#i{color:red} .c{color:green} p{color:blue}"
        self.assertEqual(self.styled(css, "<p id=i class=c>"), '<p style="color:red" id=i class=c>')
        self.assertEqual(self.styled(css, "<p class=c>"), '<p style="color:green" class=c>')

    def test_many_classes_never_outrank_an_identifier(self) -> None:
        """Specificity is compared place by place."""
        many = "".join(f".c{index}" for index in range(12))
        classes = " ".join(f"c{index}" for index in range(12))
        css = f"#i{{color:red}} {many}{{color:blue}}"
        self.assertIn("color:red", self.styled(css, f'<p id="i" class="{classes}">'))

    def test_attribute_selectors_count_as_classes(self) -> None:
        """C{p[title]} outranks a later C{p}."""
        self.assertIn("color:red", self.styled("p[title]{color:red} p{color:blue}", "<p title=x>"))

    def test_order(self) -> None:
        """Of equal rules the later wins."""
        self.assertEqual(
            self.styled(".a{color:red} .b{color:blue}", '<p class="b a">'), '<p style="color:blue" class="b a">'
        )

    def test_order_of_sheets(self) -> None:
        """A later style sheet wins over an earlier one."""
        html = "<style>p{color:red}</style><style>p{color:blue}</style><p>"
        self.assertEqual(self.inlined(html), '<style></style><style></style><p style="color:blue">')

    def test_shorthand_after_longhand(self) -> None:
        """What is set again moves to the end, so a stronger shorthand resets what came before."""
        css = "p{margin:0} .b{margin-left:5px} .b.c{margin:10px}"
        self.assertIn('style="margin-left:5px; margin:10px"', self.styled(css, '<p class="b c">'))

    def test_style_attribute_wins(self) -> None:
        """An existing declaration wins over any rule without !important."""
        self.assertEqual(
            self.styled("#i{color:red; margin:0}", '<p id="i" style="color: blue">'),
            '<p id="i" style="margin:0; color:blue">',
        )

    def test_important_wins_over_style_attribute(self) -> None:
        """A rule with !important wins over an existing declaration."""
        html = page("p{color:red !important}", '<p style="color:blue">x</p>')
        self.assertIn('style="color:red"', self.inlined(html))

    def test_important_style_attribute_wins_over_all(self) -> None:
        """What the author wrote with !important in the attribute stays so, and stays important."""
        self.assertEqual(
            self.styled("p{color:red!important}", '<p style="color:blue ! important">'),
            '<p style="color:blue !important">',
        )

    def test_important_against_specificity(self) -> None:
        """An important declaration of a weak rule wins over a strong rule."""
        self.assertIn('style="color:red"', self.styled("p{color:red!important} #i{color:blue}", "<p id=i>"))

    def test_fallbacks_stay_together(self) -> None:
        """Several values of one property in one block are kept, since the last that is understood counts."""
        css = "p{width:100%;width:calc(100% - 2px)}"
        self.assertIn('style="width:100%; width:calc(100% - 2px)"', self.styled(css, "<p>"))

    def test_values_as_written(self) -> None:
        """Values are not rewritten: colours, units and what CSS parsers of today do not know."""
        value = "mso-line-height-rule:exactly; color:rgb(0 0 0 / 50%); background:#FFFFFF url(x.png?a;b) 0pt 0"
        self.assertIn(f'style="{value}"', self.styled(f"p{{{value}}}", "<p>"))

    def test_quotes(self) -> None:
        """A font name in quotes goes into an attribute in the other quotes."""
        self.assertEqual(
            self.styled('p{font-family:"Segoe UI", Arial}', "<p>"), "<p style='font-family:\"Segoe UI\", Arial'>"
        )

    def test_comma(self) -> None:
        """Each selector of a list applies by itself."""
        html = self.inlined(page("h1, p.x , td{margin:0}", "<h1>a</h1><p>b</p><p class=x>c</p><td>"))
        self.assertIn('<h1 style="margin:0">a</h1><p>b</p><p style="margin:0" class=x>', html)

    def test_structural_selectors(self) -> None:
        """Selectors with a colon or an asterisk that the document alone decides are inlined."""
        for selector in (
            "td:first-child", "td:nth-child(1) ", "tr > td:not(.z)", "a[href^='http:'] , td", "td:first-child, b",
            "tr :first-child", "[class*='col']", "table *", "tr:has(x), td", "body TD.Col1", "p+td, table td",
        ):  # fmt: skip
            with self.subTest(selector):
                html = self.inlined(page(selector + "{margin:0}", '<table><tr><td class="Col1 col">x'))
                self.assertIn('<td style="margin:0" class="Col1 col">', html)

    def test_selector_as_style(self) -> None:
        """A style attribute that looks like a selector does no harm."""
        html = page("p{color:red} b{color:blue}", '<p style="b">x</p><b style="p">y</b>')
        self.assertIn('<p style="color:red; b">', self.inlined(html))

    def test_ignored_sheets(self) -> None:
        """A style sheet for print, or one that asks to be ignored, stays as it is and is not applied."""
        for attribute in ('media="print"', 'media="only screen and (max-width:600px)"', 'data-premailer="ignore"'):
            html = f"<style {attribute}>p{{color:red}}</style><p>x</p>"
            self.assertEqual(self.inlined(html), html)

    def test_screen(self) -> None:
        """A style sheet for screens or for all is inlined."""
        for attribute in ('media="all"', "media=screen", 'TYPE="text/css"'):
            html = f"<STYLE {attribute}>P{{color:red}}</STYLE><P>x</P>"
            self.assertEqual(self.inlined(html), f'<STYLE {attribute}></STYLE><P style="color:red">x</P>')


class RemainingLaws(InliningCase):
    """What stays in a style sheet."""

    def left(self, css: str, body: str = '<a class="a" href="#">x</a>') -> str:
        """The contents of the style sheet after inlining."""
        return self.inlined(page(css, body)).partition("<style>")[2].partition("</style>")[0].strip()

    def test_empty(self) -> None:
        """Nothing stays when everything was inlined, comments and the wrapping of old included."""
        for css in (
            "a{color:red}",
            "<!-- a{color:red} -->",
            "/*<![CDATA[*/ a{color:red} /*]]>*/",
            "<![CDATA[ a{color:red} ]]>",
            "/* x */ a{color:red} /* y",
        ):
            with self.subTest(css):
                html = self.inlined(page(css, "<a>x</a>"))
                self.assertIn("<style></style>", html)
                self.assertIn('<a style="color:red">', html)

    def test_media(self) -> None:
        """A media query stays as it was written when nothing that was inlined competes with it."""
        media = "@media (max-width:600px) { .a  { width : 100% !important } /* c */ .b{color:red} }"
        self.assertEqual(self.left("a{margin:0}" + media), media)

    def test_media_against_inlined(self) -> None:
        """A rule in a media query gets !important where an inlined declaration would win otherwise, and only there."""
        css = "a{width:600px} @media (max-width:600px) {.a{width:100%; color:red}}"
        self.assertEqual(self.left(css), "@media (max-width:600px) {\n.a { width: 100% !important; color: red }\n}")

    def test_important_is_settled(self) -> None:
        """A rule's own !important is not put in the attribute, where it would beat the media query."""
        css = "a{width:1px !important} @media (max-width:9px){a{width:2px !important}}"
        html = self.inlined(page(css, "<a>x</a>"))
        self.assertIn('<a style="width:1px">', html)
        self.assertIn("@media (max-width:9px){a{width:2px !important}}", html)

    def test_hover(self) -> None:
        """What depends on the reader stays; the rest of the rule is inlined."""
        html = self.inlined(page("a, a:hover, a::before{color:red} ", "<a>x</a>"))
        self.assertIn("a:hover, a::before { color: red !important }", html)
        self.assertIn('<a style="color:red">', html)

    def test_at_rules(self) -> None:
        """At-rules stay as written, also those that nobody here knows."""
        rules = (
            "@charset 'utf-8';",
            "@import url('https://fonts.example/a;b?c');",
            "@font-face { font-family: 'X'; src: url(x.woff) }",
            "@keyframes k { from { color: red } to { color: blue } }",
            "@-ms-viewport { width: device-width }",
            "@supports (display:grid) { .a { display: grid } }",
            "@unknown x;",
        )
        self.assertEqual(self.left("a{color:red}" + "".join(rules)).splitlines(), list(rules))

    def test_unmatched(self) -> None:
        """A rule that matches nothing stays: mail programs add elements and classes of their own."""
        css = ".ExternalClass p { line-height:100% } #outlook a{padding:0} [data-ogsc] .x{color:red} u + #body a{x:y}"
        self.assertEqual(self.left("a{margin:0}" + css).replace("\n", " "), css)

    def test_long_selector(self) -> None:
        """A selector that nobody writes stays where it is."""
        for length, is_settled in ((MAX_LENGTH, True), (MAX_LENGTH + 1, False)):
            title = "x" * (length - len('b[title=""]'))
            html = page(f'b[title="{title}"]{{color:red}}', f'<b title="{title}">')
            self.assertEqual("<b style=" in self.inlined(html), is_settled)

    def test_universal(self) -> None:
        """C{*} stays and gets no !important, since every rule outranks it."""
        self.assertEqual(self.left("*{margin:0} a{margin:1px}"), "*{margin:0}")
        self.assertEqual(
            self.left("*, *::before{margin:0} a{margin:1px}"), "* { margin:0 }\n*::before { margin: 0 !important }"
        )

    def test_universal_under_a_condition(self) -> None:
        """So it is under a condition: fonts for those who have them yield to every rule there is for an element."""
        css = "p{font-family:Arial} @media screen{* {font-family:Lato} a{font-family:Lato}}"
        html = self.inlined(page(css, "<p>x</p>"))
        self.assertIn("* {font-family:Lato}", html)
        self.assertIn("a { font-family: Lato !important }", html)

    def test_nothing_changes(self) -> None:
        """A style sheet of which nothing is inlined keeps its bytes."""
        html = page("\n<!-- /* c */ .none{color:red} a:hover{x:y}\n@media print{b{c:d}} -->", "<a>x</a>")
        self.assertEqual(self.inlined(html), html)

    def test_syntax_errors(self) -> None:
        """What cannot be understood stays, and harms nothing else."""
        css = "a{color:red} } b c{x:y} ..{color:blue} a{margin:0;;color;*zoom:1;:x} a{{x:y} i{u:v}} .a{padding:0"
        html = self.inlined(page(css, '<a class="a">x</a>'))
        self.assertIn('<a style="color:red; margin:0; padding:0" class="a">', html)
        for kept in ("} b c{x:y}", ".. { color: blue !important }", "a { color; *zoom:1; :x }", "a{{x:y} i{u:v}}"):
            self.assertIn(kept, html)

    def test_brace_too_many(self) -> None:
        """A rule behind a brace too many counts for no browser: it stays as it is, and is not inlined."""
        html = self.inlined(page("p{color:red} } b, p{color:blue} [title='}']{margin:0}", "<p title='}'>x</p>"))
        self.assertIn("<style>\n} b, p{color:blue}\n</style>", html)
        self.assertIn("<p style=\"color:red; margin:0\" title='}'>", html)

    def test_body_without_tag(self) -> None:
        """A rule for an element that is not written in the document stays in the style sheet."""
        html = "<style>body{margin:0} p{color:red}</style><p>x"
        self.assertEqual(self.inlined(html), '<style>\nbody{margin:0}\n</style><p style="color:red">x')

    def test_elements_without_appearance(self) -> None:
        """A rule that applies to an element without appearance too is done with, and sets nothing there."""
        html = "<html><head><meta class=a><style>%s</style></head><body>%s"
        self.assertEqual(
            self.inlined(html % (".a{color:red}", "<p class=a>x<script class=a></script>")),
            html % ("", '<p style="color:red" class=a>x<script class=a></script>'),
        )

    def test_elements_that_the_parser_made_up(self) -> None:
        """A rule that applies to elements without a tag too goes to those that have one, and stays for the others."""
        self.assertEqual(
            self.inlined("<style>:not(b){color:red}</style><p>x"),
            '<style>:not(b){color:red}</style><p style="color:red">x',
        )


class AttributeLaws(InliningCase):
    """The HTML attributes that are set beside the style."""

    def test_bodies_of_tables(self) -> None:
        """Rows that stand in a table without C{tbody} are in one, as in a browser; a rule for that one stays."""
        css = "tbody td{color:red} table > tr{margin:0} tr:first-child{top:1px} tbody{left:1px}"
        html = self.inlined(page(css, "<table><thead><tr><th>a</thead><tr><td>b<tr><td>c</table><table><tr></table>"))
        self.assertIn("table > tr{margin:0}\ntbody{left:1px}\n</style>", html)
        self.assertEqual(html.count('<td style="color:red">'), 2)
        self.assertEqual(html.count('<tr style="top:1px">'), 3)
        self.assertIn('<tr><td style="color:red">c', html)
        apart = self.inlined(page("tr + tr{color:red}", "<table><tr><td>a<tfoot><tr><td>b</tfoot><tr><td>c</table>"))
        self.assertNotIn("style=", apart)

    def test_blocks_in_inline_elements(self) -> None:
        """A table in a link is in the link, and a paragraph in bold text in that, though libxml2 takes them out."""
        css = "body > table, body > p{color:blue} a td{color:red} b p, font center{margin:0} a > .x{top:1px}"
        body = '<a href="x" class="<a"><table class="x"><tr><td>y</table></a><b> <p>z</p></b>'
        body += "<font><center>c</center></font>"
        html = self.inlined(page(css, body))
        self.assertIn('<td style="color:red">', html)
        self.assertIn('<p style="margin:0">', html)
        self.assertIn('<center style="margin:0">', html)
        self.assertIn('<table style="top:1px" class="x">', html)
        self.assertIn("<style>\nbody > table, body > p{color:blue}\n</style>", html)
        self.assertIn('<a href="x" class="<a">', html)

    def test_attributes(self) -> None:
        """Background, sizes and alignment are repeated as attributes on cells, tables and images."""
        css = "td{background-color:#abc;width:100px;height:50%;text-align:CENTER;vertical-align:top}"
        html = self.inlined(page(css, "<table><tr><td>x</table>"))
        self.assertIn(' bgcolor="#aabbcc" width="100" height="50%" align="center" valign="top">x', html)

    def test_float(self) -> None:
        """An image that floats is aligned."""
        html = self.inlined(page("img{float:right;width:2.5em}", "<img>"))
        self.assertIn('<img style="float:right; width:2.5em" align="right">', html)

    def test_where_they_belong(self) -> None:
        """No attribute where it has no or another meaning: a table would move, a paragraph has no width."""
        css = "table{text-align:center;width:auto} p{width:10px;background-color:red} td{background-color:transparent}"
        html = self.inlined(page(css, "<table><td><p>x"))
        for name in ("align=", "width=", "bgcolor="):
            self.assertNotIn(name, html)

    def test_replaced(self) -> None:
        """An existing attribute follows the style sheet, as it does in a browser."""
        html = self.inlined(page("td{width:50px}", "<table><td width=10>"))
        self.assertIn('<table><td style="width:50px" width="50">', html)

    def test_fixed_width(self) -> None:
        """A percentage does not replace a width in pixels, which is there for Outlook."""
        html = self.inlined(page("img{width:100%;max-width:600px}", '<img width="600">'))
        self.assertIn('<img style="width:100%; max-width:600px" width="600">', html)


class SurvivalLaws(InliningCase):
    """Everything but the values of those attributes is as it was."""

    def test_awkward_document(self) -> None:
        """Doctype, entities, conditional comments, addresses, white space and broken markup survive."""
        html = (
            '<?xml version="1.0" encoding="utf-8"?>\r\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"\n>'
            "<html xmlns:v='urn:x'><head><!--[if mso]><style>p{color:red}</style><![endif]--><style>%s</style>"
            "<![if !mso]><meta charset=iso-8859-1><![endif]><title>&eacute; <style></title></head >"
            "<BODY\tbgColor = #fff>"
            '<a href="{{ "x" }}">&copy;&nbsp;é</a ><a href=\'{$url}?a=1&b=2&amp;c\'>'
            "<table><tr><td %s>x<form></form><td/ %s><b><i></b></i></table></div><p<p><v:rect fill=t />"
            "<br/></html> tail"
        )
        style = ' style="color:blue"'
        self.assertEqual(
            self.inlined((html % ("td{color:blue}", "", "")).replace("<td >", "<td>").replace("<td/ >", "<td/>")),
            (html % ("", "", "")).replace("<td >", f"<td{style}>").replace("<td/ >", f"<td{style}/>"),
        )

    def test_existing_values(self) -> None:
        """A style attribute is changed in its own quotes, with references, unquoted or without a value."""
        css = "p{font-family:'A & B',\"C\"}"
        for before, after in (
            ('style="color:red"', "style=\"font-family:'A &amp; B',&quot;C&quot;; color:red\""),
            ("style='color:red'", "style='font-family:&#39;A &amp; B&#39;,\"C\"; color:red'"),
            ("style=color:red", "style=\"font-family:'A &amp; B',&quot;C&quot;; color:red\""),
            ("style", "style=\"font-family:'A &amp; B',&quot;C&quot;\""),
            ("STYLE = '&quot;;color&#58;red'", 'STYLE = \'font-family:&#39;A &amp; B&#39;,"C"; ";color:red"\''),
        ):
            with self.subTest(before):
                self.assertIn(f"<p {after}>", self.inlined(page(css, f"<p {before}>")))

    def test_charsets(self) -> None:
        """Names in the charset of the part match and are written back in it; what it lacks becomes a reference."""
        html = page(".café{font-family:é}", '<p class="café" style="x:&#8364;">é</p>')
        for codec, written, euro in (
            ("utf-8", "utf-8", "€".encode()),
            ("cp1252", "cp1252", b"\x80"),
            ("iso8859-1", "iso8859-1", b"&#8364;"),
            (None, "iso8859-1", b"&#8364;"),
            ("no-such-charset", "iso8859-1", b"&#8364;"),
        ):
            with self.subTest(codec):
                out, _ = self.inline_bytes(html.encode(written), codec)
                self.assertIn(b"<style></style>", out)
                self.assertIn("font-family:é; x:".encode(written) + euro, out)

    def test_broken_charset(self) -> None:
        """Bytes that are not in the declared charset survive, in style values too."""
        html = b"<style>p{font-family:\xff\xfe}</style><p>\xff\x81</p>"
        self.assertEqual(self.inline_bytes(html)[0], b'<style></style><p style="font-family:\xff\xfe">\xff\x81</p>')

    def test_only_style_sheets_change_without_match(self) -> None:
        """Elements that no rule applies to keep their bytes, odd style attributes included."""
        html = page("b{color:red}", '<p style=" COLOR : red ;; {x">x</p>')
        self.assertEqual(self.inlined(html), html)

    def test_any_markup(self) -> None:
        """Whatever the markup, the tags stay the tags with their other attributes, and the text the text."""

        @settings(max_examples=100, deadline=None)
        @given(st.lists(st.sampled_from(MARKUP), max_size=30))
        def check(parts: list[str]) -> None:
            html = ("<style>p,td,.a{color:'\\\"';width:9px}</style>" + "".join(parts)).encode()
            out, _ = self.inline_bytes(html)
            self.assertEqual(_skeleton(out), _skeleton(html))

        check()

    def test_forged_numbers(self) -> None:
        """A number that the author wrote counts for nothing."""
        html = page("p{color:red}", '<b data-smtpeter-n="1">a</b><p data-smtpeter-n="2" data-smtpeter-sheet="0">b</p>')
        self.assertIn('<b data-smtpeter-n="1">a</b><p style="color:red" data', self.inlined(html))


class SafetyLaws(InliningCase):
    """Nothing is loaded, and hostile style sheets end."""

    def test_no_connection(self) -> None:
        """Whatever the HTML asks for, nobody connects and no file is read."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/x.css"
            secret = Path(self.mktemp())
            secret.write_text("p{color:red}")
            html = (
                f'<html><head><link rel=stylesheet href="{url}"><link rel="stylesheet" href="file://{secret.resolve()}">'
                f"<style>@import url({url}); @import 'file://{secret.resolve()}'; p{{background:url({url})}}</style>"
                "</head><body><p>x</p></body></html>"
            )
            out, result = self.inline_bytes(html.encode())
            self.assertRaises(BlockingIOError, listener.accept)
            self.assertIn(f'<p style="background:url({url})">'.encode(), out)
            self.assertNotIn(b"color:red", out)
            self.assertIn(f'<link rel=stylesheet href="{url}"><link rel="stylesheet" href="file:'.encode(), out)
            self.assertEqual(result.warnings, (NOT_LOADED,))

    def test_no_entities(self) -> None:
        """A document type cannot make the parser read or expand anything."""
        html = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><style>p{color:red}</style><p>&x;</p>'
        self.assertIn('<p style="color:red">&x;</p>', self.inlined(html))

    def test_nothing_there(self) -> None:
        """A document without an element is refused rather than an error."""
        for html in ("", " \n"):
            self.assertRaises(InliningFailed, self.make_engine().inline, InlineRequest(html=html, style_sheets=()))

    def test_growth(self) -> None:
        """Styles that would grow without measure are refused."""
        css = "p{" + "".join(f"x-{index}:{'y' * 90};" for index in range(1000)) + "}"
        html = page(css, "<p>x</p>" * 200).encode()
        self.assertRaises(InliningFailed, self.inline_bytes, html)

    def test_hostile(self) -> None:
        """Nesting, repetition and what is left open cost time in proportion to their size."""
        for css, body in (
            (":not(" * 20_000 + "a" + ")" * 20_000 + "{color:red}", "<a>"),
            (":is(" * 300 + "a" + ")" * 300 + "{color:red}", "<a>"),
            ("a " * 900 + "{color:red}", "<a>"),
            ("@media x{" * 20_000, "<a>"),
            ("a{b:c}" + "@media x{" * 5000 + "a{b:d}" + "}" * 5000, "<a>"),
            ("{" * 200_000, "<a>"),
            ("a{" + "b:c;" * 50_000 + "}", "<a>"),
            ("a{b:" + "(" * 100_000, "<a>"),
            ("/*" * 100_000, "<a>"),
            ("\\" * 100_001, "<a>"),
            ("a{b:url(" * 20_000, "<a>"),
            ('a{b:"' + '\\"' * 50_000, "<a>"),
            ("<!--" * 50_000, "<a>"),
            ("a{b:c}", "<a style='" + "x:(" * 50_000 + "'>"),
        ):
            with self.subTest(css[:20]):
                start = time.perf_counter()
                out, _ = self.inline_bytes(page(css, body).encode())
                self.assertLess(time.perf_counter() - start, 3)
                self.assertIn(body[:2].encode(), out)

    def test_deep(self) -> None:
        """Elements that are nested without end are inlined as far as the engine goes, or refused."""
        html = page("div{color:red}", "<div>" * 50_000).encode()
        start = time.perf_counter()
        try:
            out, _ = self.inline_bytes(html)
        except InliningFailed:
            out = html
        self.assertLess(time.perf_counter() - start, 3)
        self.assertEqual(out.replace(b' style="color:red"', b""), html)
