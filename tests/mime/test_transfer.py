"""Tests for L{smtpeter.mime.transfer}."""

import quopri
from base64 import b64decode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime import transfer
from smtpeter.mime.transfer import decode_body, encode_base64, encode_quoted_printable, escape_octets

TEXT = st.lists(st.sampled_from([b"a" * 75, b" ", b"\t", b"=", b"\r\n", b".", b"\xff", b"\x00", b"x"]), max_size=20)


class TransferTests(SynchronousTestCase):
    """RFC 2045, 6."""

    @given(st.one_of(TEXT.map(b"".join), st.binary(max_size=200)))
    @settings(max_examples=150)
    def test_quoted_printable(self, body: bytes) -> None:
        """Any octets come back, from CRLF lines of ASCII of at most 76, with no white space at their ends."""
        encoded = encode_quoted_printable(body)
        self.assertEqual(quopri.decodestring(encoded), body)
        self.assertEqual(decode_body(encoded, "quoted-printable"), body)
        self.assertTrue(encoded.isascii())
        self.assertNotIn(b"\n", encoded.replace(b"\r\n", b""))
        for line in encoded.split(b"\r\n"):
            self.assertLessEqual(len(line), 76)
            self.assertFalse(line.endswith((b" ", b"\t")))

    @given(st.one_of(TEXT.map(b"".join), st.binary(max_size=200)), st.integers(1, 200))
    @settings(max_examples=150, deadline=None)
    def test_pieces(self, body: bytes, size: int) -> None:
        """A large body is encoded piece by piece, with lines as short and as whole as otherwise."""
        self.patch(transfer, "_PIECE", size)
        encoded = encode_quoted_printable(body)
        self.assertEqual(quopri.decodestring(encoded), body)
        self.assertNotIn(b"\n", encoded.replace(b"\r\n", b""))
        for line in encoded.split(b"\r\n"):
            self.assertLessEqual(len(line), 76)
            self.assertFalse(line.endswith((b" ", b"\t")))

    def test_cut_lines(self) -> None:
        """Where a piece ends inside a line, the line has room for the C{=} that says so, wherever that is."""
        for size in range(70, 160):
            self.patch(transfer, "_PIECE", size)
            encoded = encode_quoted_printable(b"a" * 300)
            self.assertEqual(quopri.decodestring(encoded), b"a" * 300)
            self.assertLessEqual(max(map(len, encoded.split(b"\r\n"))), 76)

    @given(st.binary(max_size=300))
    @settings(max_examples=50)
    def test_base64(self, body: bytes) -> None:
        """Any octets come back from lines of at most 76."""
        encoded = encode_base64(body)
        self.assertEqual(b64decode(encoded), body)
        self.assertTrue(all(len(line) <= 76 for line in encoded.split(b"\r\n")))
        self.assertEqual(decode_body(encoded, "base64"), body)

    def test_decode(self) -> None:
        """An encoding that is not known leaves the body; broken base64 is an error."""
        self.assertEqual(decode_body(b"=41", "8bit"), b"=41")
        with self.assertRaises(ValueError):
            decode_body(b"A", "base64")

    def test_escape(self) -> None:
        """Octets over 127 in quoted-printable become escapes."""
        self.assertEqual(escape_octets(b"a=41\xfc\r\n"), b"a=41=FC\r\n")
