"""Monitors of data requests: which are to be told, and that they were."""

from typing import Any

from attrs import define
from sqlalchemy import Connection, Row, func, select, update
from typing_extensions import override

from smtpeter.boundaries.inquiries import MonitorShelf
from smtpeter.model.inquiry import Telling
from smtpeter.model.message import Submission
from smtpeter.storage.arrivals import insert_submissions
from smtpeter.storage.database import Database
from smtpeter.storage.inquiries import read_inquiry
from smtpeter.storage.inquiry_tables import IS_TO_BE_TOLD, inquiries


@define(eq=False, kw_only=True)
class StoredMonitors(MonitorShelf):
    """The times at which monitors are told, beside the data requests."""

    _database: Database

    @override
    async def due(self, now: float, limit: int) -> list[Telling]:
        """Those whose time has come (L{MonitorShelf.due})."""
        place = func.row_number().over(partition_by=inquiries.c.account_id, order_by=inquiries.c.tell_at)
        waiting = select(inquiries, place.label("place")).where(IS_TO_BE_TOLD, inquiries.c.tell_at <= now).subquery()
        query = select(waiting).where(waiting.c.place == 1).order_by(waiting.c.tell_at).limit(limit)
        return await self._database.read(lambda connection: [_read(row) for row in connection.execute(query)])

    @override
    async def claim(self, telling: Telling, until: float) -> bool:
        """Count a try before it is made, so that a crash does not repeat it at once (L{MonitorShelf.claim})."""
        same = (inquiries.c.id == telling.inquiry.id, inquiries.c.tries == telling.tries)
        taken = update(inquiries).where(*same, IS_TO_BE_TOLD).values(tell_at=until, tries=telling.tries + 1)
        return await self._database.transaction(lambda connection: connection.execute(taken).rowcount == 1)

    @override
    async def end(self, telling: Telling) -> None:
        """Nobody is told any more (L{MonitorShelf.end})."""
        await self._database.transaction(lambda connection: _end(connection, telling))

    @override
    async def send(self, telling: Telling, letter: Submission) -> bool:
        """Queue the letter (L{MonitorShelf.send})."""

        def work(connection: Connection) -> bool:
            is_first = _end(connection, telling)
            insert_submissions(connection, [(letter, None)] if is_first else [])
            return is_first

        return await self._database.transaction(work)


def _end(connection: Connection, telling: Telling) -> bool:
    """The monitor is not kept for longer than it is needed: a URL may carry a secret."""
    ended = update(inquiries).where(inquiries.c.id == telling.inquiry.id, IS_TO_BE_TOLD)
    return connection.execute(ended.values(tell_at=None, monitor=None)).rowcount == 1


def _read(row: Row[Any]) -> Telling:
    return Telling(inquiry=read_inquiry(row), ready_at=row.ready_at, tries=row.tries)
