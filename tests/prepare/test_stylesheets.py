"""Tests of cutting style sheets into statements and declarations."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.prepare.stylesheets import (
    Declaration,
    declarations,
    family,
    split,
    statements,
    strengthened,
    strengthened_group,
)

PIECES = st.sampled_from([*"{}()[];:,\\\"'*/!@a \n", "/*", "*/", "url(", "!important", "@media x", "color:red", "<!--"])
CSS = st.lists(PIECES, max_size=40).map("".join)


class StatementTests(SynchronousTestCase):
    """Rules and at-rules."""

    def test_kinds(self) -> None:
        """Statements have their text, the prelude without comments, and the block."""
        css = '@import "a;b" x; /* c */ a/**/,b[t="{"]{ x:"}" } @media x { a{} } <!-- u{v:w'
        self.assertEqual(
            [(one.text, one.prelude, one.block) for one in statements(css)],
            [
                ('@import "a;b" x;', '@import "a;b" x;', None),
                ('a/**/,b[t="{"]{ x:"}" }', 'a ,b[t="{"]', ' x:"}" '),
                ("@media x { a{} }", "@media x", " a{} "),
                ("u{v:w", "u", "v:w"),
            ],
        )

    @given(CSS)
    @settings(max_examples=200, deadline=None)
    def test_texts_are_slices(self, css: str) -> None:
        """Whatever the text is, statements are slices of it, in their order, and reading them again gives the same."""
        position = 0
        found = list(statements(css))
        for one in found:
            position = css.index(one.text, position) + len(one.text)
        self.assertEqual(
            [one.text for one in statements("\n".join(one.text for one in found))], [one.text for one in found]
        )


class DeclarationTests(SynchronousTestCase):
    """Blocks and style attributes."""

    def test_declarations(self) -> None:
        """Names are lowered, values stay as they are, !important is told apart, and what is neither is kept."""
        self.assertEqual(
            declarations("COLOR : Red !/**/IMPORTANT; --X:1;;*zoom:1; background:url(a;b) \\;x"),
            [
                Declaration("color", "Red", True),
                Declaration("--X", "1", False),
                Declaration("", "*zoom:1", False),
                Declaration("background", "url(a;b) \\;x", False),
            ],
        )

    def test_nested(self) -> None:
        """A block with blocks in it is more than declarations."""
        self.assertIsNone(declarations("a:b; &:hover{c:d}"))

    @given(CSS)
    @settings(max_examples=300, deadline=None)
    def test_more_can_follow(self, block: str) -> None:
        """Whatever a block leaves open, a declaration behind what was read is read as one."""
        found = declarations(block)
        if found is not None:
            written = "; ".join(f"{one.name}:{one.value}" if one.name else one.value for one in found)
            again = declarations(written + ";last:1")
            self.assertIsNotNone(again)
            self.assertEqual((again or [])[-1], Declaration("last", "1", False), written)

    def test_ends(self) -> None:
        """Strings, addresses and brackets that are left open are closed, also behind an escaped end."""
        for block, value in (
            ('a:"b\\"', '"b\\""'),
            ("a:url(b\\)", "url(b\\))"),
            ("a:'b\nc", "'b'\nc"),
            ("a:(b;'", "(b;'')"),
            ("a:b\\", "b"),
            ("a:b\\ ", "b\\ "),
        ):
            self.assertEqual(declarations(block), [Declaration("a", value, False)])

    def test_split(self) -> None:
        """Separators in strings, brackets, escapes and addresses do not count."""
        self.assertEqual(split('a[x=","], b:not(c,d) ,e\\,f', ","), ['a[x=","]', "b:not(c,d)", "e\\,f"])


class StrengtheningTests(SynchronousTestCase):
    """Declarations that would lose against inlined ones."""

    def test_family(self) -> None:
        """Properties that can override each other are of one family."""
        self.assertEqual(
            [family(name) for name in ("margin", "margin-left", "-webkit-margin-end", "line-height", "font", "--a-b")],
            ["margin", "margin", "margin", "font", "font", "--a-b"],
        )

    def test_only_what_competes(self) -> None:
        """Only weak declarations of those families are changed; otherwise the text stays."""
        self.assertEqual(strengthened(" a-b:c ; d:e", frozenset({"a"})), "a-b: c !important; d: e")
        self.assertEqual(strengthened(" a:c!important ; d:e", frozenset({"a"})), " a:c!important ; d:e")

    def test_group(self) -> None:
        """In a group every rule is looked at, at-rules of another kind are not."""
        (group,) = statements("@media x{@font-face{a:b} .c{a:b} @supports (d){e{a:b}}}")
        self.assertEqual(
            strengthened_group(group, frozenset({"a"})),
            "@media x {\n@font-face{a:b}\n.c { a: b !important }\n@supports (d) {\ne { a: b !important }\n}\n}",
        )
