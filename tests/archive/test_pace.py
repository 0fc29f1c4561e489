"""Tests of L{smtpeter.archive.pace}."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.archive.pace import LEAST, LONGEST_SECONDS, MOST, SHARE, SHORTEST_SECONDS, WANTED_SECONDS, Pace


class PaceTests(SynchronousTestCase):
    """Steps and pauses."""

    def test_slow(self) -> None:
        """Slow steps become smaller, down to a bound."""
        pace = Pace(limit=64)
        pace.pause_after(3 * WANTED_SECONDS)
        self.assertEqual(pace.limit, 32)
        for _ in range(20):
            pace.pause_after(10.0)
        self.assertEqual(pace.limit, LEAST)

    def test_quick(self) -> None:
        """Quick steps become larger, up to a bound."""
        pace = Pace(limit=64)
        pace.pause_after(0.0)
        self.assertEqual(pace.limit, 128)
        for _ in range(20):
            pace.pause_after(0.0)
        self.assertEqual(pace.limit, MOST)

    def test_steady(self) -> None:
        """A step that takes about what it should changes nothing."""
        pace = Pace(limit=64)
        pace.pause_after(WANTED_SECONDS)
        self.assertEqual(pace.limit, 64)

    @given(st.floats(0, 1000))
    def test_share(self, seconds: float) -> None:
        """The pause leaves the database to others for most of the time, and has bounds."""
        pause = Pace().pause_after(seconds)
        self.assertTrue(SHORTEST_SECONDS <= pause <= LONGEST_SECONDS)
        if pause < LONGEST_SECONDS:
            self.assertLessEqual(seconds, (seconds + pause) * SHARE * 1.001)
