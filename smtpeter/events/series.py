"""Statistics as series: a number for each hour or day of a period, also where nothing happened."""

from collections.abc import Mapping, Sequence
from typing import Final

from smtpeter.model.event import EventType, written_time
from smtpeter.model.reading import Period, Tally

STEPS: Final[Mapping[str, int]] = {"hour": 3600, "day": 86_400}
"""The intervals, in seconds."""

COUNTED: Final[Mapping[str, EventType]] = {
    "messages": "attempt",
    "deliveries": "delivery",
    "failures": "failure",
    "bounces": "bounce",
    "opens": "open",
    "clicks": "click",
    "abuses": "abuse",
}


def series(period: Period, step_seconds: int, tallies: Sequence[Tally]) -> list[dict[str, str | int]]:
    """
    All parts of a period in order.

    @param tallies: of the parts in which something happened.
    """
    known = {round((one.start - period.start) / step_seconds): one.counts for one in tallies}
    nothing: Mapping[EventType, int] = {}
    parts = -int(-(period.end - period.start) // step_seconds)
    return [
        {
            "time": written_time(period.start + part * step_seconds),
            **{name: known.get(part, nothing).get(type, 0) for name, type in COUNTED.items()},
        }
        for part in range(parts)
    ]
