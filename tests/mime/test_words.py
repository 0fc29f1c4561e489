"""Tests for L{smtpeter.mime.words}."""

from email.header import decode_header, make_header

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.headers import read_headers
from smtpeter.mime.words import decode_text, hides_control, write_field


class DecodeTests(SynchronousTestCase):
    """Reading."""

    def test_encoded_words(self) -> None:
        """Words are decoded, white space between two of them is none, a character may be spread over two."""
        self.assertEqual(decode_text(b" =?utf-8?q?Gr=C3=BC=C3=9Fe_x?= y"), "Grüße x y")
        self.assertEqual(decode_text(b"=?UTF-8?B?w6Q=?=\r\n =?utf-8?b?w7Y?="), "äö")
        self.assertEqual(decode_text(b"=?utf-8?q?=C3?= =?utf-8?q?=A4?="), "ä")
        self.assertEqual(decode_text(b"=?iso-8859-1*de?q?=E4?="), "ä")
        self.assertEqual(decode_text(b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?="), "日本")

    def test_raw_octets(self) -> None:
        """UTF-8 is read as such, any other octets as Latin-1."""
        self.assertEqual(decode_text("Grüße".encode()), "Grüße")
        self.assertEqual(decode_text("Grüße".encode("latin-1")), "Grüße")

    def test_unknown_stays(self) -> None:
        """Codecs that are no character sets, and broken words, stay as they are."""
        for text in (b"=?punycode?q?x?=", b"=?unicode_escape?q?x?=", b"=?utf-8?x?y?=", b"=?utf-8?q?a b?="):
            self.assertEqual(decode_text(text), text.decode())

    def test_no_injection(self) -> None:
        """An encoded line end adds no field, where the stock reader lets it through."""
        raw = b"=?utf-8?q?a=0D=0ABcc=3A_e=40x?="
        self.assertIn("\n", str(make_header(decode_header(raw.decode()))))
        self.assertEqual(decode_text(raw), "a Bcc: e@x")
        self.assertTrue(hides_control(raw))
        self.assertFalse(hides_control(b"a\r\n\tb"))

    @given(
        st.binary(max_size=60), st.sampled_from([b"q", b"b", b"Q"]), st.sampled_from([b"utf-8", b"utf-16", b"cp437"])
    )
    @settings(max_examples=100)
    def test_never_a_control_character(self, octets: bytes, kind: bytes, charset: bytes) -> None:
        """Whatever stands there, one line without control characters comes out."""
        for raw in (octets, b"=?" + charset + b"?" + kind + b"?" + octets.hex("=").encode() + b"?="):
            self.assertNotRegex(decode_text(raw), r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class WriteTests(SynchronousTestCase):
    """Writing."""

    def test_ascii(self) -> None:
        """ASCII stays readable and is folded at 78."""
        self.assertEqual(write_field("Subject", "hello there"), b"Subject: hello there\r\n")
        field = write_field("Subject", "word " * 60)
        self.assertTrue(all(len(line) <= 78 for line in field.split(b"\r\n")))
        self.assertEqual(read_headers(field).fields[0].value, b" ".join([b"word"] * 60))

    def test_long_word(self) -> None:
        """A word that no line can hold is encoded, and so is what would be taken for an encoded word."""
        for text in ("x" * 3000, "a =?utf-8?q?b?= c", "=?utf-8?b?YWJj?="):
            field = write_field("X-Text", text)
            self.assertLessEqual(max(map(len, field.split(b"\r\n"))), 78)
            self.assertEqual(decode_text(read_headers(field).fields[0].raw), text)

    def test_bad_name(self) -> None:
        """No name can smuggle in a field."""
        for name in ("", "a b", "a:", "a\r\nb", "ä"):
            with self.assertRaises(ValueError):
                write_field(name, "x")

    @given(st.text(max_size=200))
    @settings(max_examples=120)
    def test_one_field_that_reads_back(self, text: str) -> None:
        """Any text becomes exactly one ASCII field in short lines, and reads back but for white space and controls."""
        field = write_field("X-Text", text)
        block = read_headers(field + b"\r\nbody")
        self.assertEqual((len(block.fields), block.body), (1, b"body"))
        self.assertTrue(field.isascii())
        self.assertTrue(all(len(line) <= 998 for line in field.split(b"\r\n")))
        expected = " ".join(decode_text(text.encode("utf-8", "replace")).split()) if "=?" not in text else None
        if expected is not None and not any(ord(character) in range(0xD800, 0xE000) for character in text):
            self.assertEqual(decode_text(block.fields[0].raw), expected)
