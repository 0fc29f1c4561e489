"""The queue in figures: counts from indices alone."""

from typing import Any

from attrs import define
from sqlalchemy import Connection, Select, and_, func, select, union_all
from typing_extensions import override

from smtpeter.boundaries.metrics import QueueCounts
from smtpeter.model.message import State
from smtpeter.storage.database import Database
from smtpeter.storage.tables import IS_CLAIMED, IS_WAITING, messages


@define(eq=False, kw_only=True)
class StoredQueueCounts(QueueCounts):
    """Counts beside the running servers. A million waiting messages take some 70 ms of a reader."""

    _database: Database

    @override
    async def by_domain(self, limit: int) -> tuple[dict[str, int], int]:
        """How many messages are queued (L{QueueCounts.by_domain})."""
        return await self._database.read(lambda connection: _by_domain(connection, limit))

    @override
    async def next_due(self) -> float | None:
        """Since when the most overdue message waits (L{QueueCounts.next_due})."""
        query = select(func.min(messages.c.due_at)).where(IS_WAITING)
        return await self._database.read(lambda connection: connection.scalar(query))


_WAITING: Select[Any] = (
    select(messages.c.domain, func.count().label("number")).where(IS_WAITING).group_by(messages.c.domain)
)
_CLAIMED: Select[Any] = (
    select(messages.c.domain, func.count().label("number"))
    .where(and_(IS_CLAIMED, messages.c.state == State.QUEUED.value))
    .group_by(messages.c.domain)
)


def _by_domain(connection: Connection, limit: int) -> tuple[dict[str, int], int]:
    both = union_all(_WAITING, _CLAIMED).subquery()
    number = func.sum(both.c.number)
    query = (
        select(both.c.domain, number.label("number"), func.sum(number).over().label("total"))
        .group_by(both.c.domain)
        .order_by(number.desc(), both.c.domain)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return {row.domain: int(row.number) for row in rows}, int(rows[0].total) if rows else 0
