"""Counts events: the totals of tags as they are kept, and series counted when they are asked for."""

from collections import Counter
from typing import Any

from attrs import define, fields
from sqlalchemy import Connection, Integer, Select, cast, func, select
from typing_extensions import override

from smtpeter.boundaries.reading import EventCounts, TagBook
from smtpeter.model.event import EventType
from smtpeter.model.reading import Period, TagTotals, Tally
from smtpeter.storage.database import Database
from smtpeter.storage.event_search import by_rarity, has_tag, within
from smtpeter.storage.tables import event_tags, events, tag_totals
from smtpeter.storage.tags import is_storable

READ_SECONDS = 86_400.0
"""How much of a period one read counts, so that other readers get their turn."""

_TOTALS = select(*(tag_totals.c[one.name] for one in fields(TagTotals)))


@define(eq=False, kw_only=True)
class StoredEventCounts(TagBook, EventCounts):
    """Numbers from the journal."""

    _database: Database

    @override
    async def totals(self, account_id: int, tag: str) -> TagTotals | None:
        """One tag (L{TagBook.totals})."""
        if not is_storable(tag):
            return None
        query = _TOTALS.where(tag_totals.c.account_id == account_id, tag_totals.c.tag == tag)
        found = await self._database.read(lambda connection: _read_totals(connection, query))
        return found[0] if found else None

    @override
    async def recent(self, account_id: int, limit: int) -> list[TagTotals]:
        """The latest tags (L{TagBook.recent})."""
        latest = tag_totals.c.last_at.desc(), tag_totals.c.tag
        query = _TOTALS.where(tag_totals.c.account_id == account_id).order_by(*latest).limit(limit)
        return await self._database.read(lambda connection: _read_totals(connection, query))

    @override
    async def tallies(
        self, account_id: int, period: Period, step_seconds: int, tags: tuple[str, ...], domain: str | None
    ) -> list[Tally]:
        """Count by parts (L{EventCounts.tallies})."""
        if not all(map(is_storable, (*tags, domain or ""))):
            return []
        counted: dict[int, Counter[EventType]] = {}
        start = period.start
        while start < period.end:
            piece = Period(start=start, end=min(start + READ_SECONDS, period.end))
            for part, type, number in await self._counted(account_id, period.start, piece, step_seconds, tags, domain):
                counted.setdefault(part, Counter())[type] += number
            start = piece.end
        return [
            Tally(start=period.start + part * step_seconds, counts=dict(counts))
            for part, counts in sorted(counted.items())
        ]

    async def _counted(
        self,
        account_id: int,
        origin: float,
        piece: Period,
        step_seconds: int,
        tags: tuple[str, ...],
        domain: str | None,
    ) -> list[Any]:
        def work(connection: Connection) -> list[Any]:
            ordered = by_rarity(connection, account_id, tags, piece)
            query = _of_tag(account_id, piece, ordered) if ordered else _of_account(account_id, piece)
            if domain is not None:
                query = query.where(events.c.recipient.endswith(f"@{domain}", autoescape=True))
            passed = (events.c.at - origin) / step_seconds
            # SQLite cuts off and need not have floor(); PostgreSQL would round.
            part = cast(passed if connection.dialect.name == "sqlite" else func.floor(passed), Integer)
            counted = query.with_only_columns(part, events.c.type, func.count())
            return list(connection.execute(counted.group_by(part, events.c.type)).all())

        return await self._database.read(work)


def _read_totals(connection: Connection, query: Select[Any]) -> list[TagTotals]:
    return [TagTotals(**row) for row in connection.execute(query).mappings()]


def _of_account(account_id: int, piece: Period) -> Select[Any]:
    types = events.c.type.in_(("attempt", "delivery", "failure", "bounce", "open", "click", "abuse"))
    return select(events).where(events.c.account_id == account_id, types, *within(events.c.at, piece))


def _of_tag(account_id: int, piece: Period, tags: list[str]) -> Select[Any]:
    first, *others = tags
    return (
        select(events)
        .join_from(event_tags, events, events.c.id == event_tags.c.event_id)
        .where(event_tags.c.account_id == account_id, event_tags.c.tag == first, *within(event_tags.c.at, piece))
        .where(*map(has_tag, others))
    )
