"""The queue for an operator: counts by domain, one message with its events, commands."""

from collections.abc import Sequence
from typing import Any

from attrs import define
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, true, union_all
from typing_extensions import override

from smtpeter.boundaries.queue import QueueView
from smtpeter.model.message import State
from smtpeter.model.queue import Command, DestinationCount, MessageView
from smtpeter.storage import commands
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_event, read_features, read_texts
from smtpeter.storage.tables import IS_CLAIMED, IS_WAITING, events, messages, submissions


@define(eq=False, kw_only=True)
class StoredQueueView(QueueView):
    """Reads beside the running servers, and leaves commands for them."""

    _database: Database

    @override
    async def destinations(self, account_id: int | None = None) -> list[DestinationCount]:
        """Queued messages by recipient domain, largest first (L{QueueView.destinations})."""
        return await self._database.read(lambda connection: _destinations(connection, account_id))

    @override
    async def message(self, message_id: str) -> MessageView | None:
        """One message with its events (L{QueueView.message})."""
        if "\0" in message_id:
            return None
        return await self._database.read(lambda connection: _message(connection, message_id))

    @override
    async def add_command(self, command: Command, now: float) -> int:
        """Leave a command for the servers (L{QueueView.add_command})."""
        return await self._database.transaction(lambda connection: commands.add(connection, command, now))


def _destinations(connection: Connection, account_id: int | None) -> list[DestinationCount]:
    of_account = true() if account_id is None else messages.c.account_id == account_id
    queued = union_all(
        _queued(and_(IS_WAITING, of_account)),
        _queued(and_(IS_CLAIMED, messages.c.state == State.QUEUED.value, of_account)),
    ).subquery()
    count = func.count().label("count")
    query = (
        select(queued.c.domain, count, func.min(queued.c.received_at), func.min(queued.c.next_attempt_at))
        .group_by(queued.c.domain)
        .order_by(count.desc(), queued.c.domain)
    )
    return [
        DestinationCount(
            domain=domain,
            messages=number,
            oldest_at=oldest_at,
            next_attempt_at=next_attempt_at,
            reason=_reason(connection, domain, of_account),
        )
        for domain, number, oldest_at, next_attempt_at in connection.execute(query)
    ]


def _queued(condition: ColumnElement[bool]) -> Select[Any]:
    """Claimed and waiting messages have an index each, so each are asked for by themselves."""
    return select(messages.c.domain, messages.c.received_at, messages.c.next_attempt_at).where(condition)


def _reason(connection: Connection, domain: str, of_account: ColumnElement[bool]) -> str:
    """The last reply of the waiting message that is tried next; without one, of a claimed one."""
    waiting = select(messages.c.last_reply).where(IS_WAITING, messages.c.domain == domain, of_account)
    reply = connection.scalar(waiting.order_by(messages.c.due_at).limit(1))
    if reply is None:
        claimed = select(messages.c.last_reply).where(IS_CLAIMED, messages.c.domain == domain, of_account)
        reply = connection.scalar(claimed.order_by(messages.c.next_attempt_at).limit(1))
    return reply or ""


def _message(connection: Connection, message_id: str) -> MessageView | None:
    query = (
        select(
            messages,
            submissions.c.reverse_path,
            submissions.c.features,
            submissions.c.tags,
            submissions.c.warnings,
            submissions.c.size_bytes,
        )
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    happened = connection.execute(select(events).where(events.c.message_id == message_id).order_by(events.c.id))
    return _view(row, happened.all())


def _view(row: Any, happened: Sequence[Any]) -> MessageView:
    return MessageView(
        id=row.id,
        submission_id=row.submission_id,
        account_id=row.account_id,
        recipient=row.recipient,
        reverse_path=row.reverse_path,
        state=State(row.state),
        attempts=row.attempts,
        received_at=row.received_at,
        expires_at=row.expires_at,
        next_attempt_at=row.next_attempt_at,
        last_reply=row.last_reply,
        features=read_features(row.features).enabled(),
        tags=read_texts(row.tags),
        warnings=read_texts(row.warnings),
        size_bytes=row.size_bytes,
        events=tuple(read_event(one) for one in happened),
    )
