"""Tests of addresses as browsers send them; expectations follow the URL standard."""

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.charsets import find_charset
from smtpeter.tracking.urls import MAX_URL, NotTrackable, browser_url


class BrowserURLTests(SynchronousTestCase):
    """L{browser_url}."""

    def test_forms(self) -> None:
        """Each address comes out as a browser would ask for it."""
        for text, url in (
            ("http://example.com", "http://example.com/"),
            ("HTTPS://WWW.Example.COM:443/a/../b/./c?x y", "https://www.example.com/b/c?x%20y"),
            (" \n\thttp://x/\x0c ", "http://x/"),
            ("http:\\\\a\\b?c\\d", "http://a/b?c\\d"),
            ("http:\\/x/y", "http://x/y"),
            ("http:////x/y", "http://x/y"),
            ("h\nttp://a\n.b/\tc", "http://a.b/c"),
            ("http://bücher.example/ü?ü", "http://xn--bcher-kva.example/%C3%BC?%C3%BC"),
            ("http://faß.de/", "http://xn--fa-hia.de/"),
            ("http://\u2603.net/", "http://xn--n3h.net/"),
            ("http://例え.テスト。jp/", "http://xn--r8jz45g.xn--zckzah.jp/"),
            ("http://ex%61mple.com/%zz%7e", "http://example.com/%zz%7e"),
            ("http://u:p@w@h/", "http://u:p%40w@h/"),
            ("http://@h/", "http://h/"),
            ("http://a:080/", "http://a/"),
            ("http://a:/b", "http://a/b"),
            ("https://a:8443/b", "https://a:8443/b"),
            ("http://a/b'c?d'e\"", "http://a/b'c?d%27e%22"),
            ("http://a/{b}`^|", "http://a/%7Bb%7D%60%5E|"),
            ("http://a/b/%2e%2E/x/%2e", "http://a/x/"),
            ("http://a/..", "http://a/"),
            ("http://a/b//c", "http://a/b//c"),
            ("http://a?b/../c", "http://a/?b/../c"),
            ("http://127.0.0.1/", "http://127.0.0.1/"),
            ("http://[::1]:81/", "http://[::1]:81/"),
        ):
            self.assertEqual(browser_url(text).url, url, text)

    def test_left(self) -> None:
        """What is no web address, or in doubt, is refused."""
        for text in (
            "", "mailto:a@b", "//x/y", "/x", "x", "#x", "data:,x", "javascript:http://x", "ftp://x/", "http://",
            "http:///", "http://a b/", "http://a:99999/", "http://a:x/", "http://a/\x01b", "http://a/\x00b",
            "http://1.2.3/", "http://0x7f.1/", "http://127.0.0.01/", "http://[::1/", "http://[::ffff:1.2.3.4]/",
            "http://[::ffff:102:304]/", "http://\u05d0a.example/", "http://a\u05d0.example/", "http://\u0301a.example/",
            "http://a<b/", "http://%00/", "http://a..b/", "http://a/" + "x" * MAX_URL, "http://" + "a" * 300 + "/",
            "http://\ud800/", "http://a/\ud800", "http:/x/y", "http:x/y", "https:\\x/y", "http://xn--bücher.example/",
        ):  # fmt: skip
            self.assertRaises(NotTrackable, browser_url, text)

    def test_query_charset(self) -> None:
        """
        The query is encoded in the charset of the document; what that lacks becomes a reference, or is in doubt where
        browsers and Python differ about it.
        """
        self.assertEqual(browser_url("http://a/é?é", "cp1252").target, "/%C3%A9?%E9")
        self.assertEqual(browser_url("http://a/?日", "cp1252").target, "/?%26%2326085%3B")
        self.assertEqual(browser_url("http://a/?表", "cp932").target, "/?%95\\")
        self.assertRaises(NotTrackable, browser_url, "http://a/?é", None)
        for text, codec in (("€", "gbk"), ("é", "euc_jp"), ("é", "big5hkscs"), ("€", "big5hkscs")):
            self.assertRaises(NotTrackable, browser_url, f"http://a/?{text}", codec)
        self.assertEqual(browser_url("http://a/?中", "gbk").target, "/?%D6%D0")
        self.assertEqual(browser_url("http://a/?日ｱ", "euc_jp").target, "/?%C6%FC%8E%B1")
        self.assertEqual(browser_url("http://a/é", None).target, "/%C3%A9")

    def test_chromium(self) -> None:
        """Odd addresses in pages of several charsets come out as in Chromium 156; what it refuses is refused."""
        for charset, text, shown in json.loads(Path(__file__).with_name("chromium_urls.json").read_text()):
            codec = find_charset(charset).codec
            if shown is None:
                self.assertRaises(NotTrackable, browser_url, text, codec)
                continue
            read = browser_url(text, codec)
            self.assertEqual(read.url + ("" if read.fragment is None else f"#{read.fragment}"), shown, (charset, text))

    def test_fragment(self) -> None:
        """The fragment stands apart."""
        self.assertEqual(browser_url("http://a/b#c d").fragment, "c%20d")
        self.assertEqual(browser_url("http://a/b#").fragment, "")
        self.assertIsNone(browser_url("http://a/b").fragment)

    def test_verbatim(self) -> None:
        """It is told whether path and query were written as they are sent."""
        for text, is_verbatim in (
            ("HTTP://A/b?c", True), ("http://a", False), ("http://a/b c", False), ("http://u@a/b", False),
            ("http://a/b/../c", False),
        ):  # fmt: skip
            self.assertIs(browser_url(text).is_verbatim, is_verbatim, text)

    @settings(max_examples=200, deadline=None)
    @given(st.text("ab/\\.%2eé?#@: &;=<'\"\t", max_size=30))
    def test_settled(self, rest: str) -> None:
        """Reading an address again changes nothing, and it is printable ASCII."""
        try:
            url = browser_url("https://example.com/" + rest)
        except NotTrackable:
            return
        again = browser_url(url.url)
        self.assertEqual(again.url, url.url)
        self.assertRegex(url.url, r"\A[!-~]+\Z")
