"""
Which time a question about events is about: one month at the most, by days in UTC.

Only a start: a month from it. Only an end: the month before it. Both: what lies between, cut to a month from the start.
Neither: a month from the message's sending, or the last month with all of today.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from smtpeter.model.reading import Period

DAY_SECONDS = 86_400.0
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)
"""Within them the arithmetic of dates has room."""


class BadWindow(ValueError):
    """
    No such time can be asked for; the message says why.

    @ivar field: which value is at fault.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def window(start: str | None, end: str | None, now: float, sent_at: float | None = None) -> Period:
    """
    The period that is meant.

    @param start: C{YYYY-MM-DD}; C{None} and C{""} when nothing was said.
    @param end: likewise; this day is not in the period any more.
    @param now: POSIX seconds.
    @param sent_at: when the message that the question is about was sent.
    @raise BadWindow: a date is none, or the start is not before the end.
    """
    first = read_day("start", start) if start else None
    last = read_day("end", end) if end else None
    if first is not None and last is not None:
        if first >= last:
            raise BadWindow("start", "start must be before end")
        return _between(first, min(last, month_after(first)))
    if first is not None:
        return _between(first, month_after(first))
    if last is not None:
        return _between(month_before(last), last)
    if sent_at is not None:
        return Period(start=sent_at, end=_after(sent_at))
    tomorrow = day_of(now) + timedelta(days=1)
    return _between(month_before(tomorrow), tomorrow)


def read_day(field: str, text: str) -> date:
    """
    A day as C{YYYY-MM-DD}, and in no other form.

    @param field: what it is called, for the fault.
    @raise BadWindow: it is none, or far away.
    """
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day < LAST_DAY or day.isoformat() != text:
        raise BadWindow(field, f"{field} must be a date of the form YYYY-MM-DD")
    return day


def day_of(at: float) -> date:
    """The day in UTC of a POSIX time."""
    return datetime.fromtimestamp(at, UTC).date()


def begin_of(day: date) -> float:
    """Where a day begins, POSIX seconds."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def whole_day(day: date) -> Period:
    """All of a day."""
    return Period(start=begin_of(day), end=begin_of(day) + DAY_SECONDS)


def month_after(day: date) -> date:
    """The same day of the next month, or that month's last."""
    return _moved(day, day.year + day.month // 12, day.month % 12 + 1)


def month_before(day: date) -> date:
    """The same day of the month before, or that month's last; never before time begins."""
    year, month = (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)
    return max(FIRST_DAY, _moved(day, year, month))


def _moved(day: date, year: int, month: int) -> date:
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _between(first: date, last: date) -> Period:
    return Period(start=begin_of(first), end=begin_of(last))


def _after(at: float) -> float:
    """A month later, at the same time of the day."""
    day = day_of(at)
    return begin_of(month_after(day)) + (at - begin_of(day))
