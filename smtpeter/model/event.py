"""A fact about a message: written once, never changed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from attrs import field, frozen

EventType = Literal[
    "attempt",
    "delivery",
    "deferral",
    "failure",
    "bounce",
    "response",
    "click",
    "open",
    "abuse",
    "unsubscribe",
    "suppressed",
]

OURS: tuple[EventType, ...] = ("deferral", "unsubscribe", "suppressed")
"""The types that log files do not have."""


def written_time(at: float) -> str:
    """POSIX seconds as events show them: UTC, C{YYYY-MM-DD hh:mm:ss}."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


@frozen(kw_only=True)
class Event:
    """One fact. What is no attribute here stands in C{data}, under the names of the log files."""

    message_id: str
    account_id: int
    type: EventType
    at: float
    """POSIX seconds."""
    recipient: str
    tags: tuple[str, ...] = ()
    data: Mapping[str, str] = field(factory=dict)
    id: int | None = None
    """Its place in the journal; C{None} until written."""
