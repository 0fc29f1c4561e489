"""Tests of L{smtpeter.prepare.image_places}."""

import time

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.prepare.image_places import find_named, mentioned


class PlaceTests(SynchronousTestCase):
    """Where content is named."""

    def check(self, html: str, *cids: str) -> None:
        """Each of them stands in a place where another address can be written, and nothing is named elsewhere."""
        named = find_named(html.encode())
        self.assertEqual(([cid for _, _, cid in named.places], named.elsewhere), (list(cids), frozenset()), html)
        for start, end, _ in named.places:
            self.assertEqual(html.encode()[start : start + 4].lower(), b"cid:")
            self.assertNotIn(html.encode()[end : end + 1], b"abcdefghijklmnopqrstuvwxyz@")

    def test_attributes(self) -> None:
        """In attributes that are addresses, however they are quoted and whatever the case of letters."""
        for html in (
            '<img src="cid:a@x">',
            "<img src='cid:a@x'>",
            "<img src=cid:a@x>",
            "<IMG alt=y SRC = ' CID:a%40x '>",
            "<td background=cid:a@x>",
            '<a href="cid:a@x">x</a>',
            "<video poster='cid:a@x'>",
        ):
            self.check(html, "a@x")

    def test_lists(self) -> None:
        """In lists of addresses, each."""
        self.check('<img srcset="cid:a 1x, cid:b 2x,cid:c 3x">', "a", "b", "c")

    def test_styles(self) -> None:
        """In style attributes and style sheets, with and without quotes, as references too."""
        for css in ("url(cid:a)", "url( 'cid:a' )", 'url("cid:a")'):
            self.check(f"<style>p {{ background: {css} }}</style>", "a")
        self.check("<p style=\"background:url(cid:a),url('cid:b')\">", "a", "b")
        self.check('<p style="background:url(&quot;cid:a&quot;)">', "a")

    def test_odd_names(self) -> None:
        """An attribute is one whole name, with whatever characters it has; no part of it is taken for another name."""
        self.check('<img src="cid:a(1)"><img src="cid:a">', "a(1)", "a")
        self.check('<img src="cid:a&amp;b;c,d\\e f.png">', "a&b;c,d\\e f.png")
        self.check("<img src=cid:a%28b%29&#x21;>", "a(b)!")

    def test_part_of_a_name(self) -> None:
        """In lists and style sheets, whose names end at less, a part of a name stays, and what it may mean too."""
        for html in ('<img srcset="cid:a(1) 2x">', "<p style=\"background:url('cid:a(1)')\">"):
            named = find_named(html.encode())
            self.assertEqual((named.places, named.elsewhere), ((), {"a"}), html)

    def test_conditional_comments(self) -> None:
        """In comments for Outlook as well, once."""
        self.check('<!--[if mso]><v:fill src="cid:a"/><![endif]--><img src="cid:b">', "a", "b")
        self.check('<!--[if !mso]><!--><img src="cid:a"><!--<![endif]-->', "a")

    def test_elsewhere(self) -> None:
        """Where nothing can be written, or it is not clear what is meant, the name is told all the same."""
        for html in (
            "cid:a",
            "<!-- <img src='cid:a'> -->",
            "<script>x = 'cid:a'</script>",
            "<p data-src='cid:a'>",
            "<img src='https://x.example/?u=cid:a'>",
            "<p style='x:acid:a'>",
            "<title>cid:a</title>",
            "<p title=\"<!--[if mso]><img src='cid:a'><![endif]-->\">",
            "<img src='cid:a",
            "<img src='" + " " * 200 + "cid:a'>",
            "<img srcset='x, y?cid:a'>",
        ):
            named = find_named(html.encode())
            self.assertEqual((named.places, named.elsewhere), ((), {"a"}), html)

    def test_other_texts(self) -> None:
        """In a text that is not changed every name counts, in wide charsets too."""
        self.assertEqual(mentioned(b"url(cid:a) CID:b%40x"), {"a", "b@x"})
        self.assertEqual(mentioned("<img src=cid:a>".encode("utf-16")), {"a"})

    def test_hostile(self) -> None:
        """The time is linear, whatever the bytes are."""
        for html in (
            b"<!--[if mso]>" * 50_000 + b"cid:a",
            b"cid:" * 200_000,
            b"<img src='cid:a'" * 50_000,
            b"<style>url(cid:a)" * 50_000,
            b"<img src='" + b" " * 500_000 + b" cid:a" * 100_000 + b"'>",
            b"<img srcset='" + b" cid:a" * 100_000 + b"'>",
            b"<!--[if mso]><img src=cid:a><![endif]-->" * 20_000,
        ):
            began = time.process_time()
            find_named(html)
            self.assertLess(time.process_time() - began, 10.0)
