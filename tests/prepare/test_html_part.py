"""Tests of HTML parts: which ones change, and how."""

import re

from smtpeter.model.options import Features
from smtpeter.prepare.html_part import MAX_LINKS, MAX_TAGS
from smtpeter.tracking.tokens import Forged, read_click
from tests.prepare.case import CLICKS, HTML, INLINE, OPENS, PLAIN, CompilerCase
from tests.prepare.rig import ALL, BASE, HOST, KEYS, MESSAGE
from tests.support.newsletters import encode, message


class PartTests(CompilerCase):
    """Which parts change."""

    def unchanged(self, content: bytes, features: Features = ALL) -> tuple[str, ...]:
        """The body is the original's; gives the warnings."""
        self.assertTrue(self.sent(content, features).endswith(content.partition(b"\r\n\r\n")[2]))
        return self.prepared(content, features).warnings

    def test_text(self) -> None:
        """Text parts are never changed."""
        self.assertEqual(self.unchanged(PLAIN), ())

    def test_protected(self) -> None:
        """Signed and encrypted parts, attached messages and attached HTML are never changed."""
        inner = b"Content-Type: text/html\r\n\r\n" + HTML
        bounded = b"\r\n\r\n--b\r\n%b\r\n--b--\r\n"
        for kind, part in (
            (b'multipart/signed; boundary=b; protocol="application/pkcs7-signature"', inner),
            (b"multipart/encrypted; boundary=b", inner),
            (b"multipart/mixed; boundary=b", b"Content-Type: message/rfc822\r\n\r\nFrom: x@y\r\n" + inner),
            (b"multipart/mixed; boundary=b", b"Content-Disposition: attachment\r\n" + inner),
        ):
            content = b"From: a@example.com\r\nContent-Type: " + kind + bounded % part
            self.assertEqual(self.unchanged(content, Features(inlinecss=True, trackclicks=True, trackopens=True)), ())

    def test_unreadable(self) -> None:
        """A part in an unsupported charset or a broken encoding goes on as it is, with a warning."""
        for content in (
            message(HTML, "utf-16", "base64"),
            message(HTML, "utf-7"),
            message(HTML.decode().encode("utf-16"), "utf-8", "base64"),
            message(HTML + b"\0", "utf-8", "base64"),
            message(b"<\r\n" * (MAX_TAGS + 1), "utf-8"),
            message(b"<a href=http://x/>", "utf-8", "8bit").replace(b": 8bit", b": quoted-printable"),
            message(HTML, "utf-8", "8bit").replace(b": 8bit", b": base64"),
        ):
            self.assertEqual(len(self.unchanged(content)), 1)

    def test_byte_order_mark(self) -> None:
        """A part that begins with the mark of UTF-16 is read so by browsers, whatever it claims: it stays as it is."""
        for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
            html = mark + "\u65e5\u672c\u8a9e".encode(codec)
            self.assertNotIn(b"\0", html)
            for charset in ("utf-8", "iso-8859-1", "windows-1252", "shift_jis"):
                self.assertEqual(len(self.unchanged(message(html, charset, "base64"))), 1, (codec, charset))
        for html in (b"\xef\xbb\xbf" + HTML, b"\xff" + HTML, b"x\xff\xfe" + HTML):
            self.assertEqual(self.prepared(message(html, "utf-8", "base64")).warnings, (), html)

    def test_armoured(self) -> None:
        """HTML with a PGP block in it, under whatever encoding, is signed or encrypted; one that tells of it is not."""
        for encoding in ("8bit", "quoted-printable", "base64"):
            for before in (b"<pre>", b"<p>x<br>\r\n ", b""):
                html = before + b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n" + HTML
                self.unchanged(message(html, "utf-8", encoding))
        self.assertEqual(len(self.unchanged(message(b"<div>-----BEGIN PGP MESSAGE-----" + HTML, "utf-8"))), 1)
        told = message(b"<p>Look for -----BEGIN PGP MESSAGE-----" + HTML, "utf-8")
        self.assertIn(BASE.encode(), self.sent(told))

    def test_encoding_changes(self) -> None:
        """A part whose lines would get too long becomes quoted-printable and says so, alone or among others."""
        html = HTML + b"<b>" + b"y" * 900 + b'<a href="https://example.com/long">z</a>'
        for structure in ("single", "mixed"):
            sent = self.sent(message(html, "us-ascii", "7bit", structure), CLICKS)
            self.assertIn(b"Content-Transfer-Encoding: quoted-printable\r\n", sent)
            self.assertNotIn(b": 7bit", sent)
            self.assertLess(max(map(len, sent.split(b"\r\n"))), 999)
        nothing_said = message(html, "us-ascii", "7bit").replace(b"Content-Transfer-Encoding: 7bit\r\n", b"")
        self.assertEqual(self.sent(nothing_said, CLICKS).count(b"Content-Transfer-Encoding"), 1)

    def test_numbers(self) -> None:
        """Links are numbered through all parts of a message."""
        content = message(HTML, "utf-8", "8bit", "related").replace(
            b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <i@x>\r\n\r\n",
            b"Content-Type: text/html\r\n\r\n<a href='http://y/2'>",
        )
        paths = re.findall(rb"href='https://clicks\.example\.com(/[^']*)", self.sent(content, CLICKS))
        self.assertEqual([read_click(KEYS, HOST, path).link_number for path in paths], [1, 2])

    def test_many_links(self) -> None:
        """Links over the limit lead where they led, with a warning."""
        content = message(b"<a href=http://x/>\r\n" * (MAX_LINKS + 5), "utf-8")
        prepared = self.prepared(content, CLICKS)
        sent = self.successResultOf(prepared.render(MESSAGE, False))
        self.assertEqual((sent.count(b"=http://x/>"), len(prepared.warnings)), (6, 1))

    def test_kept_and_scam(self) -> None:
        """The address in List-Unsubscribe and, with preventscam, shown addresses stay."""
        html = b'<a href="https://example.com/u?x=1&amp;y">u</a><a href="https://example.com/w">www.example.com</a>'
        content = b"List-Unsubscribe: <mailto:a@b>,\r\n <https://example.com/u?x=1&y>\r\n" + message(html, "utf-8")
        sent = self.sent(content, Features(trackclicks=True, preventscam=True))
        self.assertTrue(sent.endswith(html))
        self.assertEqual(self.sent(content, CLICKS).count(BASE.encode()), 1)

    def test_pixel_place(self) -> None:
        """The pixel stands before the last end tag of body, else of html, else at the end; comments do not count."""
        for html, before in (
            (b"<body>x</body><body>y</BODY ></html>", b"</BODY ></html>"),
            (b"<body>x</body><!-- </body> --></html>", b"</body><!-- </body> --></html>"),
            (b"x</html>\r\n", b"</html>\r\n"),
            (b"x\r\n", b""),
            (b"<html><body>x\r\n", b""),
            (b"<body>x</html><body>y", b"</html><body>y"),
        ):
            sent = self.sent(message(html, "utf-8"), OPENS)
            self.assertRegex(sent, rb'/[A-Za-z0-9_-]+\.gif" width="1" height="1"[^>]*>' + re.escape(before) + rb"\Z")
            self.assertEqual(sent.count(b".gif"), 1)

    def test_base64_once(self) -> None:
        """An inlined part in base64 is written once and read back."""
        sent = self.sent(message(HTML, "utf-8", "base64"), INLINE)
        self.assertIn(encode(b"<style>/* kept */", "base64").strip()[:16], sent)

    def test_escaped_styles(self) -> None:
        """In ISO-2022-JP style sheets are inlined, unless styles have Japanese in them; without any, no warning."""
        for html, warnings in (
            ("<style>p{}</style><p title='\u65e5'>\u65e5\u672c", 0), ("<p>\u65e5\u672c", 0),
            ("<style>p{font:'\u65e5'}</style><p>x", 1), ("<style>p{}</style><p style=\"font:'\u65e5'\">x", 1),
        ):  # fmt: skip
            content = message(html.encode("iso-2022-jp"), "iso-2022-jp", "7bit")
            self.assertEqual(len(self.prepared(content, INLINE).warnings), warnings, html)
            is_inlined = b"color: #123456" in self.sent(content, INLINE)
            self.assertEqual(is_inlined, "<style>" in html and not warnings, html)
            shown = html.encode("iso-2022-jp").rpartition(b">")[2]
            self.assertTrue(self.sent(content, INLINE).endswith(shown))
        content = message(b"<style>p{}</style><p>\xe9", "iso-2022-jp", "8bit")
        self.assertEqual(len(self.prepared(content, INLINE).warnings), 1)
        self.assertTrue(self.sent(content, INLINE).endswith(b"<p>\xe9"))

    def test_nested_too_deep(self) -> None:
        """A message nested deeper than intake allows goes on as it is, with a warning."""
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(200))
        self.assertEqual(len(self.unchanged(b"From: a@example.com\r\n" + deep)), 1)
        content = b"From: a@example.com\r\n" + deep + b"\xe9\r\n"
        for seven_bit in (False, True):
            self.assertTrue(self.sent(content, CLICKS, seven_bit).endswith(deep[-20:] + b"\xe9\r\n"))


class ForgedTests(CompilerCase):
    """What is sent is bound to its message."""

    def test_foreign_host(self) -> None:
        """Links of a message do not work elsewhere."""
        (path,) = re.findall(rb"href='https://clicks\.example\.com(/[^']*)", self.sent(message(HTML, "utf-8"), CLICKS))
        self.assertRaises(Forged, read_click, KEYS, "evil.example", path)
