"""
What is kept of events by tag: which events have it, and what they come to.

A tag that half of all events have cannot be counted when somebody asks, so its totals are written with the events, in
their transaction, a row for each tag of a group. They go on counting what retention has removed of the events, and end
with the last of these.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from attrs import define, field
from sqlalchemy import Connection, bindparam, delete, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from smtpeter.model.event import Event, EventType
from smtpeter.storage.bulk import Bulk
from smtpeter.storage.rows import Row, read_texts
from smtpeter.storage.tables import event_tags, events, tag_totals

_COUNTS = ("messages", "deliveries", "all_opens", "unique_opens", "all_clicks", "unique_clicks")
_COUNTED: dict[EventType, str] = {
    "attempt": "messages",
    "delivery": "deliveries",
    "open": "all_opens",
    "click": "all_clicks",
}
_UNIQUE: dict[EventType, str] = {"open": "unique_opens", "click": "unique_clicks"}

_INSERT_TAGS = Bulk(insert(event_tags), tuple(event_tags.c.keys()))
_NEWEST = select(func.coalesce(func.max(events.c.id), 0))
_SINCE = select(events.c.id).where(events.c.id > bindparam("newest")).order_by(events.c.id)
_DROP_TAG = delete(event_tags).where(*(column == bindparam(f"old_{column.name}") for column in event_tags.c))
_DROP_TOTAL = delete(tag_totals).where(
    tag_totals.c.account_id == bindparam("old_account_id"),
    tag_totals.c.tag == bindparam("old_tag"),
    tag_totals.c.last_at < bindparam("before"),
)


@define(eq=False)
class _Total:
    """What a group of events adds to a tag."""

    first_at: float
    last_at: float
    counts: dict[str, int] = field(factory=lambda: dict.fromkeys(_COUNTS, 0))


def is_storable(text: str) -> bool:
    """Whether every database takes it as it is: no NUL, nothing that is no character."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def newest_event(connection: Connection) -> int:
    """The highest id in the journal; 0 when it is empty."""
    return int(connection.scalar(_NEWEST) or 0)


def insert_tags(connection: Connection, told: Sequence[Event], newest: int) -> None:
    """
    Index events by their tags, and count them.

    @param told: what this transaction has just appended, in order; nobody else can have appended since.
    @param newest: L{newest_event} before.
    """
    ids = connection.scalars(_SINCE, {"newest": newest}).all()
    rows = [
        {"account_id": event.account_id, "tag": tag, "at": event.at, "event_id": event_id}
        for event_id, event in zip(ids, told, strict=True)
        for tag in _tags(event)
    ]
    if not rows:
        return
    _INSERT_TAGS.execute(connection, rows)
    totals = _totals(told, _visited(connection, told, newest))
    connection.execute(_adding(connection.dialect.name), [_row(key, totals[key]) for key in sorted(totals)])


def _tags(event: Event) -> Iterable[str]:
    return dict.fromkeys(tag for tag in event.tags if is_storable(tag))


def _visited(connection: Connection, told: Sequence[Event], newest: int) -> set[tuple[str, str]]:
    """Which messages had been opened, or clicked, before."""
    ids = {event.message_id for event in told if event.tags and event.type in _UNIQUE}
    if not ids:
        return set()
    wanted = events.c.message_id.in_(ids), events.c.type.in_(_UNIQUE), events.c.id <= newest
    query = select(events.c.message_id, events.c.type).where(*wanted).distinct()
    return {(message_id, type) for message_id, type in connection.execute(query)}


def _totals(told: Sequence[Event], visited: set[tuple[str, str]]) -> dict[tuple[int, str], _Total]:
    totals: dict[tuple[int, str], _Total] = {}
    for event in told:
        names = [_COUNTED[event.type]] if event.type in _COUNTED else []
        if event.type in _UNIQUE and (event.message_id, event.type) not in visited:
            visited.add((event.message_id, event.type))
            names.append(_UNIQUE[event.type])
        for tag in _tags(event):
            total = totals.setdefault((event.account_id, tag), _Total(event.at, event.at))
            total.first_at, total.last_at = min(total.first_at, event.at), max(total.last_at, event.at)
            for name in names:
                total.counts[name] += 1
    return totals


def _row(key: tuple[int, str], total: _Total) -> Row:
    return {"account_id": key[0], "tag": key[1], "first_at": total.first_at, "last_at": total.last_at, **total.counts}


def _adding(dialect: str) -> Any:
    """Inserts totals, or adds them to what is there."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(tag_totals)
    is_least, is_most = (func.least, func.greatest) if dialect == "postgresql" else (func.min, func.max)
    added = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[tag_totals.c.account_id, tag_totals.c.tag],
        set_={
            "first_at": is_least(tag_totals.c.first_at, added.first_at),
            "last_at": is_most(tag_totals.c.last_at, added.last_at),
            **{name: tag_totals.c[name] + added[name] for name in _COUNTS},
        },
    )


def drop_tags(connection: Connection, removed: Sequence[Any], before: float) -> None:
    """
    Forget events that were removed.

    @param removed: their rows.
    @param before: POSIX seconds; a tag of theirs that nothing has had since is forgotten too.
    """
    gone = [
        {"old_account_id": row.account_id, "old_tag": tag, "old_at": row.at, "old_event_id": row.id}
        for row in removed
        for tag in read_texts(row.tags)
        if is_storable(tag)
    ]
    if not gone:
        return
    connection.execute(_DROP_TAG, gone)
    keys = sorted({(row["old_account_id"], row["old_tag"]) for row in gone})
    connection.execute(_DROP_TOTAL, [{"old_account_id": one, "old_tag": tag, "before": before} for one, tag in keys])
