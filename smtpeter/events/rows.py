"""
Events as log files and the REST API show them: the fields of each type in their order, every value a text.

These are the eight types and fields of SMTPeter, which existing programs read by name and by place. What is ours beside
them is in the extended form only.
"""

from collections.abc import Mapping
from typing import Final

from smtpeter.model.event import Event, EventType, written_time
from smtpeter.model.reading import TagTotals

_PLACE = ("city", "countryname", "countrycode", "regioncode")

FIELDS: Final[Mapping[EventType, tuple[str, ...]]] = {
    "attempt": ("id", "time", "envelope", "recipient", "properties", "tags", "templateid"),
    "delivery": ("id", "time", "envelope", "recipient", "from", "to", "attempt", "tags", "templateid"),
    "failure": (
        *("id", "time", "envelope", "recipient", "attempt", "from", "to", "type", "code", "status", "description"),
        *("state", "tags", "templateid"),
    ),
    "bounce": ("id", "time", "envelope", "recipient", "mime", "tags", "templateid"),
    "response": ("id", "time", "envelope", "recipient", "mime", "tags", "templateid"),
    "click": ("id", "time", "headers", "ip", "url", "destination", "tags", "recipient", *_PLACE, "templateid"),
    "open": ("id", "time", "headers", "ip", "protocol", "tags", "recipient", *_PLACE, "templateid"),
    "abuse": ("id", "time", "envelope", "recipient", "tags", "templateid"),
}
"""By the types that log files have."""

_OURS: Mapping[EventType, tuple[str, ...]] = {
    "deferral": (
        *("id", "time", "envelope", "recipient", "attempt", "from", "to", "type", "code", "status", "description"),
        *("state", "reply", "destination", "next_attempt", "tags", "templateid"),
    ),
    "unsubscribe": ("id", "time", "envelope", "recipient", "tags", "templateid"),
    "suppressed": ("id", "time", "envelope", "recipient", "reason", "listed", "description", "tags", "templateid"),
}

Row = dict[str, str]


def fields_of(type: EventType) -> tuple[str, ...]:
    """The names of a type's fields, in order."""
    return FIELDS.get(type) or _OURS[type]


def row_of(event: Event) -> Row:
    """An event's fields by name, in order; what is not known of it is empty."""
    known = {
        "templateid": "0",
        **event.data,
        "id": event.message_id,
        "time": written_time(event.at),
        "recipient": event.recipient,
        "tags": ";".join(event.tags),
    }
    return {name: known.get(name, "") for name in fields_of(event.type)}


def record_of(event: Event) -> dict[str, object]:
    """An event as the REST API answers it; clients look for its type under either name."""
    return {"event": event.type, "type": event.type, "data": row_of(event)}


def tag_record(totals: TagTotals) -> dict[str, object]:
    """A tag as the REST API answers it."""
    counts = ("all_opens", "unique_opens", "all_clicks", "unique_clicks", "messages", "deliveries")
    return {
        "tag": totals.tag,
        "first": written_time(totals.first_at),
        "last": written_time(totals.last_at),
        **{name: getattr(totals, name) for name in counts},
    }
