"""Tests of which requests count as encrypted."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.web.api.access import transport


class TransportTests(SynchronousTestCase):
    """Plain HTTP, TLS, proxies."""

    def test_encrypted(self) -> None:
        """TLS is, and nothing else without a proxy."""
        strict = transport(False, ())
        self.assertTrue(strict.is_fit(True, "192.0.2.1", ""))
        self.assertFalse(strict.is_fit(False, "127.0.0.1", "https"))
        self.assertTrue(transport(True, ()).is_fit(False, "192.0.2.1", ""))

    def test_proxies(self) -> None:
        """The word of a trusted proxy is taken, that of others is not; the last of its words counts."""
        behind = transport(False, ("127.0.0.1", "2001:db8::/32"))
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
        behind = transport(False, ("127.0.0.1",))
        self.assertEqual(behind.client("192.0.2.1", "192.0.2.2"), "192.0.2.1")
        self.assertEqual(behind.client("127.0.0.1", "192.0.2.1, 192.0.2.2 "), "192.0.2.2")
        self.assertEqual(behind.client("127.0.0.1", ""), "")
