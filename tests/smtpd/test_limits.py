"""Counters that end the patience with a client."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.smtpd.limits import Turnstile


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
