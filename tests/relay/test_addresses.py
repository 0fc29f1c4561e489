"""Private addresses are known in every shape."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.addresses import is_public

PUBLIC = ("8.8.8.8", "193.0.6.139", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8")
PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001:db8::1"),
    *("2001:0:7f00:1::1", "127.1", "0x7f000001", "①②⑦.⓪.⓪.①", "", "localhost", "2130706433", "fe80::1%eth0"),
)


class IsPublicTests(SynchronousTestCase):
    def test_public(self) -> None:
        """Addresses of the public network, also in transition forms, may be sent to."""
        for address in PUBLIC:
            self.assertTrue(is_public(address), address)

    def test_private(self) -> None:
        """Loopback, private, multicast and reserved ones, in whatever form, and what is no address, may not."""
        for address in PRIVATE:
            self.assertFalse(is_public(address), address)
