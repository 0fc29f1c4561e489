"""
Finds events by what they tell.

Each question is one range of one index in the order of its answer, so a page costs the same however many events there
are. Of several tags the rarest leads and the others are looked up for each of its events.
"""

from collections.abc import Sequence
from typing import Any

from attrs import define, evolve
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, tuple_
from typing_extensions import override

from smtpeter.boundaries.reading import EventSearch
from smtpeter.model.event import OURS, Event, EventType
from smtpeter.model.reading import Period, Place, Question
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_event
from smtpeter.storage.tables import event_tags, events, messages
from smtpeter.storage.tags import is_storable

MOST_COUNTED = 5000
"""A tag with more events than this is frequent; how much more does not matter."""


@define(eq=False, kw_only=True)
class StoredEventSearch(EventSearch):
    """The journal, by index."""

    _database: Database

    @override
    async def find(self, question: Question, after: Place | None, limit: int) -> list[Event]:
        """A page of what is asked for (L{EventSearch.find})."""
        if not all(map(is_storable, _texts(question))):
            return []
        return await self._database.read(lambda connection: _find(connection, question, after, limit))

    @override
    async def sent_at(self, account_id: int, message_id: str) -> float | None:
        """When a message was accepted (L{EventSearch.sent_at})."""
        if not is_storable(message_id):
            return None
        query = select(messages.c.received_at).where(messages.c.id == message_id, messages.c.account_id == account_id)
        return await self._database.read(lambda connection: connection.scalar(query))

    @override
    async def first_at(self, account_id: int, type: EventType, period: Period) -> float | None:
        """The first event of a type in a period (L{EventSearch.first_at})."""
        query = first_of(account_id, type, period)
        return await self._database.read(lambda connection: connection.scalar(query))


def first_of(account_id: int, type: EventType, period: Period) -> Select[float]:
    """The time of the first event of a type."""
    return (
        select(events.c.at)
        .where(events.c.account_id == account_id, events.c.type == type, *within(events.c.at, period))
        .order_by(events.c.at)
        .limit(1)
    )


def within(column: ColumnElement[float], period: Period) -> Sequence[ColumnElement[bool]]:
    """Whether a time is in a period."""
    return column >= period.start, column < period.end


def _texts(question: Question) -> list[str]:
    return [*question.tags, question.message_id or "", question.recipient or ""]


def _find(connection: Connection, question: Question, after: Place | None, limit: int) -> list[Event]:
    query = page_query(connection, question, after, limit)
    return [read_event(row) for row in connection.execute(query)]


def page_query(connection: Connection, question: Question, after: Place | None, limit: int) -> Select[Any]:
    """What finds a page, from the index that fits."""
    named = _named(question)
    is_by_tag = bool(question.tags) and not named and question.type is None
    tags = by_rarity(connection, question.account_id, question.tags, question.period) if is_by_tag else question.tags
    if is_by_tag:
        query, at, key = _by_tag(question, tags[0]), event_tags.c.at, event_tags.c.event_id
        tags = tags[1:]
    else:
        query, at, key = select(events).where(_of_account(question)), events.c.at, events.c.id
    period = question.period if after is None else _from(question.period, after)
    query = query.where(*named, *within(at, period), *(has_tag(tag) for tag in tags))
    if question.type is not None:
        query = query.where(events.c.type == question.type)
    elif not question.is_extended:
        query = query.where(events.c.type.not_in(OURS))
    if after is not None:
        query = query.where(tuple_(at, key) > (after.at, after.event_id))
    return query.order_by(at, key).limit(limit)


def _from(period: Period, after: Place) -> Period:
    """What is left of a period: SQLite would enter an index at the first bound that it is told, not at the last."""
    return evolve(period, start=max(period.start, after.at))


def _of_account(question: Question) -> ColumnElement[bool]:
    """Of one message the account is no way in: SQLite would take its index for all that the account has."""
    column: ColumnElement[int] = events.c.account_id
    return (column if question.message_id is None else column + 0) == question.account_id


def _named(question: Question) -> list[ColumnElement[bool]]:
    """What each event must be about."""
    wanted: list[ColumnElement[bool]] = []
    if question.message_id is not None:
        wanted.append(events.c.message_id == question.message_id)
    if question.recipient is not None:
        wanted.append(events.c.recipient == question.recipient)
    if question.template_id is not None:
        wanted.append(events.c.template_id == question.template_id)
    return wanted


def _by_tag(question: Question, tag: str) -> Select[Any]:
    return (
        select(events)
        .join_from(event_tags, events, events.c.id == event_tags.c.event_id)
        .where(event_tags.c.account_id == question.account_id, event_tags.c.tag == tag)
    )


def has_tag(tag: str) -> ColumnElement[bool]:
    """Whether an event has a tag."""
    other = event_tags.alias()
    return (
        select(other.c.event_id)
        .where(
            other.c.account_id == events.c.account_id,
            other.c.tag == tag,
            other.c.at == events.c.at,
            other.c.event_id == events.c.id,
        )
        .exists()
    )


def by_rarity(connection: Connection, account_id: int, tags: Sequence[str], period: Period) -> list[str]:
    """Tags, the rarest of the period first; what is frequent is not counted to its end."""
    if len(tags) < 2:
        return list(tags)
    return sorted(tags, key=lambda tag: _count(connection, account_id, tag, period))


def _count(connection: Connection, account_id: int, tag: str, period: Period) -> int:
    of_tag = and_(event_tags.c.account_id == account_id, event_tags.c.tag == tag, *within(event_tags.c.at, period))
    few = select(event_tags.c.event_id).where(of_tag).limit(MOST_COUNTED).subquery()
    return connection.scalar(select(func.count()).select_from(few)) or 0
