"""Tests for L{smtpeter.mime.folding}."""

from email import message_from_bytes, policy
from email.utils import getaddresses

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.folding import shortened
from smtpeter.mime.headers import read_headers
from smtpeter.mime.wire import has_long_line
from smtpeter.mime.words import decode_text

ADDRESSES = [f'"Doe,J;<{number}>"<user{number}@example.com>' for number in range(60)]


class ShortenedTests(SynchronousTestCase):
    """L{shortened}."""

    def short(self, field: bytes) -> bytes:
        """The field after it, which is one field with short lines."""
        (before,) = read_headers(field).fields
        after = shortened(before.name, field)
        (only,) = read_headers(after).fields
        self.assertEqual((only.name, only.end), (before.name, len(after)))
        self.assertFalse(has_long_line(after), after)
        self.assertTrue(all(line.strip() for line in after.split(b"\r\n")[:-1]), after)
        return after

    def test_white_space(self) -> None:
        """With white space it is folded in front of that, and no value changes."""
        for name in (b"X-A", b"To", b"References"):
            field = name + b": " + b"<abc,d@example.com>;\t " * 200 + b"x\r\n"
            self.assertEqual(self.short(field).replace(b"\r\n", b""), field.replace(b"\r\n", b""))

    def test_addresses(self) -> None:
        """Addresses without a space between them are folded behind commas, never inside of quotes or brackets."""
        after = self.short(b"To: " + ",".join(ADDRESSES).encode() + b"\r\n")
        self.assertEqual(getaddresses([after[3:].decode()]), getaddresses([", ".join(ADDRESSES)]))
        self.assertLess(after.count(b"\r\n "), 4)
        self.assertTrue(all(line.endswith(b",") for line in after.split(b"\r\n")[:-2]), after)
        self.assertEqual(after.replace(b"\r\n ", b"").rstrip(), b"To: " + ",".join(ADDRESSES).encode())

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.integers(1, 990), max_size=20))
    def test_lengths(self, lengths: list[int]) -> None:
        """Whatever the lengths of the items, as long as each fits a line, all lines fit."""
        items = [b"x" * length for length in lengths]
        self.assertEqual(
            b"".join(self.short(b"To:x," + b",".join(items) + b"\r\n").split()), b"To:x," + b",".join(items)
        )

    def test_longest_piece(self) -> None:
        """A piece that gets a space in front has 998 octets with it."""
        for length in (995, 996, 997, 998):
            field = b"To: x," + b"y" * 900 + b"," + b"z" * (length - 1) + b",w\r\n"
            self.assertEqual(has_long_line(shortened("To", field)), length == 998)

        pieces = (b"To: " + b"x" * 990, b"y" * 499, b"z" * 497, b"w" * 500 + b"\r\n")
        self.assertFalse(has_long_line(shortened("To", b",".join(pieces))))

    def test_ids(self) -> None:
        """Message ids that touch are folded apart."""
        after = self.short(b"References:" + b"<a;b,c@example.com>" * 100 + b"\r\n")
        self.assertEqual(after.count(b"<a;b,c@example.com>"), 100)

    def test_parameters(self) -> None:
        """Parameters are folded behind their semicolons, and read as before."""
        value = "text/plain;" + ";".join(f'name*{number}="a;b{number}"' for number in range(120))
        after = self.short(b"Content-Type: " + value.encode() + b"\r\n")
        names = [
            message_from_bytes(each + b"\r\n", policy=policy.compat32).get_filename()
            for each in (b"Content-Type: " + value.replace(";name", "; name").encode() + b"\r\n", after)
        ]
        self.assertEqual(names[0], names[1])

    def test_text(self) -> None:
        """Text without white space is written in encoded words, which say the same."""
        for text in ("x" * 1200, "日本語" * 300, "ü" * 600, "x" * 1100 + " " + "y" * 1100):
            for name in (b"Subject", b"X-Anything", b"Comments"):
                after = self.short(name + b": " + text.encode() + b"\r\n")
                self.assertTrue(after.isascii())
                self.assertEqual(decode_text(after.partition(b":")[2]), text)

    def test_left(self) -> None:
        """What has a grammar and no place to fold is left: an encoded word would be no part of it."""
        for field in (
            b"List-Unsubscribe: <https://example.com/" + b"x,y;" * 300 + b">\r\n",
            b"DKIM-Signature: b=" + b"x" * 1200 + b"\r\n",
            b'To: "' + b"x," * 600 + b'" <a@example.com>\r\n',
            b"From: " + b"x" * 1200 + b"@example.com,\r\n",
        ):
            (only,) = read_headers(field).fields
            self.assertEqual(shortened(only.name, field).replace(b"\r\n ", b" "), field)

    def test_much_white_space(self) -> None:
        """No line of white space alone comes of much white space, which stays."""
        for value in (b"y" * 990 + b" " * 500, b"a," * 496 + b" " * 500, b"a," * 300 + b"y" * 390 + b"," + b"\t" * 500):
            after = shortened("To", b"To: " + value + b"\r\n")
            self.assertTrue(all(line.strip() for line in after.split(b"\r\n")[:-1]), after)
            self.assertTrue(after.endswith(value[-500:] + b"\r\n"))
        continued = b"To: a\r\n" + b" " * 1200 + b"b,c\r\n"
        self.assertEqual(shortened("To", continued), continued)

    def test_short(self) -> None:
        """Lines of 998 octets are not too long."""
        for field in (b"To: " + b"a," * 497 + b"\r\n", b"X: " + b"y" * 995 + b"\r\n " + b"z" * 997 + b"\r\n"):
            (only,) = read_headers(field).fields
            self.assertEqual(shortened(only.name, field), field)

    def test_hostile(self) -> None:
        """What is opened again and again is looked at once: 256 KiB of it take no time."""
        for piece in (b'"', b"<", b'"<', b"\\", b'"\\', b",", b"<,", b">,<", b" ", b"\t \t", b"\r\n "):
            shortened("To", b"To: " + piece * (262144 // len(piece)) + b"\r\n")
            shortened("X", b"X: " + piece * (262144 // len(piece)) + b"\r\n")

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(st.sampled_from(["a" * 300, ",", ";", " ", '"', "<", ">", "\\", "b", "ü" * 200, "\r\n "])),
        st.sampled_from(["To", "X"]),
    )
    def test_any(self, pieces: list[str], name: str) -> None:
        """Whatever stands there, one field of that name comes out, and nothing but white space is added to a list."""
        field = f"{name}: {''.join(pieces)}\r\n".encode()
        if len(read_headers(field).fields) != 1:
            return
        after = shortened(name, field)
        (only,) = read_headers(after).fields
        self.assertEqual((only.name, only.end), (name, len(after)))
        if name == "To":
            self.assertEqual(b"".join(after.split()), b"".join(field.split()))
