"""Dates as headers write them (RFC 5322, 3.3), in UTC."""

from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date(at: float) -> str:
    """
    Write a time.

    @param at: POSIX seconds; parts of a second are cut off.
    """
    return _written(int(at))


@lru_cache(maxsize=16)
def _written(seconds: int) -> str:
    """Kept, since many messages come in one second."""
    moment = datetime.fromtimestamp(seconds, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} +0000"
