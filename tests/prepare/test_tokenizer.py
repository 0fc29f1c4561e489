"""Tests of the tokenizer against what the HTML standard says a browser sees, and of hostile bytes."""

from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.prepare.tokenizer import MAX_ATTRIBUTES, Outlined, outline, tags

MARKUP = st.lists(
    st.sampled_from(
        [b"<p", b"<a", b"</a", b"<AREA", b"</body", b"<abc", b"<br/>", b"<!--", b"-->", b"<style", b"</style"]
    )
    | st.sampled_from([b"<a>", b"</a>", b"</A>", b"</body>", b"<style>", b"</style>", b"</p>"])
    | st.sampled_from([b">", b"/>", b" ", b"\n", b"=", b'"', b"'", b"<", b"< ", b"</", b"<!x", b"<?", b"a", b"b", b"/"])
    | st.sampled_from([b' x="y"', b" x='y'", b" x=y", b' x="<a href=1>"', b" x=y=", b' a"b=', b" x", b"\0", b'="y"']),
    max_size=25,
)
"""Pieces of markup, whole and broken."""

HREFS = (
    b' href="a"', b" HREF='b'", b' Href="c"', b' hrefs="d"', b' href = "e"', b'href="f"', b" href", b' x-href="g"',
    b' x="y"', b" x='y'", b" x=y", b' x=" href="', b" x", b" ", b"/", b"=", b'"', b"'",
)  # fmt: skip
"""Attributes, such as have that name and such as do not."""


def seen(html: bytes) -> list[tuple[bytes, list[tuple[bytes, bytes]]]]:
    """Names and attributes; an end tag has a slash in front."""
    return [
        (
            b"/" * tag.is_end + tag.name,
            [(each.name, html[each.value_start : each.value_end]) for each in tag.attributes],
        )
        for tag in tags(html)
    ]


class CountingParser(HTMLParser):
    """Counts how often the standard library looks at the rest of the document."""

    looks = 0

    @override
    def parse_starttag(self, i: int) -> int:
        self.looks += 1
        return super().parse_starttag(i)

    @override
    def handle_data(self, data: str) -> None:
        pass


class TokenizerTests(SynchronousTestCase):
    """Tags and attributes."""

    def test_values(self) -> None:
        """Values are found in double quotes, single quotes, without quotes, around white space, and missing."""
        html = b'<A HREF = "a>b" Title=\'x"y\'\r\nc d=>q</A >'
        self.assertEqual(
            seen(html), [(b"a", [(b"href", b"a>b"), (b"title", b'x"y'), (b"c", b""), (b"d", b"")]), (b"/a", [])]
        )
        first = next(iter(tags(html)))
        self.assertEqual([each.quote for each in first.attributes], [b'"', b"'", None, b""])
        self.assertEqual(html[first.start : first.end], b'<A HREF = "a>b" Title=\'x"y\'\r\nc d=>')
        self.assertEqual(html[first.attributes[1].name_start :][:5], b"Title")

    def test_odd_attributes(self) -> None:
        """Equals signs, slashes and quotes in odd places mean what they mean in a browser."""
        self.assertEqual(seen(b'<a =x="y">'), [(b"a", [(b"=x", b"y")])])
        self.assertEqual(seen(b'<a x="1"y="2"/z=3>'), [(b"a", [(b"x", b"1"), (b"y", b"2"), (b"z", b"3")])])
        self.assertEqual(seen(b'<a it\'s b="c">'), [(b"a", [(b"it's", b""), (b"b", b"c")])])
        self.assertEqual(seen(b"<a a=b/c>"), [(b"a", [(b"a", b"b/c")])])
        self.assertEqual(seen(b"<br/>"), [(b"br", [])])
        self.assertEqual(
            seen(b"<a title=\" href='x'\" href='z'>"), [(b"a", [(b"title", b" href='x'"), (b"href", b"z")])]
        )

    def test_first_counts(self) -> None:
        """Of two attributes with one name the first counts."""
        html = b"<a href=1 href=2>"
        found = next(iter(tags(html))).attribute(b"href")
        assert found is not None
        self.assertEqual(html[found.value_start : found.value_end], b"1")

    def test_comments(self) -> None:
        """Comments, conditional ones too, hold no tags; what a revealed conditional comment holds is shown."""
        self.assertEqual(
            seen(b"<!-- <a> --><b><!--><i><!---><u><!--x--!><s>"), [(b"b", []), (b"i", []), (b"u", []), (b"s", [])]
        )
        self.assertEqual(seen(b"<!--[if mso]><a><![endif]--><![if !mso]><b><![endif]>"), [(b"b", [])])
        self.assertEqual(seen(b"<!--[if !mso]><!--><b><!--<![endif]--><i>"), [(b"b", []), (b"i", [])])
        self.assertEqual(seen(b'<!DOCTYPE html "<a"><?xml x="1"?></ x><b>'), [(b"b", [])])

    def test_raw_text(self) -> None:
        """Style, script, title, textarea and their kind hold text up to their own end tag."""
        for name in (b"style", b"script", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes"):
            html = b"<%b x>a<b></c></%bs></%b ><i>" % (name, name, name.upper())
            self.assertEqual(seen(html), [(name, [(b"x", b"")]), (b"/" + name, []), (b"i", [])])
            content = next(iter(tags(html))).content
            assert content is not None
            self.assertEqual(html[slice(*content)], b"a<b></c></%bs>" % name)
        self.assertEqual(seen(b"<plaintext><a>"), [(b"plaintext", [])])

    def test_unfinished(self) -> None:
        """Behind an unfinished comment, tag, value or raw text there is no tag; one in front is found."""
        for rest in (b"<!-- <a>", b"<a href='<b>", b"<a x <", b'<a x="', b"<! <", b"</a <"):
            self.assertEqual(seen(b"<i>" + rest), [(b"i", [])])
        self.assertEqual(seen(b"<style> <a> </styl"), [(b"style", [])])

    def test_names(self) -> None:
        """Only tags that were asked for are given, and raw text of others is still none."""
        html = b"<p><style><a></style><a><b>"
        self.assertEqual([tag.name for tag in tags(html, {b"a"})], [b"a"])

    @given(MARKUP)
    @settings(max_examples=1500)
    def test_short_way(self, pieces: list[bytes]) -> None:
        """When some names are asked for, other tags are passed in a shorter way, and the same tags are found."""
        html = b"".join(pieces)
        names = frozenset((b"a", b"area", b"body"))
        self.assertEqual(list(tags(html, names)), [tag for tag in tags(html) if tag.name in names], html)
        starts = [tag for tag in tags(html) if tag.name in ((b"body",) if tag.is_end else names)]
        self.assertEqual(list(tags(html, names, {b"body"})), starts, html)

    @given(MARKUP)
    @settings(max_examples=1500)
    def test_outline(self, pieces: list[bytes]) -> None:
        """An outline has the start tags of the document but for some in columns, and the tags that were asked for."""
        html = b"".join(pieces)
        left_out, starts, ends = frozenset((b"style", b"br")), frozenset((b"a", b"style")), frozenset((b"body", b"p"))
        found = outline(html, Outlined(left_out=left_out, starts=starts, ends=ends))
        expected = list(tags(html))
        columns = [tag for tag in expected if not tag.is_end and tag.name not in left_out]
        self.assertEqual(found.name_ends, [tag.start + 1 + len(tag.name) for tag in columns], html)
        self.assertEqual(found.ends, [tag.end for tag in columns], html)
        sheets = [(tag.start + 6, tag.content) for tag in expected if tag.name == b"style" and not tag.is_end]
        self.assertEqual(found.sheets, sheets, html)
        wanted = [tag for tag in expected if tag.name in (ends if tag.is_end else starts)]
        self.assertEqual(found.tags, wanted, html)

    @given(st.lists(st.sampled_from(HREFS), max_size=6))
    @settings(max_examples=1000)
    def test_value(self, pieces: list[bytes]) -> None:
        """Where a value stands is the same in the short way, whatever is in front of it."""
        for tag in tags(b"<a" + b"".join(pieces) + b'><i href="z">'):
            found = tag.attribute(b"href")
            self.assertEqual(tag.value(b"href"), found and (found.value_start, found.value_end), pieces)

    def test_many_attributes(self) -> None:
        """A tag with very many attributes ends the reading instead of filling the memory."""
        self.assertEqual(seen(b"<i><a" + b" x" * MAX_ATTRIBUTES + b"><b>"), [(b"i", [])])
        self.assertEqual(len(seen(b"<i><a" + b" x" * (MAX_ATTRIBUTES // 2) + b"><b>")), 3)

    def test_hostile(self) -> None:
        """
        Bytes that are unfinished again and again are looked at once: there is one answer at most for a megabyte of
        them. The standard library's parser looks again at each.
        """
        for piece in (
            b"<a ",
            b"<!--",
            b'<a href="',
            b"<a b='",
            b"<style>",
            b"</",
            b"<!",
            b"<a b=c",
            b"<a  = ",
            b"<![CDATA[",
            b"< ",
            b"x",
        ):
            html = piece * (1_000_000 // len(piece))
            self.assertLessEqual(len(list(tags(html))), 1, piece)
            self.assertLessEqual(len(outline(html, Outlined(starts=frozenset((b"a",)))).name_ends), 1, piece)
        stock = CountingParser()
        stock.feed("<a " * 200)
        stock.close()
        self.assertGreaterEqual(stock.looks, 100)

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"<a",
                    b" ",
                    b"href=",
                    b'"',
                    b"'",
                    b">",
                    b"</",
                    b"<!--",
                    b"-->",
                    b"x",
                    b"/",
                    b"=",
                    b"<style>",
                    b"</style>",
                ]
            )
        )
    )
    def test_spans(self, pieces: list[bytes]) -> None:
        """Whatever the bytes, tags are in order, begin with their bracket, and their attributes lie inside them."""
        html, position = b"".join(pieces), 0
        for tag in tags(html):
            self.assertGreaterEqual(tag.start, position)
            self.assertEqual((html[tag.start : tag.start + 1], html[tag.end - 1 : tag.end]), (b"<", b">"))
            for each in tag.attributes:
                self.assertTrue(tag.start < each.name_start <= each.value_start <= each.value_end < tag.end)
            position = tag.end

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abpi"),
                st.lists(st.tuples(st.sampled_from(["href", "x", "y-z"]), st.text("ab<>'= /&", max_size=6))),
            )
        )
    )
    def test_standard_library(self, wanted: list[tuple[str, list[tuple[str, str]]]]) -> None:
        """Well-formed documents read as the standard library reads them."""
        html = "".join(
            f"<{name}" + "".join(f' {key}="{value}"' for key, value in pairs) + ">t" for name, pairs in wanted
        )
        found: list[Any] = [
            (name.decode(), [(k.decode(), v.decode()) for k, v in pairs]) for name, pairs in seen(html.encode())
        ]
        self.assertEqual(found, wanted)
