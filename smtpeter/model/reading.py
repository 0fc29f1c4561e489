"""What is asked of the journal by those who read it, and what they are told."""

from collections.abc import Mapping

from attrs import frozen

from smtpeter.model.event import EventType


@frozen(kw_only=True)
class Period:
    """From a time on, up to another; POSIX seconds."""

    start: float
    end: float
    """Not in it any more."""


@frozen(kw_only=True)
class Question:
    """Which events of an account are wanted; C{None} and empty ask for nothing in particular."""

    account_id: int
    period: Period
    message_id: str | None = None
    recipient: str | None = None
    template_id: int | None = None
    type: EventType | None = None
    tags: tuple[str, ...] = ()
    """All of them."""
    is_extended: bool = False
    """Whether the types that log files do not have are wanted too."""


@frozen(order=True)
class Place:
    """Where an event stands among all: by its time, then by its id."""

    at: float
    event_id: int


@frozen(kw_only=True)
class TagTotals:
    """What the events with a tag come to."""

    tag: str
    first_at: float
    """POSIX seconds."""
    last_at: float
    all_opens: int
    unique_opens: int
    all_clicks: int
    unique_clicks: int
    messages: int
    deliveries: int


@frozen(kw_only=True)
class Tally:
    """How many events of each type there were in a part of a period."""

    start: float
    counts: Mapping[EventType, int]
