"""Tests for L{smtpeter.mime.charsets}: reading. What may be changed is tested with links and styles."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.charsets import decode_text_body


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
