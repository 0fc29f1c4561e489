"""Requests of the REST API that were granted under a key, and mail as it was handed in."""

from collections.abc import Sequence
from typing import Any

from attrs import define
from sqlalchemy import Connection, Row, delete, insert, select
from typing_extensions import override

from smtpeter.boundaries.requests import Earlier, RequestLog, SentMail
from smtpeter.model.message import KEPT_SECONDS, Draft, Once, Submission
from smtpeter.storage.contents import read_contents
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_features, read_recipient, read_texts, read_trace
from smtpeter.storage.tables import messages, requests, submissions
from smtpeter.storage.tags import is_storable


def insert_requests(connection: Connection, granted: Sequence[tuple[Submission, Once]]) -> None:
    """
    Keep the keys of requests, in the transaction of their messages, and forget those that count no longer.

    @raise IntegrityError: a key is there already.
    """
    if not granted:
        return
    newest = max(submission.received_at for submission, _ in granted)
    connection.execute(delete(requests).where(requests.c.created_at < newest - KEPT_SECONDS))
    rows = [
        {
            "account_id": submission.account_id,
            "key": once.key,
            "fingerprint": once.fingerprint,
            "submission_id": submission.id,
            "created_at": submission.received_at,
        }
        for submission, once in granted
    ]
    connection.execute(insert(requests), rows)


@define(eq=False, kw_only=True)
class StoredRequests(RequestLog, SentMail):
    """What clients asked before."""

    _database: Database

    @override
    async def find_request(self, account_id: int, key: str, since: float) -> Earlier | None:
        """What was asked under a key (L{RequestLog.find_request})."""
        return await self._database.read(lambda connection: _find(connection, account_id, key, since))

    @override
    async def find_draft(self, account_id: int, message_id: str) -> Draft | None:
        """What was handed in (L{SentMail.find_draft})."""
        return await self._database.read(lambda connection: _find_draft(connection, account_id, message_id))


def _find(connection: Connection, account_id: int, key: str, since: float) -> Earlier | None:
    named = (requests.c.account_id == account_id, requests.c.key == key, requests.c.created_at >= since)
    found = connection.execute(select(requests.c.fingerprint, requests.c.submission_id).where(*named)).one_or_none()
    if found is None:
        return None
    query = select(messages.c.id, messages.c.recipient).where(messages.c.submission_id == found.submission_id)
    recipients = {row.id: row.recipient for row in connection.execute(query.order_by(messages.c.id))}
    return Earlier(fingerprint=found.fingerprint, recipients=recipients)


def _find_draft(connection: Connection, account_id: int, message_id: str) -> Draft | None:
    if not is_storable(message_id):
        return None
    query = (
        select(messages.c.recipient, messages.c.dsn, submissions)
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id, messages.c.account_id == account_id)
    )
    found = connection.execute(query).one_or_none()
    content = {} if found is None else read_contents(connection, [found.id])
    return _draft(found, content[found.id]) if found is not None and found.id in content else None


def _draft(row: Row[Any], content: bytes) -> Draft:
    return Draft(
        account_id=row.account_id,
        login_id=None,
        features=read_features(row.features),
        reverse_path=row.reverse_path,
        recipients=(read_recipient(row.recipient, row.dsn),),
        content=content,
        trace=read_trace(row.trace),
        ret=row.ret,
        envid=row.envid,
        is_utf8=row.is_utf8,
        tags=read_texts(row.tags),
    )
