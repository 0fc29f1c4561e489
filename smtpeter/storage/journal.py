"""The journal of events: visits are appended, readers follow it by cursor."""

from collections.abc import Sequence

from attrs import define, evolve
from sqlalchemy import Connection, select
from typing_extensions import override

from smtpeter.boundaries.events import EventReader, Journal
from smtpeter.model.event import Event
from smtpeter.model.visit import Visit
from smtpeter.storage.arrivals import insert_events
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_event, read_texts
from smtpeter.storage.tables import events, messages, submissions


@define(eq=False, kw_only=True)
class StoredJournal(Journal, EventReader):
    """What happened to messages, in order."""

    _database: Database

    @override
    async def record_visits(self, visits: Sequence[Visit]) -> None:
        """Append clicks and opens, together with others (L{Journal.record_visits})."""
        await self._database.together(_append_visits, tuple(visits))

    @override
    async def events_after(
        self, cursor: int, limit: int, account_id: int | None = None, message_id: str | None = None
    ) -> list[Event]:
        """A page of the journal (L{EventReader.events_after})."""
        query = select(events).where(events.c.id > cursor).order_by(events.c.id).limit(limit)
        if account_id is not None:
            query = query.where(events.c.account_id == account_id)
        if message_id is not None:
            query = query.where(events.c.message_id == message_id)
        return await self._database.read(lambda connection: [read_event(row) for row in connection.execute(query)])


def _append_visits(connection: Connection, groups: Sequence[tuple[Visit, ...]]) -> None:
    """Account, recipient and tags are those of the messages; one query finds them all."""
    visits = [visit for group in groups for visit in group]
    query = (
        select(messages.c.id, messages.c.account_id, messages.c.recipient, submissions.c.tags)
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id.in_({visit.message_id for visit in visits}))
    )
    templates = {
        row.id: Event(
            message_id=row.id,
            account_id=row.account_id,
            type="open",
            at=0.0,
            recipient=row.recipient,
            tags=read_texts(row.tags),
        )
        for row in connection.execute(query)
    }
    insert_events(
        connection,
        [
            evolve(templates[visit.message_id], type=visit.type, at=visit.at, data=visit.data)
            for visit in visits
            if visit.message_id in templates
        ],
    )
