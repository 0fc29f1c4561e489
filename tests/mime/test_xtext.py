"""Tests for L{smtpeter.mime.xtext}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.xtext import decode_orcpt, decode_xtext, encode_orcpt, encode_xtext

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cc", "Cs", "Zl", "Zp"]))


class XtextTests(SynchronousTestCase):
    """RFC 3461, 4."""

    def test_examples(self) -> None:
        """Plus, equals and white space are written in hexadecimal, all else stays."""
        self.assertEqual(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d")
        self.assertEqual(decode_xtext("a+2Bb+3Dc+20d"), "a+b=c d")
        self.assertEqual(encode_xtext("QQ314159"), "QQ314159")

    @given(PRINTABLE)
    @settings(max_examples=60)
    def test_round_trip(self, text: str) -> None:
        """What is written is ASCII without white space and reads back equal."""
        encoded = encode_xtext(text)
        self.assertRegex(encoded, r"\A[!-~]*\Z")
        self.assertNotIn("=", encoded)
        self.assertEqual(decode_xtext(encoded), text)

    def test_refused(self) -> None:
        """Broken escapes, raw specials and hidden control characters are no xtext."""
        for text in ("a b", "a=b", "+", "+4", "+G0", "ü", "+0D+0A", "+00", "+FF", "a\r\n", "+7F"):
            with self.assertRaises(ValueError, msg=text):
                decode_xtext(text)


class OriginalRecipientTests(SynchronousTestCase):
    """The value of ORCPT (RFC 3461, 4.2; RFC 6533, 3)."""

    def test_ascii(self) -> None:
        """The address type stays and the address is xtext."""
        self.assertEqual(decode_orcpt("rfc822;joe+2Btag@example.com"), "rfc822;joe+tag@example.com")
        self.assertEqual(encode_orcpt("rfc822;joe+tag@example.com"), "rfc822;joe+2Btag@example.com")

    def test_international(self) -> None:
        """Without SMTPUTF8 a character beyond ASCII is written by its number; with it, as it is."""
        self.assertEqual(encode_orcpt("rfc822;jü@example.com"), r"utf-8;j\x{FC}@example.com")
        self.assertEqual(encode_orcpt("utf-8;jü@example.com", allow_utf8=True), "utf-8;jü@example.com")
        self.assertEqual(decode_orcpt(r"utf-8;j\x{FC}@example.com"), "utf-8;jü@example.com")
        self.assertEqual(decode_orcpt("utf-8;jü@example.com"), "utf-8;jü@example.com")
        self.assertEqual(decode_orcpt("utf-8;a+2Bb@example.com"), "utf-8;a+b@example.com")

    @given(PRINTABLE.filter(bool), st.booleans())
    @settings(max_examples=60)
    def test_round_trip(self, address: str, allow_utf8: bool) -> None:
        """Every address reads back equal, and is one word on the wire."""
        encoded = encode_orcpt(f"utf-8;{address}", allow_utf8)
        self.assertNotIn(" ", encoded)
        self.assertEqual(decode_orcpt(encoded), f"utf-8;{address}")

    def test_refused(self) -> None:
        """Without type or address, with a bad type, a surrogate or a control character it is refused."""
        values = ("joe@example.com", "rfc822;", ";x", "-;x", "a b;c", r"utf-8;\x{D800}", r"utf-8;\x{0A}", "rfc822;ü")
        for value in (*values, r"utf-8;\x{110000}", r"utf-8;a\x"):
            with self.assertRaises(ValueError, msg=value):
                decode_orcpt(value)
