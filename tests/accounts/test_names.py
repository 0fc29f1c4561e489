"""Names of accounts, logins and domains."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.accounts.names import MAX_NAME, check_domain, check_name
from smtpeter.accounts.refusals import WrongName


class NameTests(SynchronousTestCase):
    """Names of accounts and logins."""

    def test_good(self) -> None:
        """Any visible characters with single spaces; the same text in another normal form is the same name."""
        for name in ("default", "Müller & Söhne", "a", "ü" * MAX_NAME, "日本", "web-1.example/x"):
            self.assertEqual(check_name(name), name)
        self.assertEqual(check_name("u\u0308"), "ü")

    def test_wrong(self) -> None:
        """Nothing empty, too long, invisible or hard to type again."""
        for name in ("", " ", " a", "a ", "a  b", "a\tb", "a\nb", "a\x00", "\x1b[2J", "a\u202eb", "a\u00a0b", "x" * 65):
            self.assertRaises(WrongName, check_name, name)

    @settings(max_examples=60)
    @given(st.text(max_size=70))
    def test_stable(self, text: str) -> None:
        """What is accepted once is accepted as it is."""
        try:
            name = check_name(text)
        except WrongName:
            return
        self.assertEqual(check_name(name), name)


class DomainTests(SynchronousTestCase):
    """Names of sender domains."""

    def test_good(self) -> None:
        """They become A-labels in lower case without a dot at the end; what people type around them goes."""
        for typed, name in (
            ("Example.COM", "example.com"),
            ("@example.com", "example.com"),
            (" example.com. ", "example.com"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("a.b.c.example", "a.b.c.example"),
        ):
            self.assertEqual(check_domain(typed), name)

    def test_wrong(self) -> None:
        """Nothing without a dot, no address, no URL, no mailbox, no empty or long label."""
        for name in (
            "",
            "example",
            "a..b",
            "192.0.2.1",
            "[192.0.2.1]",
            "[IPv6:::1]",
            "http://a.example",
            "a@b.example",
            "*.example.com",
            "_dmarc.example.com",
            "-a.example",
            "a b.example",
            "a\n.example",
            f"{'a' * 64}.example",
            ".".join(["a" * 60] * 5),
        ):
            self.assertRaises(WrongName, check_domain, name)
