"""
Removes what is old, a bounded step at a time.

Ids are in the order of time (L{smtpeter.model.identity}), so the oldest rows stand at the front of a table and a step
is a range of its key. A step first looks which rows it is about, among the readers, and writes only when there are
some; the writer asks again whether a message still waits, in the statement that removes.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, delete, func, select

from smtpeter.model.archive import Swept
from smtpeter.model.identity import first_id
from smtpeter.model.message import State
from smtpeter.storage.database import Database
from smtpeter.storage.packing import drop_packed, take_turn
from smtpeter.storage.tables import contents, events, messages, packed_contents, returns, submissions
from smtpeter.storage.tags import drop_tags

MAX_BYTES = 16 * 1024 * 1024
"""A step removes contents of so much at most (or a single one): SQLite visits every page that it frees."""

_others = messages.alias("others")
_TAGGED = (events.c.id, events.c.account_id, events.c.at, events.c.tags)


def is_finished(submission_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether no message of a submission may still be sent."""
    waits = _others.c.state.in_((State.QUEUED.value, State.HELD.value))
    return ~select(_others.c.id).where(_others.c.submission_id == submission_id, waits).exists()


async def drop_contents(database: Database, before: float, after: str, limit: int) -> Swept:
    """Remove contents that are not packed."""
    found = await database.read(lambda connection: _front(connection, contents.c.submission_id, before, after, limit))
    keys, column = [row.key for row in found], contents.c.submission_id

    def work(connection: Connection) -> int:
        return connection.execute(delete(contents).where(column.in_(keys), is_finished(column))).rowcount

    return Swept(removed=await database.transaction(work) if keys else 0, next=keys[-1] if keys else None)


async def drop_packed_contents(database: Database, before: float, after: str, limit: int) -> Swept:
    """Remove packed contents, and pieces that no content needs any more."""
    column = packed_contents.c.submission_id
    found = await database.read(lambda connection: _front(connection, column, before, after, limit))
    keys = [row.key for row in found]

    def work(connection: Connection) -> int | None:
        return drop_packed(connection, column.in_(keys) & is_finished(column)) if take_turn(connection) else None

    removed = await database.transaction(work) if keys else None
    return Swept(removed=removed or 0, next=None if removed is None else keys[-1])


def _front(connection: Connection, column: Column[str], before: float, after: str, limit: int) -> Sequence[Any]:
    """The oldest contents, no more than a step may remove."""
    query = (
        select(column.label("key"), func.coalesce(submissions.c.size_bytes, 0).label("size_bytes"))
        .select_from(column.table.outerjoin(submissions, submissions.c.id == column))
        .where(column > after, column < first_id(before))
        .order_by(column)
        .limit(limit)
    )
    return within(connection.execute(query).all(), MAX_BYTES)


def within(rows: Sequence[Any], max_bytes: int, counts: Callable[[Any], bool] = lambda row: True) -> Sequence[Any]:
    """The first rows whose sizes, of those that count, fit; one that counts at least."""
    size = 0
    for place, row in enumerate(rows):
        added = row.size_bytes if counts(row) else 0
        if size and size + added > max_bytes:
            return rows[:place]
        size += added
    return rows


async def drop_returns(database: Database, before: float, after: str, limit: int) -> Swept:
    """Remove mail that came back."""
    query = (
        select(returns.c.id, func.length(returns.c.content).label("size_bytes"))
        .where(returns.c.id > after, returns.c.id < first_id(before))
        .order_by(returns.c.id)
        .limit(limit)
    )
    found = await database.read(lambda connection: within(connection.execute(query).all(), MAX_BYTES))
    keys = [row.id for row in found]

    def work(connection: Connection) -> int:
        return connection.execute(delete(returns).where(returns.c.id.in_(keys))).rowcount

    return Swept(removed=await database.transaction(work) if keys else 0, next=keys[-1] if keys else None)


async def drop_events(database: Database, before: float, after: str, limit: int) -> Swept:
    """Remove events, from the front of the journal up to a page that has none of that age."""
    page = select(events.c.id, events.c.at).where(events.c.id > int(after or 0)).order_by(events.c.id).limit(limit)
    found = await database.read(lambda connection: connection.execute(page).all())
    keys = [row.id for row in found if row.at < before]
    if not keys:
        return Swept(removed=0, next=None)
    of_waiting = select(messages.c.id).where(
        messages.c.id == events.c.message_id, ~is_finished(messages.c.submission_id)
    )

    goes = delete(events).where(events.c.id.in_(keys), ~of_waiting.exists())

    def work(connection: Connection) -> int:
        removed = connection.execute(goes.returning(*_TAGGED)).all()
        drop_tags(connection, removed, before)
        return len(removed)

    return Swept(removed=await database.transaction(work), next=str(found[-1].id))


async def drop_submissions(database: Database, before: float, after: str, limit: int) -> Swept:
    """
    Remove submissions, and their messages, when their content is gone. Of one with very many recipients the messages go
    in several steps.
    """
    found = await database.read(lambda connection: _old_submissions(connection, before, after, limit))
    if not found:
        return Swept(removed=0, next=None)
    removed = await database.transaction(lambda connection: _drop_submissions(connection, found, limit))
    is_all = removed < limit
    return Swept(removed=removed, next=found[-1] if is_all else after)


def _old_submissions(connection: Connection, before: float, after: str, limit: int) -> Sequence[str]:
    query = select(submissions.c.id).where(submissions.c.id > after, submissions.c.id < first_id(before))
    return connection.scalars(query.order_by(submissions.c.id).limit(limit)).all()


def _drop_submissions(connection: Connection, keys: Collection[str], limit: int) -> int:
    """@return: how many messages were removed."""
    goes = (
        submissions.c.id.in_(keys),
        is_finished(submissions.c.id),
        ~select(contents).where(contents.c.submission_id == submissions.c.id).exists(),
        ~select(packed_contents).where(packed_contents.c.submission_id == submissions.c.id).exists(),
    )
    of_old = messages.c.submission_id.in_(select(submissions.c.id).where(*goes))
    ids = connection.scalars(select(messages.c.id).where(of_old).limit(limit)).all()
    removed = connection.execute(delete(messages).where(messages.c.id.in_(ids))).rowcount
    left = select(messages.c.id).where(messages.c.submission_id == submissions.c.id)
    connection.execute(delete(submissions).where(*goes, ~left.exists()))
    return removed
