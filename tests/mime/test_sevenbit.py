"""Tests for L{smtpeter.mime.sevenbit}."""

from email import message_from_bytes, policy

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.sevenbit import reencode_long_lines, to_seven_bit
from smtpeter.mime.wire import has_long_line


def lines(*texts: str) -> bytes:
    return "\r\n".join(texts).encode()


def payloads(content: bytes) -> list[bytes]:
    """What the stock package decodes all leaves to."""
    message = message_from_bytes(content, policy=policy.default)
    return [bytes(part.get_payload(decode=True)) for part in message.walk() if not part.is_multipart()]


MIXED = lines(
    "Subject: x",
    "MIME-Version: 1.0",
    "Content-Type: multipart/mixed; boundary=b",
    "Content-Transfer-Encoding: 8bit",
    "",
    "vorüber",
    "--b",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "X-Odd:  folded",
    "\tfield",
    "",
    "Grüße = \t",
    ".",
    "--b",
    "Content-Type: text/plain",
    "",
    "plain = text ",
    "--b",
    "Content-Type: application/x-thing",
    "content-transfer-encoding: BINARY",
    "",
    "ä",
    "--b",
    "Content-Type: message/rfc822",
    "Content-Transfer-Encoding: 8bit",
    "",
    "Subject: inner",
    "Content-Type: text/html",
    "",
    "<p>ö</p>",
    "--b--",
    "",
)


class SevenBitTests(SynchronousTestCase):
    """For hops without 8BITMIME."""

    def test_mixed(self) -> None:
        """Every eight-bit leaf is re-encoded, attached messages included; it decodes to the same octets."""
        seven = to_seven_bit(MIXED)
        self.assertTrue(seven.isascii())
        self.assertEqual(payloads(seven), payloads(MIXED))
        self.assertEqual(seven.count(b"Content-Transfer-Encoding: quoted-printable\r\n"), 2)
        self.assertEqual(seven.count(b"Content-Transfer-Encoding: base64\r\n"), 1)
        self.assertEqual(seven.count(b"Content-Transfer-Encoding: 7bit\r\n"), 2)
        self.assertNotIn(b"8bit", seven.lower())
        self.assertIn(b"vor??ber", seven)

    def test_other_bytes_survive(self) -> None:
        """Parts that are seven-bit and fields that say nothing of the encoding keep their bytes."""
        seven = to_seven_bit(MIXED)
        self.assertIn(b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain = text \r\n--b\r\n", seven)
        self.assertIn(b"X-Odd:  folded\r\n\tfield\r\n", seven)

    def test_signed_stays(self) -> None:
        """A signed part keeps its bytes, since its signature is worth more than the rule; all around it changes."""
        signed = lines(
            "Content-Type: multipart/signed; boundary=s", "", "--s", "Content-Transfer-Encoding: 8bit", "", "ä"
        )
        text = lines("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", "ö")
        head = lines("Content-Type: multipart/mixed; boundary=b", "Content-Transfer-Encoding: 8bit", "", "--b", "")
        content = head + signed + b"\r\n--s--\r\n\r\n--b\r\n" + text + b"\r\n--b--\r\n"
        seven = to_seven_bit(content)
        self.assertTrue(seven.startswith(head + signed))
        self.assertIn(b"quoted-printable\r\n\r\n=C3=B6\r\n--b--", seven)
        self.assertEqual(to_seven_bit(signed + b"\r\n--s--\r\n"), signed + b"\r\n--s--\r\n")

    def test_nothing_to_do(self) -> None:
        """An ASCII message is the very object."""
        content = b"Content-Transfer-Encoding: 8bit\r\n\r\nx"
        self.assertIs(to_seven_bit(content), content)

    def test_without_mime(self) -> None:
        """A bare text gets the fields that make its encoding be understood."""
        for body, charset in (("Grüße".encode(), b"utf-8"), ("Grüße".encode("latin-1"), b"unknown-8bit")):
            seven = to_seven_bit(b"Subject: x\r\n\r\n" + body)
            self.assertIn(b"MIME-Version: 1.0\r\n", seven)
            self.assertIn(b"charset=" + charset, seven)
            self.assertEqual(payloads(seven), [body])
            # Trace fields stay the first (RFC 5321, 4.4).
            self.assertTrue(seven.startswith(b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type:"))

    def test_without_an_empty_line(self) -> None:
        """Fields that no empty line ends, or none at all, get one."""
        for content in ("Subject: x\r\nüber", "über", "\r\nüber"):
            seven = to_seven_bit(content.encode())
            self.assertTrue(seven.isascii())
            self.assertEqual(payloads(seven), ["über".encode()])
            self.assertTrue(seven.endswith(b"\r\n\r\n=C3=BCber"), seven)
        part = lines("Content-Type: multipart/mixed; boundary=b", "", "--b", "X-Some: field", "über", "--b--", "")
        self.assertTrue(to_seven_bit(part).endswith(b"quoted-printable\r\n\r\n=C3=BCber\r\n--b--\r\n"))

    def test_every_part(self) -> None:
        """Every part that has octets over 127 is re-encoded, whatever its type."""
        for kind in ("alternative", "related", "mixed"):
            content = lines(
                "MIME-Version: 1.0", f"Content-Type: multipart/{kind}; boundary=b", "", "--b",
                "Content-Type: text/plain; charset=utf-8", "", "Grüße", "--b",
                "Content-Type: x/y", "", "ü", "--b--", "",
            )  # fmt: skip
            seven = to_seven_bit(content)
            self.assertTrue(seven.isascii())
            self.assertEqual(payloads(seven), ["Grüße".encode(), "ü".encode()])

    def test_boundary(self) -> None:
        """Delimiter lines stay what the header says, octets over 127 in them as well."""
        content = lines("Content-Type: multipart/mixed; boundary=bü", "", "ä", "--bü", "", "ö", "--bü--", "ä")
        seven = to_seven_bit(content)
        self.assertEqual(seven.count("\r\n--bü".encode()), 2)
        self.assertIn(b"\r\n=C3=B6\r\n--b", seven)

    def test_headers_stay(self) -> None:
        """Octets over 127 in fields need SMTPUTF8 and are left."""
        content = lines("Subject: Grüße", "", "x")
        self.assertEqual(to_seven_bit(content), content)

    def test_wrong_claims(self) -> None:
        """Octets over 127 in what claims to be quoted-printable or base64 go, and the rest stays."""
        head = "Content-Transfer-Encoding: "
        self.assertTrue(to_seven_bit(lines(head + "quoted-printable", "", "a=41ü")).endswith(b"\r\n\r\na=41=C3=BC"))
        self.assertTrue(to_seven_bit(lines(head + "base64", "", "QUJDü", "")).endswith(b"\r\n\r\nQUJD\r\n"))

    def test_cannot(self) -> None:
        """A multipart that cannot be divided is left."""
        content = lines("Content-Type: multipart/mixed", "", "ü")
        self.assertEqual(to_seven_bit(content), content)

    @given(st.text(st.sampled_from("aü =\t.\r\n-"), max_size=60), st.sampled_from(["7bit", "8bit", "binary", ""]))
    @settings(max_examples=100)
    def test_any_text(self, text: str, encoding: str) -> None:
        """Whatever the text, it is ASCII afterwards and decodes to what it was."""
        body = "\r\n".join(text.split()).encode()
        fields = b"Content-Transfer-Encoding: %s\r\n" % encoding.encode() if encoding else b""
        content = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" + fields + b"\r\n" + body
        seven = to_seven_bit(content)
        self.assertTrue(seven.isascii())
        self.assertEqual(payloads(seven), [body])


class LongLineTests(SynchronousTestCase):
    """Lines over 998 octets."""

    def test_text_and_other(self) -> None:
        """Texts become quoted-printable and other things base64; both decode to the same octets."""
        for kind, encoding in (("text/html", b"quoted-printable"), ("application/x-thing", b"base64")):
            content = lines("MIME-Version: 1.0", f"Content-Type: {kind}", "", "a=" * 3000, "b")
            short = reencode_long_lines(content)
            self.assertFalse(has_long_line(short))
            self.assertIn(b"Content-Transfer-Encoding: " + encoding + b"\r\n", short)
            self.assertEqual(payloads(short), payloads(content))

    def test_encoded_in_one_line(self) -> None:
        """Base64 and quoted-printable in one long line are wrapped, and their fields stay."""
        head = lines("MIME-Version: 1.0", "Content-Type: application/x-thing", "Content-Transfer-Encoding: ")
        for encoding, body in ((b"base64", b"QUJD" * 1000 + b"\r\n"), (b"quoted-printable", b"=41=42 x" * 400)):
            content = head + encoding + b"\r\n\r\n" + body
            short = reencode_long_lines(content)
            self.assertFalse(has_long_line(short))
            self.assertTrue(short.startswith(head + encoding + b"\r\n\r\n"))
            self.assertEqual(payloads(short), payloads(content))

    def test_header_lines(self) -> None:
        """A long header line is folded in front of white space, which leaves its value as it was."""
        content = lines("References: " + "<abc@example.com> " * 200 + "x", "Subject: y", "", "body")
        short = reencode_long_lines(content)
        self.assertFalse(has_long_line(short))
        self.assertEqual(short.replace(b"\r\n <", b" <"), content)
        self.assertNotIn(b"\r\n\r\n", short[: short.index(b"Subject")])

    def test_header_without_white_space(self) -> None:
        """A header line without white space is folded or encoded as its field allows, in attached messages too."""
        content = lines("X-A: " + "x" * 1200, "To: " + "a@example.com," * 100 + "b@c", "", "body")
        attached = lines("Content-Type: message/rfc822", "", content.decode())
        for each in (content, attached):
            short = reencode_long_lines(each)
            self.assertFalse(has_long_line(short))
            self.assertEqual(short.count(b"a@example.com"), 100)
            self.assertTrue(short.endswith(b"b@c\r\n\r\nbody"))

    def test_encoding_field(self) -> None:
        """The field that names an encoding is never folded, since it may be replaced."""
        content = lines("Content-Transfer-Encoding: 8bit " + "(x) " * 400, "", "x" * 2000)
        short = reencode_long_lines(content)
        self.assertEqual(short.count(b"Content-Transfer-Encoding"), 1)
        self.assertFalse(has_long_line(short))

    def test_white_space_in_header(self) -> None:
        """A run of white space that is longer than a line is not made a line of its own; it may become shorter."""
        for value in ("x " + " " * 3000 + "y", "x" + " \t" * 1500 + "y " * 800, "x " * 600 + " " * 3000 + "y"):
            content = lines("X-A: " + value, "", "body")
            short = reencode_long_lines(content)
            self.assertFalse([line for line in short.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.strip()])
            self.assertEqual(short.split(), content.split())

    def test_long_encoding_field(self) -> None:
        """The field that says the encoding is replaced, not folded as well, however long it is."""
        content = lines("Content-Transfer-Encoding: 8bit" + " (x)" * 400, "", "y" * 2000)
        short = reencode_long_lines(content)
        self.assertIn(b"Content-Transfer-Encoding: quoted-printable\r\n", short)
        self.assertFalse(has_long_line(short))

    def test_signed_stays(self) -> None:
        """A signed part keeps its long lines."""
        content = lines("Content-Type: multipart/signed; boundary=b", "", "--b", "", "x" * 2000, "--b--", "")
        self.assertEqual(reencode_long_lines(content), content)

    def test_preamble(self) -> None:
        """A long line in front of the parts is broken."""
        content = lines("Content-Type: multipart/mixed; boundary=b", "", "x" * 2000, "--b", "", "y", "--b--", "")
        short = reencode_long_lines(content)
        self.assertFalse(has_long_line(short))
        self.assertIn(b"\r\n\r\n" + b"x" * 998 + b"\r\n" + b"x" * 998 + b"\r\nxxxx\r\n--b\r\n", short)
        self.assertTrue(short.endswith(b"\r\n--b\r\n\r\ny\r\n--b--\r\n"))

    def test_nothing_to_do(self) -> None:
        """With short lines it is the very object."""
        self.assertIs(reencode_long_lines(MIXED), MIXED)
