"""Counters that end the patience with a client."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.smtpd.limits import FailureTable, Turnstile, address_key
from smtpeter.smtpd.settings import Patience


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
        table = FailureTable(Patience(address_failures=3, address_seconds=60))
        for now in (0, 10, 20):
            self.assertFalse(table.is_blocked("a", now))
            table.record("a", now)
        self.assertTrue(table.is_blocked("a", 59))
        self.assertFalse(table.is_blocked("a", 60))
        self.assertFalse(table.is_blocked("b", 59))

    def test_bounded(self) -> None:
        """Memory is bounded: the address that failed longest ago is forgotten first."""
        table = FailureTable(Patience(address_failures=1, addresses=2))
        for now, key in enumerate(("a", "b", "a", "c")):
            table.record(key, now)
        self.assertEqual([table.is_blocked(key, 5) for key in "abc"], [True, False, True])

    def test_no_address(self) -> None:
        """Those without an address are never blocked."""
        table = FailureTable(Patience(address_failures=1))
        table.record("", 0)
        self.assertFalse(table.is_blocked("", 0))


class Turnstiles(SynchronousTestCase):
    def test_counts(self) -> None:
        """No more than so many are in, of all and of one address; who leaves makes room."""
        turnstile = Turnstile(3, 2)
        self.assertEqual([turnstile.enter("a") for _ in range(3)], [True, True, False])
        self.assertEqual([turnstile.enter("b"), turnstile.enter("b")], [True, False])
        turnstile.leave("a")
        self.assertEqual([turnstile.enter("b"), turnstile.enter("c")], [True, False])

    def test_bounded(self) -> None:
        """Nothing is kept of who has gone, however many addresses they came from."""
        turnstile = Turnstile(10, 2)
        for number in range(100):
            self.assertTrue(turnstile.enter(f"{number}"))
            turnstile.leave(f"{number}")
        self.assertEqual((turnstile._open, turnstile._by_address), (0, {}))

    def test_no_address(self) -> None:
        """Connections without an address count only together."""
        turnstile = Turnstile(3, 1)
        self.assertEqual([turnstile.enter("") for _ in range(4)], [True, True, True, False])
