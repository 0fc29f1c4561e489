"""Private addresses are known in every shape."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.ip import is_public

PUBLIC = (
    *("8.8.8.8", "193.0.6.139", "2001:4860:4860::8888", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"),
    *("100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "198.17.255.255", "223.255.255.255"),
    *("2001:200::1", "2a00:1450:4001::5efe:808:808", "3ffe:ffff::1"),
)
PRIVATE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "fec0::1"),
    *("::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2001:db8::1"),
    *("2001:0:7f00:1::1", "127.1", "0x7f000001", "①②⑦.⓪.⓪.①", "", "localhost", "2130706433", "fe80::1%eth0"),
    *("198.18.0.1", "198.19.255.255", "192.0.0.8", "192.0.0.170", "192.88.99.1", "198.51.100.7", "203.0.113.7"),
    *("100.127.255.255", "172.31.255.255", "239.1.2.3", "127.255.255.254", "0.1.2.3"),
    *("::ffff:0:7f00:1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "100::1", "5f00::1", "3fff::1", "ff0e::1", "::8.8.8.8"),
    *("2001:2::1", "2001:10::1", "2001:20::1", "4000::1", "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a00:1"),
    *("2001:4860:4860::8888%eth0", "127.0.0.1.", "0177.0.0.1", "[::1]", "8.8.8.8 ", "８.8.8.8"),
)


class IsPublicTests(SynchronousTestCase):
    def test_public(self) -> None:
        """Addresses of the public network, also in transition forms, and those beside special blocks, are public."""
        for address in PUBLIC:
            self.assertTrue(is_public(address), address)

    def test_private(self) -> None:
        """Loopback, private, multicast and reserved ones, in whatever form, and what is no address, are not."""
        for address in PRIVATE:
            self.assertFalse(is_public(address), address)
