"""A site's limits and pauses."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.relay.destinations import Exchange, site_of, site_of_route
from smtpeter.relay.routes import Route
from smtpeter.relay.shaping import LONGEST_PAUSE, LOST_IN_A_ROW, Health, Limits, Rate, limits_for, pause_seconds


class LimitsTests(SynchronousTestCase):
    def test_default(self) -> None:
        """The default receiver's limits are those of the specification."""
        limits = limits_for(site_of([Exchange(name="mx.example.org")], 25))
        self.assertEqual((limits.connections, limits.messages_per_connection, limits.idle_seconds), (10, 100, 60))
        self.assertEqual((limits.connections_per_minute, limits.recipients), (100, 100))
        self.assertEqual(limits, Limits())

    def test_route(self) -> None:
        """How often an operator's own hop is connected to is not bounded."""
        limits = limits_for(site_of_route(Route(domain="*", host="smarthost", port=587)))
        self.assertEqual(limits, Limits(connections_per_minute=None))
        rate = Rate(limits.connections_per_minute)
        for _ in range(1000):
            rate.count(1.0)
        self.assertEqual(rate.wait_seconds(1.0), 0)


class PauseTests(SynchronousTestCase):
    def test_doubles(self) -> None:
        """A minute, doubling, to half an hour."""
        self.assertEqual([pause_seconds(n, 0.5) for n in (1, 2, 3, 5, 6, 99)], [60, 120, 240, 960, 1800, 1800])

    @given(st.integers(1, 10**6), st.floats(0, 1))
    def test_bounds(self, failures: int, jitter: float) -> None:
        """Jitter is a fifth, and no pause is over the longest."""
        pause = pause_seconds(failures, jitter)
        self.assertTrue(48 <= pause <= LONGEST_PAUSE)
        self.assertTrue(abs(pause - pause_seconds(failures, 0.5)) <= pause_seconds(failures, 0.5) * 0.2001)


class HealthTests(SynchronousTestCase):
    def test_pause(self) -> None:
        """Failures pause longer and longer; what fails inside a pause adds nothing; success ends the series."""
        health = Health()
        health.failed(100, 0.5)
        health.failed(101, 0.5)
        self.assertEqual(health.paused_until, 160)
        self.assertTrue(health.is_paused(159) and not health.is_paused(160))
        self.assertEqual(health.connections(161, 10), 1)
        health.failed(161, 0.5)
        self.assertEqual(health.paused_until, 281)
        health.worked()
        self.assertEqual(health.connections(300, 10), 10)
        health.failed(300, 0.5)
        self.assertEqual(health.paused_until, 360)

    def test_hint(self) -> None:
        """A hint makes a pause longer, also one that has begun, never shorter, and never more than two hours."""
        for hint, until in ((10.0, 160.0), (600.0, 700.0), (1e6, 7300.0)):
            health = Health()
            health.failed(100, 0.5, hint)
            self.assertEqual(health.paused_until, until)
        health = Health()
        health.failed(100, 0.5, 600)
        health.failed(110, 0.5, 900)
        self.assertEqual((health.paused_until, health.failures), (1010, 1))
        health.failed(120, 0.5, 60)
        self.assertEqual(health.paused_until, 1010)

    def test_lost(self) -> None:
        """Several broken connections in a row are the site's fault; success between them makes it none."""
        health = Health()
        for _ in range(LOST_IN_A_ROW - 1):
            self.assertFalse(health.lost(0, 0.5))
        health.worked()
        answers = [health.lost(0, 0.5) for _ in range(LOST_IN_A_ROW)]
        self.assertEqual(answers, [False] * (LOST_IN_A_ROW - 1) + [True])
        self.assertTrue(health.is_paused(1))

    def test_crowded(self) -> None:
        """A refused further connection caps their number for a time."""
        health = Health()
        health.crowded(0, 3)
        self.assertEqual((health.connections(1, 10), health.connections(601, 10)), (3, 10))

    def test_remembered(self) -> None:
        """A broken connection, a refused one and a pause are each worth remembering; nothing else is."""
        lost, crowded, failed = Health(), Health(), Health()
        self.assertTrue(lost.is_good)
        lost.lost(0, 0.5)
        crowded.crowded(0, 3)
        failed.failed(0, 0.5)
        self.assertEqual([one.is_good for one in (lost, crowded, failed)], [False] * 3)

    def test_forget(self) -> None:
        """An operator's word ends everything."""
        health = Health()
        health.failed(0, 0.5)
        health.crowded(0, 1)
        self.assertFalse(health.is_good)
        health.forget()
        self.assertTrue(health.is_good and not health.is_paused(1) and health.connections(1, 10) == 10)


class RateTests(SynchronousTestCase):
    def test_minute(self) -> None:
        """So many in any minute."""
        rate = Rate(2)
        rate.count(0)
        rate.count(10)
        self.assertEqual(rate.wait_seconds(20), 40)
        self.assertEqual(rate.wait_seconds(60), 0)
        rate.count(60)
        self.assertEqual(rate.wait_seconds(60), 10)
