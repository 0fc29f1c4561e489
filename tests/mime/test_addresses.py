"""Tests for L{smtpeter.mime.addresses}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.addresses import FromError, read_mailbox, sender_address, sender_domain
from smtpeter.mime.headers import read_headers


def domain_of_from(value: str | bytes) -> str:
    raw = value if isinstance(value, bytes) else value.encode()
    return sender_domain(read_headers(b"To: x@other.example\r\nFrom: " + raw + b"\r\n\r\n"))


ACCEPTED = {
    "a@b.example": "b.example",
    "A@B.Example": "b.example",
    "<a@b.example>": "b.example",
    "Joe Doe <a@b.example>": "b.example",
    "Joe D. Doe <a@b.example>": "b.example",
    '"Doe, Joe" <a@b.example>': "b.example",
    '"evil@evil.example" <a@b.example>': "b.example",
    '"evil <evil@evil.example>" <a@b.example>': "b.example",
    '"quote \\" inside" <a@b.example>': "b.example",
    '"one" two "three" <a@b.example>': "b.example",
    "a@b.example (Joe Doe)": "b.example",
    "(one (two) \\) three) a@b.example": "b.example",
    "Joe (at work) <a@b.example> (really)": "b.example",
    "Joe\r\n\t<a@b.example>": "b.example",
    "Joe <\r\n a@b.example >": "b.example",
    "=?utf-8?q?evil=40evil.example?= <a@b.example>": "b.example",
    "=?utf-8?b?PGV2aWxAZXZpbC5leGFtcGxlPg==?= <a@b.example>": "b.example",
    '"evil@evil.example"@b.example': "b.example",
    '"a b"@b.example': "b.example",
    "a@[192.0.2.1]": "[192.0.2.1]",
    "Joe <a@[IPv6:2001:db8::1]>": "[ipv6:2001:db8::1]",
    "Jürgen <a@bücher.example>": "xn--bcher-kva.example",
    "Jürgen <jü@BÜCHER.example>": "xn--bcher-kva.example",
    "a@XN--BCHER-KVA.example": "xn--bcher-kva.example",
    "a+tag=x@b.example": "b.example",
}

REFUSED = {
    "": "no address",
    "Joe": "no address",
    "<>": "no address",
    "a@": "cannot be read",
    "@b.example": "nothing before",
    "a@b.example, c@d.example": "more than one",
    "a@b.example,": "more than one",
    "Doe, Joe <a@b.example>": "more than one",
    "<a@b.example> <c@d.example>": "more than one",
    "evil@evil.example <a@b.example>": "must stand in quotes",
    "[x] <a@b.example>": "must stand in quotes",
    "<a@b.example> evil@evil.example": "behind the address",
    "<a@b.example": "not closed",
    "a@b.example>": "cannot be read",
    '"Joe <a@b.example>': "must stand in quotes",
    "(Joe a@b.example": "no end",
    "Joe) <a@b.example>": "must stand in quotes",
    "a@b.example (<evil@evil.example>)": "angle bracket",
    "Group: a@b.example;": "group",
    "Group:;": "group",
    "Group: a@b.example, c@d.example;": "group",
    "<@x.example:a@b.example>": "route",
    "<@x.example,@y.example:a@b.example>": "more than one",
    "a @ b.example": "white space",
    "a@b . example": "white space",
    "evil@evil.example .b.example": "white space",
    "a (x) @b.example": "white space",
    "Joe a@b.example": "white space",
    "a@b@c.example": "cannot be read",
    "a@b.example.": "cannot be read",
    "a..b@b.example": "cannot be read",
    "a@-b.example": "cannot be read",
    "a@[nonsense]": "cannot be read",
    "=?utf-8?q?a=40b.example?=": "no address",
    "=?utf-8?q?a@b.example?=": "cannot be read",
    "=?utf-8?q?evil=40evil.example=3E?=@b.example": "encoded word",
    "=?utf-8?q?evil=40evil.example=00?=@b.example": "control character",
    "=?utf-8?b?YQBi?= <a@b.example>": "control character",
    "a\x00@b.example": "control character",
    "Joe\x1b <a@b.example>": "control character",
    "Joe\x85 <a@b.example>": "control character",
    "a@\u202eevil.example": "invisible",
    "a@ev\u00adil.example": "invisible",
    "evil\uff20evil.example@b.example": "cannot be read",
    "evil\uff1c@b.example": "looks like punctuation",
    "\uff1aevil\uff1b@b.example": "looks like punctuation",
    "a@fa\u00df.example": "international domain",
    "a@b\u3002example": "international domain",
    "a@\uff42.example": "international domain",
    "x" * 3000 + " <a@b.example>": "longer than",
}


class SenderDomainTests(SynchronousTestCase):
    """Whose domain From shows."""

    def test_accepted(self) -> None:
        """Every regular way of writing one mailbox is read."""
        for value, domain in ACCEPTED.items():
            self.assertEqual(domain_of_from(value), domain, value)

    def test_refused(self) -> None:
        """What is not one mailbox, or could be read in two ways, is refused with the reason."""
        for value, reason in REFUSED.items():
            with self.assertRaises(FromError, msg=value) as caught:
                domain_of_from(value)
            self.assertIn(reason, str(caught.exception), value)

    @given(
        st.lists(
            st.sampled_from(
                ["Joe", "Ann B", '"Doe, Joe"', " ", "  ", "<", ">", "a", "a.b+c", "@", "b-c", "B.example", "."]
            )
            | st.sampled_from(["x" * 64, "-", "=?", '"', ",", "(c)", ".com", "1", ":", "_"]),
            max_size=9,
        )
    )
    @settings(max_examples=300)
    def test_short_way(self, pieces: list[str]) -> None:
        """Plain values are read in a shorter way, to the same address or the same refusal."""
        for value in ("".join(pieces), "".join([*pieces, "<a@b.example>"]), "".join([*pieces, "a@b.example"])):
            headers = read_headers(b"From: " + value.encode() + b"\r\n\r\n")
            try:
                expected = read_mailbox(value.strip().encode())
            except FromError as problem:
                with self.assertRaises(FromError, msg=value) as caught:
                    sender_address(headers)
                self.assertEqual(str(caught.exception), str(problem))
            else:
                self.assertEqual(sender_address(headers), expected, value)

    def test_sharp_s(self) -> None:
        """A domain that older rules map to another one is refused, where the stock codec reads that other one."""
        self.assertEqual("faß.example".encode("idna"), b"fass.example")
        with self.assertRaises(FromError):
            domain_of_from("a@faß.example")

    def test_other_character_sets(self) -> None:
        """A name in Latin-1 does no harm; a backslash in it, or an address in it, does."""
        self.assertEqual(domain_of_from("Jürgen <a@b.example>".encode("latin-1")), "b.example")
        self.assertEqual(domain_of_from("“Jürgen” <a@b.example>".encode("cp1252")), "b.example")
        shift_jis = b'"\x83\\" <evil@evil.example>" <a@b.example>'
        self.assertIn('" <evil@evil.example>', shift_jis.decode("shift_jis"))
        with self.assertRaises(FromError):
            domain_of_from(shift_jis)
        for raw in (b'"\x83\\" <evil@evil.example>, "\x83\\" <a@b.example>', b"j\xfc@b.example", b"<a@b\xfc.example>"):
            with self.assertRaises(FromError):
                domain_of_from(raw)

    def test_address(self) -> None:
        """The address itself keeps its local part."""
        self.assertEqual(sender_address(read_headers(b"From: X <Joe.Doe@B.example>\r\n\r\n")), "Joe.Doe@b.example")


class FieldTests(SynchronousTestCase):
    """How many From fields there are, however they are written."""

    def test_spellings(self) -> None:
        """The name of the field may be of any case, with white space before the colon or none behind it."""
        for start in (b"From: ", b"FROM:", b"from :", b"fRoM\t: ", b"From:\r\n "):
            self.assertEqual(sender_domain(read_headers(start + b"a@b.example\r\n\r\n")), "b.example")

    def test_none(self) -> None:
        """Without From, or with one that no program reads as a field, there is none."""
        for content in (
            b"",
            b"To: a@b.example\r\n\r\n",
            b"\r\nFrom: a@b.example\r\n\r\n",
            b"x\r\nFrom: a@b.example\r\n",
        ):
            with self.assertRaises(FromError) as caught:
                sender_domain(read_headers(content))
            self.assertIn("has no From", str(caught.exception))

    def test_two(self) -> None:
        """Two are refused, also when they are equal, spelt differently, or far apart."""
        for second in (b"From: a@b.example", b"FROM : evil@evil.example", b"from:", b" \r\nFrom: evil@evil.example"):
            with self.assertRaises(FromError) as caught:
                sender_domain(read_headers(b"From: a@b.example\r\nX: y\r\n" + second + b"\r\n\r\n"))
            self.assertIn("2 From fields", str(caught.exception))

    def test_hidden_behind_garbage(self) -> None:
        """A second From behind a line that is no field becomes body, for everyone after us as well."""
        block = read_headers(b"From: a@b.example\r\ngarbage\r\nFrom: evil@evil.example\r\n\r\nbody")
        self.assertEqual(sender_domain(block), "b.example")
        passed_on = read_headers(block.rewritten() + block.body)
        self.assertEqual(len(passed_on.named("From")), 1)
        self.assertTrue(block.rewritten().endswith(b"\r\n\r\n"))

    @given(
        st.lists(
            st.sampled_from(
                [
                    "evil@evil.example",
                    "<",
                    ">",
                    '"',
                    "(",
                    ")",
                    ",",
                    ":",
                    ";",
                    " ",
                    "\\",
                    "a@b.example",
                    "x",
                    "\r\n ",
                    "@",
                ]
            ),
            max_size=9,
        )
    )
    @settings(max_examples=300)
    def test_only_what_brackets_show(self, pieces: list[str]) -> None:
        """Of any mixture either nothing is read, or the one address outside of quotes and comments."""
        text = "".join(pieces)
        try:
            domain = domain_of_from(text)
        except FromError:
            return
        plain = text.replace("\r\n", "")
        bracketed = plain[plain.rindex("<") + 1 : plain.rindex(">")] if plain.rstrip().endswith(">") else plain
        self.assertIn(f"@{domain}", bracketed)

    @given(st.binary(max_size=60))
    @settings(max_examples=150)
    def test_any_octets(self, raw: bytes) -> None:
        """Nothing raises but the refusal."""
        try:
            domain_of_from(raw)
        except FromError as error:
            self.assertTrue(str(error))
