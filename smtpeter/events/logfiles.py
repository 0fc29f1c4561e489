"""
Log files: a day's events of one type. They exist nowhere as files; their names are read and never joined to a path.

A page of the journal is in memory at a time, whatever the size of the day.
"""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Final

from attrs import define, frozen

from smtpeter.boundaries.reading import EventSearch
from smtpeter.events.formats import RowFormat
from smtpeter.events.rows import row_of
from smtpeter.events.windows import DAY_SECONDS, BadWindow, begin_of, day_of, read_day, whole_day
from smtpeter.model.event import EventType
from smtpeter.model.reading import Period, Place, Question

PREFIXES: Final[Mapping[str, EventType]] = {
    "attempts": "attempt",
    "deliveries": "delivery",
    "failures": "failure",
    "bounces": "bounce",
    "responses": "response",
    "clicks": "click",
    "opens": "open",
    "abuses": "abuse",
}
PAGE = 1000
_NAME = re.compile(r"([a-z]{1,20})\.(\d{4}-\d\d-\d\d)\.log", re.ASCII)


@frozen(kw_only=True)
class LogFile:
    """What a name means."""

    type: EventType
    day: date


def read_name(name: str) -> LogFile | None:
    """The log file of a name such as C{clicks.2026-11-28.log}; C{None} when there can be none of that name."""
    match = _NAME.fullmatch(name)
    if match is None or match[1] not in PREFIXES:
        return None
    try:
        return LogFile(type=PREFIXES[match[1]], day=read_day("date", match[2]))
    except BadWindow:
        return None


@define(eq=False)
class LogFiles:
    """The log files of accounts."""

    _search: EventSearch

    async def days(self, account_id: int, now: float) -> list[date]:
        """The days up to now that have log files, oldest first."""
        found: set[date] = set()
        end = begin_of(day_of(now)) + DAY_SECONDS
        for type in PREFIXES.values():
            start = 0.0
            while start < end:
                at = await self._search.first_at(account_id, type, Period(start=start, end=end))
                if at is None:
                    break
                day = day_of(at)
                found.add(day)
                # Days that another type has need no look.
                while day in found:
                    day += timedelta(days=1)
                start = begin_of(day)
        return sorted(found)

    async def names(self, account_id: int, day: date) -> list[str]:
        """The names of a day's log files; empty when nothing happened."""
        return [
            f"{prefix}.{day.isoformat()}.log"
            for prefix, type in PREFIXES.items()
            if await self._search.first_at(account_id, type, whole_day(day)) is not None
        ]

    async def exists(self, account_id: int, file: LogFile) -> bool:
        """Whether an account has it."""
        return await self._search.first_at(account_id, file.type, whole_day(file.day)) is not None

    async def pieces(self, account_id: int, file: LogFile, format: RowFormat) -> AsyncIterator[bytes]:
        """
        A log file, a page of the journal at a time.

        @raise StorageBusy: cannot be read now.
        """
        question = Question(account_id=account_id, period=whole_day(file.day), type=file.type)
        after: Place | None = None
        text = format.begin()
        while page := await self._search.find(question, after, PAGE):
            yield (text + format.rows(map(row_of, page))).encode("utf-8", "replace")
            text, after = "", Place(page[-1].at, page[-1].id or 0)
            if len(page) < PAGE:
                break
        yield (text + format.end()).encode()
