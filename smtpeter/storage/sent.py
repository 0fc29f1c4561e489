"""Reads single messages with what they are a part of, for the account that sent them."""

from typing import Any

from attrs import define
from sqlalchemy import Connection, Select, select
from typing_extensions import override

from smtpeter.boundaries.archive import SentStore
from smtpeter.model.archive import SentEnvelope
from smtpeter.model.message import Message, Submission
from smtpeter.storage.contents import read_contents
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_recipient, read_submission
from smtpeter.storage.tables import messages, submissions
from smtpeter.storage.tags import is_storable


@define(eq=False, kw_only=True)
class StoredSent(SentStore):
    """Messages by account and id."""

    _database: Database

    @override
    async def envelope(self, account_id: int, message_id: str) -> SentEnvelope | None:
        """Its addresses (L{SentStore.envelope})."""
        if not is_storable(message_id):
            return None
        query = _of(account_id, message_id, submissions.c.reverse_path, messages.c.recipient)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return None if row is None else SentEnvelope(**row)

    @override
    async def submission(self, account_id: int, message_id: str) -> Submission | None:
        """What it is a part of (L{SentStore.submission})."""
        if not is_storable(message_id):
            return None
        return await self._database.read(lambda connection: _submission(connection, account_id, message_id))


def _of(account_id: int, message_id: str, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id, messages.c.account_id == account_id)
    )


def _submission(connection: Connection, account_id: int, message_id: str) -> Submission | None:
    told = (messages.c.id, messages.c.submission_id, messages.c.recipient, messages.c.dsn, messages.c.domain)
    others = (column for column in submissions.c if column.name != "id")
    row = connection.execute(_of(account_id, message_id, *told, *others)).first()
    if row is None:
        return None
    content = read_contents(connection, [row.submission_id]).get(row.submission_id)
    if content is None:
        return None
    message = Message(id=row.id, recipient=read_recipient(row.recipient, row.dsn), domain=row.domain)
    return read_submission(row, content, [message])
