"""Tests for L{smtpeter.mime.charsets}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.charsets import Unreadable, decode_text_body, find_charset

JAPANESE = "日本".encode("iso-2022-jp")


class DecodeTests(SynchronousTestCase):
    """Texts for reading."""

    def test_named(self) -> None:
        """A charset that is named is taken, those that are never changed too."""
        for name, codec in (
            ("utf-8", "utf-8"),
            (" ISO-8859-1 ", "cp1252"),
            ("iso-8859-2", "iso8859-2"),
            ("utf-16", "utf-16"),
            ("UTF-16LE", "utf-16le"),
            ("utf-32be", "utf-32be"),
        ):
            self.assertEqual(decode_text_body("Grüße".encode(codec), name), "Grüße", name)
        for name, codec in (("iso-2022-jp", "iso2022_jp"), ("Shift_JIS", "cp932"), ("gb2312", "gbk")):
            self.assertEqual(decode_text_body("日本".encode(codec), name), "日本", name)

    def test_not_named(self) -> None:
        """Without one, or with one that is not known, it is UTF-8 if it can be, else Windows-1252."""
        for name in ("", "x-unknown", "utf-7", "punycode", "unicode_escape", "zlib"):
            self.assertEqual(decode_text_body("Grüße €".encode(), name), "Grüße €", name)
            self.assertEqual(decode_text_body("Grüße €".encode("cp1252"), name), "Grüße €", name)

    def test_wrong(self) -> None:
        """UTF-8 under another name is found; what is nothing at all has marks in it."""
        self.assertEqual(decode_text_body("日本語日本".encode(), "euc-jp"), "日本語日本")
        self.assertEqual(decode_text_body(b"a\xff", "utf-8"), "a\ufffd")
        self.assertEqual(decode_text_body("日本".encode("gbk") + b"\xff", "gbk"), "日本\ufffd")
        self.assertEqual(decode_text_body(b"\xef\xbb\xbfa", ""), "a")


class NameTests(SynchronousTestCase):
    """L{find_charset}."""

    def test_as_browsers(self) -> None:
        """A name means what browsers take it for, whatever its case, quotes and blanks."""
        for name, raw, text in (
            ("", b"\xc3\xa9", "é"), ("UTF-8", b"\xc3\xa9", "é"), (' "utf-8" ', b"\xc3\xa9", "é"),
            ("us-ascii", b"\x80", "€"), ("ISO-8859-1", b"\x80", "€"), ("windows-1252", b"\x80", "€"),
            ("iso-8859-9", b"\xfd", "ı"), ("iso_8859-15", b"\xa4", "€"), ("cp1251", b"\xd4", "Ф"),
            ("gb2312", b"\x90\x5c", "怽"), ("Shift_JIS", b"\x83\x5c", "ソ"), ("windows-31j", b"\x87\x40", "①"),
            ("koi8-ru", b"\xa4", "є"), ("macintosh", b"\x8e", "é"), ("iso-8859-8-i", b"\xe0", "א"),
        ):  # fmt: skip
            self.assertEqual(find_charset(name).decode(raw), text, name)

    def test_unknown(self) -> None:
        """Of a charset that nobody knows only ASCII is understood, and so is what is no character of a known one."""
        for name in ("x-unknown", "iso-8859-12", "iso-8859-99", "binary"):
            self.assertEqual((find_charset(name).decode(b"a"), find_charset(name).decode(b"\xe9")), ("a", None), name)
        self.assertIsNone(find_charset("utf-8").decode(b"\xe9"))

    def test_unreadable(self) -> None:
        """Where bytes of ASCII markup are something else nothing is read."""
        for name in ("utf-16", "UTF-16LE", "utf16", "utf-32", "utf-7", "ucs-2", "unicode", "hz-gb-2312", "iso-2022-kr"):
            self.assertRaises(Unreadable, find_charset, name)


class EscapedTests(SynchronousTestCase):
    """ISO-2022-JP."""

    def test_markup(self) -> None:
        """Between escapes nothing is markup; the copy has the same length, and other charsets are left alone."""
        html = b"<p>" + JAPANESE + b"\x1b$B<a>\x1b(B<b>"
        seen = find_charset("iso-2022-jp").markup(html)
        self.assertEqual((len(seen), seen.count(b"<")), (len(html), 2))
        self.assertIs(find_charset("utf-8").markup(html), html)

    def test_decode(self) -> None:
        """A piece with an escape in it, or cut from the middle of a text, cannot be told; a piece without can."""
        charset = find_charset("iso-2022-jp")
        self.assertEqual((charset.decode(b"http://x/"), charset.decode(JAPANESE)), ("http://x/", None))
        self.assertIsNone(charset.decode(b"\xe9"))
        self.assertEqual(find_charset("utf-8").decode(b"\x1b$B"), "\x1b$B")
        self.assertEqual(charset.text(JAPANESE), "日本")

    def test_ascii_again(self) -> None:
        """At the end ASCII is asked for, unless that, or the Roman set which has the same letters, was last."""
        charset = find_charset("iso-2022-jp")
        for html, before in (
            (b"x", b""), (JAPANESE, b""), (b"\x1b(Jx", b""), (b"\x1b$Bx", b"\x1b(B"), (b"\x1b(Ix", b"\x1b(B"),
        ):  # fmt: skip
            self.assertEqual(charset.ascii_again(html), before, html)
        self.assertEqual(find_charset("utf-8").ascii_again(b"\x1b$Bx"), b"")
