"""Tests of L{smtpeter.events.windows}."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.events.windows import BadWindow, month_after, month_before, window

NOW = datetime(2026, 11, 28, 21, 50, tzinfo=UTC).timestamp()


def asked(start: str | None, end: str | None = None, sent_at: float | None = None, now: float = NOW) -> tuple[str, str]:
    """Start and end of a window, as texts."""
    period = window(start, end, now, sent_at)
    first, last = (datetime.fromtimestamp(at, UTC) for at in (period.start, period.end))
    return first.strftime("%Y-%m-%d %H:%M:%S"), last.strftime("%Y-%m-%d %H:%M:%S")


class WindowTests(SynchronousTestCase):
    """Which time is meant."""

    def test_only_start(self) -> None:
        """With a start alone it is a month from it; a month that is shorter ends with its last day."""
        self.assertEqual(asked("2026-03-15"), ("2026-03-15 00:00:00", "2026-04-15 00:00:00"))
        self.assertEqual(asked("2026-01-31"), ("2026-01-31 00:00:00", "2026-02-28 00:00:00"))
        self.assertEqual(asked("2026-12-31"), ("2026-12-31 00:00:00", "2027-01-31 00:00:00"))

    def test_only_end(self) -> None:
        """With an end alone it is the month before it."""
        self.assertEqual(asked(None, "2026-03-15"), ("2026-02-15 00:00:00", "2026-03-15 00:00:00"))
        self.assertEqual(asked(None, "2024-03-31"), ("2024-02-29 00:00:00", "2024-03-31 00:00:00"))
        self.assertEqual(asked("", "2026-01-10"), ("2025-12-10 00:00:00", "2026-01-10 00:00:00"))
        self.assertEqual(asked(None, "1970-01-10"), ("1970-01-01 00:00:00", "1970-01-10 00:00:00"))

    def test_both(self) -> None:
        """With both it lies between them, cut to a month from the start."""
        self.assertEqual(asked("2026-03-15", "2026-03-16"), ("2026-03-15 00:00:00", "2026-03-16 00:00:00"))
        self.assertEqual(asked("2026-03-15", "2026-04-15"), ("2026-03-15 00:00:00", "2026-04-15 00:00:00"))
        self.assertEqual(asked("2026-03-15", "2026-04-16"), ("2026-03-15 00:00:00", "2026-04-15 00:00:00"))
        self.assertEqual(asked("2026-03-15", "2027-01-01"), ("2026-03-15 00:00:00", "2026-04-15 00:00:00"))

    def test_neither(self) -> None:
        """With neither it is the last month with all of today, or of a message a month from its sending."""
        self.assertEqual(asked(None), ("2026-10-29 00:00:00", "2026-11-29 00:00:00"))
        sent_at = datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC).timestamp()
        self.assertEqual(asked(None, None, sent_at), ("2026-01-31 12:30:05", "2026-02-28 12:30:05"))
        self.assertEqual(asked("2026-03-01", None, sent_at)[0], "2026-03-01 00:00:00")

    def test_turned_round(self) -> None:
        """A start that is not before the end is refused."""
        for start, end in (("2026-03-15", "2026-03-15"), ("2026-03-16", "2026-03-15")):
            with self.assertRaisesRegex(BadWindow, "start must be before end") as caught:
                window(start, end, NOW)
            self.assertEqual(caught.exception.field, "start")

    def test_no_date(self) -> None:
        """What is no day of the form that is asked for is refused, with the name of the field."""
        bad = ("x", "2026-02-30", "2026-2-3", "20260203", "2026-W01-1", "2026-11-28T00:00", "0001-01-01", "9999-12-31")
        for text in (*bad, "1969-12-31", "２０２６-01-01", " 2026-01-1"):
            for field in ("start", "end"):
                with self.assertRaises(BadWindow, msg=text) as caught:
                    window(text if field == "start" else None, text if field == "end" else None, NOW)
                self.assertEqual(caught.exception.field, field)

    @given(st.dates(date(1970, 2, 1), date(8999, 1, 1)))
    def test_month(self, day: date) -> None:
        """A month is 28 to 31 days long and keeps the day where there is one."""
        after, before = month_after(day), month_before(day)
        self.assertIn((after - day).days, range(28, 32))
        self.assertIn((day - before).days, range(28, 32))
        if day.day <= 28:
            self.assertEqual((after.day, before.day), (day.day, day.day))
            self.assertEqual(month_before(after), day)
