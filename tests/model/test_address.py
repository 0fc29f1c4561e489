"""Tests of envelope addresses."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.address import AddressError, domain_of, literal_address, lookup_domain, parse_address


class ParseTests(SynchronousTestCase):
    """What is an address, and what is not."""

    def test_accepts(self) -> None:
        """Dot-strings, quoted local parts, literals and international names are addresses."""
        for text in (
            "a@example.com",
            "a.b+c@example.com",
            '"a b"@example.com',
            '"a\\"b@c"@example.com',
            "!#$%&'*+/=?^_`{|}~-@example.com",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "a@localhost",
            "jürgen@bücher.example",
            "a@_dmarc.example.com".replace("_dmarc", "x_y"),
        ):
            self.assertEqual(parse_address(text), text)

    def test_domain_is_lower_case(self) -> None:
        """The domain loses its case, the local part keeps it."""
        self.assertEqual(parse_address("Joe@EXAMPLE.com"), "Joe@example.com")

    def test_refuses(self) -> None:
        """What could carry a command, a second address or nothing is refused."""
        for text in (
            "",
            "a",
            "@example.com",
            "a@",
            "a@@example.com",
            "a b@example.com",
            "<a@example.com>",
            "a@example.com>\r\nRCPT TO:<c@d",
            "a@exam\x00ple.com",
            ".a@example.com",
            "a..b@example.com",
            "a@-example.com",
            "a@example..com",
            "a@[127.0.0]",
            "a@[IPv6:zz]",
            'a"b@example.com',
            "a\u2028@example.com",
            "a\u3000b@example.com",
            "a\u200bb@example.com",
            "a@evil.example\uff20example.com",
            "x" * 65 + "@example.com",
            "a@" + "b" * 64 + ".com",
            "a@" + "b." * 150 + "com",
        ):
            self.assertRaises(AddressError, parse_address, text)

    def test_ascii_only(self) -> None:
        """Without SMTPUTF8 an address is ASCII."""
        self.assertRaises(AddressError, parse_address, "ü@example.com", False)

    @given(st.text(max_size=40))
    def test_never_fails_otherwise(self, text: str) -> None:
        """Any text is an address without controls, or an AddressError."""
        try:
            address = parse_address(text)
        except AddressError:
            return
        self.assertNotRegex(address, r"[\x00-\x1f\x7f]")
        self.assertIn("@", address)


class DomainTests(SynchronousTestCase):
    """The form in which domains are looked up."""

    def test_domain_of(self) -> None:
        """The part after the last at sign, in lower case."""
        self.assertEqual(domain_of('"a@b"@Example.COM'), "example.com")
        self.assertEqual(domain_of("postmaster"), "")

    def test_lookup_domain(self) -> None:
        """International names become A-labels, a trailing dot goes, literals stay."""
        self.assertEqual(lookup_domain("Bücher.example."), "xn--bcher-kva.example")
        self.assertEqual(lookup_domain("[IPv6:2001:DB8::1]"), "[ipv6:2001:db8::1]")
        self.assertEqual(lookup_domain("faß.example"), "xn--fa-hia.example")
        self.assertRaises(AddressError, lookup_domain, ".")

    def test_literal(self) -> None:
        """A literal holds an address."""
        self.assertEqual(literal_address("[192.0.2.1]"), "192.0.2.1")
        self.assertEqual(literal_address("[IPv6:2001:db8:0::1]"), "2001:db8::1")
