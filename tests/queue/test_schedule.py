"""Tests of when a deferred message is tried again."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.queue.schedule import (
    DELAY_SECONDS,
    LONGEST_HINT_SECONDS,
    SHORTEST_HINT_SECONDS,
    crosses_delay_line,
    next_attempt,
    stop_at_delay_line,
)

NOW = 1_800_000_000.0
FAR = NOW + 86_400 * 30
jitters = st.floats(0, 1)


class GapTests(SynchronousTestCase):
    """The gaps between attempts."""

    def test_doubling(self) -> None:
        """In the middle of the spread the gaps are 5, 10, 20 and 40 minutes, and then an hour each."""
        gaps = [(next_attempt(NOW, attempts, FAR, 0.5) - NOW) / 60 for attempts in range(1, 8)]
        self.assertEqual(gaps, [5, 10, 20, 40, 60, 60, 60])

    def test_spread(self) -> None:
        """A gap is off by a fifth at most, and by a fifth at both ends."""
        self.assertAlmostEqual(next_attempt(NOW, 1, FAR, 0.0) - NOW, 240)
        self.assertAlmostEqual(next_attempt(NOW, 1, FAR, 1.0) - NOW, 360)

    def test_none_counted(self) -> None:
        """A message of which no attempt counts (its destination was at fault) waits as after its first."""
        self.assertEqual(next_attempt(NOW, 0, FAR, 0.5), NOW + 300)

    @settings(max_examples=60)
    @given(st.integers(0, 10_000), jitters, st.floats(0, 200_000))
    def test_bounds(self, attempts: int, jitter: float, life: float) -> None:
        """Never before four minutes, never after an hour, never beyond the expiry."""
        at = next_attempt(NOW, attempts, NOW + life, jitter)
        self.assertLessEqual(at, NOW + min(life, 3600))
        self.assertGreaterEqual(at, NOW + min(life, 240))


class HintTests(SynchronousTestCase):
    """What a peer or a paused destination asks for."""

    @settings(max_examples=60)
    @given(st.floats(SHORTEST_HINT_SECONDS, LONGEST_HINT_SECONDS), jitters)
    def test_obeyed(self, gap: float, jitter: float) -> None:
        """A sensible hint is never undercut, and overshot by a fifth at most, and by no more than twelve minutes."""
        at = next_attempt(NOW, 5, FAR, jitter, NOW + gap)
        self.assertGreaterEqual(at, NOW + gap - 0.001)
        self.assertLessEqual(at, NOW + gap + min(gap, 3600) * 0.2 + 0.001)

    def test_absurd(self) -> None:
        """A hint in the past does not make us spin; one of a year is cut to hours; none outlives the message."""
        self.assertEqual(next_attempt(NOW, 1, FAR, 0.0, NOW - 50), NOW + SHORTEST_HINT_SECONDS)
        self.assertEqual(next_attempt(NOW, 1, FAR, 0.0, NOW + 86_400 * 365), NOW + LONGEST_HINT_SECONDS)
        self.assertEqual(next_attempt(NOW, 1, NOW + 60, 0.0, NOW + 7200), NOW + 60)


class DelayLineTests(SynchronousTestCase):
    """The one deferral with which a delay is told."""

    @settings(max_examples=100)
    @given(st.lists(st.tuples(jitters, st.one_of(st.none(), st.floats(0, 9000)), st.floats(0, 900)), min_size=80))
    def test_once(self, attempts: list[tuple[float, float | None, float]]) -> None:
        """Whatever the hints, and when attempts start late, exactly one deferral tells it, and never before 4 hours."""
        now, told = NOW, []
        for count, (jitter, hint, late) in enumerate(attempts, 1):
            if crosses_delay_line(now, NOW):
                told.append(now)
            at = next_attempt(now, count, FAR, jitter, None if hint is None else now + hint)
            now = stop_at_delay_line(now, NOW, at, FAR) + late
            self.assertLess(now, FAR)
        if now >= NOW + DELAY_SECONDS + 3600:
            self.assertEqual(len(told), 1)
        self.assertLessEqual(len(told), 1)
        self.assertTrue(all(at >= NOW + DELAY_SECONDS for at in told))

    def test_expiry(self) -> None:
        """It never moves an attempt beyond the expiry."""
        line = NOW + DELAY_SECONDS
        self.assertEqual(stop_at_delay_line(line - 10, NOW, line + 500, line - 5), line - 5)
        self.assertEqual(stop_at_delay_line(line, NOW, line + 500, line + 600), line + 600)
