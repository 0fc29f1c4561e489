"""Tests of which requests count as encrypted, and of who asks."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.web.proxies import Transport, proxies


class TransportTests(SynchronousTestCase):
    """Plain HTTP, TLS, proxies."""

    def test_encrypted(self) -> None:
        """TLS is, and nothing else without a proxy."""
        strict = Transport(allow_insecure=False, proxies=proxies(()))
        self.assertTrue(strict.is_fit(True, "192.0.2.1", ""))
        self.assertFalse(strict.is_fit(False, "127.0.0.1", "https"))
        self.assertTrue(Transport(allow_insecure=True, proxies=proxies(())).is_fit(False, "192.0.2.1", ""))

    def test_proxies(self) -> None:
        """The word of a trusted proxy is taken, that of others is not; the last of its words counts."""
        behind = Transport(allow_insecure=False, proxies=proxies(("127.0.0.1", "2001:db8::/32")))
        for peer, proto, is_fit in (
            ("127.0.0.1", "https", True),
            ("::ffff:127.0.0.1", "HTTPS ", True),
            ("2001:db8::5", "http, https", True),
            ("127.0.0.1", "https, http", False),
            ("127.0.0.1", "", False),
            ("127.0.0.2", "https", False),
            ("", "https", False),
        ):
            self.assertEqual(behind.is_fit(False, peer, proto), is_fit, (peer, proto))

    def test_client(self) -> None:
        """Who asks is the peer, or what a trusted proxy says last; others may say what they like."""
        behind = proxies(("127.0.0.1",))
        self.assertEqual(behind.client("192.0.2.1", "192.0.2.2"), "192.0.2.1")
        self.assertEqual(behind.client("127.0.0.1", "192.0.2.1, 192.0.2.2 "), "192.0.2.2")
        self.assertEqual(behind.client("127.0.0.1", ""), "")

    def test_visitor(self) -> None:
        """A visitor always has an address: the proxy's own when that says none."""
        behind = proxies(("127.0.0.1",))
        for peer, said, visitor in (
            ("127.0.0.1", "203.0.113.9, 192.0.2.2", "192.0.2.2"),
            ("127.0.0.1", "2001:db8::7", "2001:db8::7"),
            ("127.0.0.1", "unknown", "127.0.0.1"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("192.0.2.1", "192.0.2.2", "192.0.2.1"),
        ):
            self.assertEqual(behind.visitor(peer, said), visitor, (peer, said))
