"""Failed authentications by address."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.auth.failures import FailureTable, address_key


class Addresses(SynchronousTestCase):
    def test_keys(self) -> None:
        """An IPv4 address counts for itself, also when mapped, an IPv6 address for its /64, no address for nothing."""
        self.assertEqual(address_key("192.0.2.1"), "192.0.2.1")
        self.assertEqual(address_key("::ffff:192.0.2.1"), "192.0.2.1")
        self.assertEqual(address_key("2001:db8::1"), address_key("2001:db8::ffff:1%eth0"))
        self.assertNotEqual(address_key("2001:db8::1"), address_key("2001:db8:0:1::1"))
        self.assertEqual([address_key("/run/x"), address_key("")], ["", ""])


class Failures(SynchronousTestCase):
    def test_window(self) -> None:
        """So many failures within the window block an address until the first of them is old."""
        table = FailureTable(3, 60)
        for now in (0, 10, 20):
            self.assertFalse(table.is_blocked("a", now))
            table.record("a", now)
        self.assertTrue(table.is_blocked("a", 59))
        self.assertFalse(table.is_blocked("a", 60))
        self.assertFalse(table.is_blocked("b", 59))
        self.assertEqual(
            [table.wait_seconds(*one) for one in (("a", 20), ("a", 59.5), ("a", 60), ("b", 20))], [40, 0.5, 0, 0]
        )

    def test_bounded(self) -> None:
        """Memory is bounded: the address that failed longest ago is forgotten first."""
        table = FailureTable(1, addresses=2)
        for now, key in enumerate(("a", "b", "a", "c")):
            table.record(key, now)
        self.assertEqual([table.is_blocked(key, 5) for key in "abc"], [True, False, True])

    def test_no_address(self) -> None:
        """Those without an address are never blocked."""
        table = FailureTable(1)
        table.record("", 0)
        self.assertFalse(table.is_blocked("", 0))
