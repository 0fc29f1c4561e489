"""Inserts what comes in, many at a time: submissions with their messages, and events."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import Connection, insert, text

from smtpeter.model.event import Event
from smtpeter.model.message import Submission
from smtpeter.model.queue import Node
from smtpeter.storage.bulk import Bulk
from smtpeter.storage.rows import Row, event_row, message_rows, submission_row
from smtpeter.storage.tables import contents, events, messages, submissions
from smtpeter.storage.tags import insert_tags, newest_event

_INSERT_SUBMISSIONS = Bulk(insert(submissions), tuple(submissions.c.keys()))
_INSERT_CONTENTS = Bulk(insert(contents), tuple(contents.c.keys()))
_INSERT_MESSAGES = Bulk(insert(messages), tuple(messages.c.keys()))
_INSERT_EVENTS = Bulk(insert(events).inline(), tuple(column.name for column in events.c if column is not events.c.id))

_ORDER_EVENTS = text("SELECT pg_advisory_xact_lock(7368769)")


def insert_submissions(
    connection: Connection,
    arrived: Sequence[tuple[Submission, Node | None]],
    ended: Mapping[str, Row] = MappingProxyType({}),
) -> None:
    """
    Insert submissions, their contents and their messages.

    @param arrived: each with the claim that its messages get.
    @param ended: what the rows of messages say that are not to be sent, by their ids.
    """
    if not arrived:
        return
    _INSERT_SUBMISSIONS.execute(connection, [submission_row(submission) for submission, _ in arrived])
    _INSERT_CONTENTS.execute(
        connection, [{"submission_id": submission.id, "content": submission.content} for submission, _ in arrived]
    )
    rows = [row for submission, claim in arrived for row in message_rows(submission, claim)]
    if ended:
        rows = [{**row, **ended.get(row["id"], {})} for row in rows]
    if rows:
        _INSERT_MESSAGES.execute(connection, rows)


def take_turn(connection: Connection) -> None:
    """
    Wait until no other transaction appends events, and let none do so until this one ends. Who looks which events there
    are before it writes another calls this first.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ORDER_EVENTS)


def insert_events(connection: Connection, happened: Iterable[Event]) -> None:
    """
    Append to the journal: every event goes through here.

    A reader follows the journal by C{id > cursor}, so ids must become visible in their order. SQLite has one writer at
    a time. On PostgreSQL a lock makes the transactions that append take turns from here to their commit. (Reading below
    C{pg_snapshot_xmin} alone would not do: a transaction may have got its number before another and its event ids
    after it, by writing something else first.)
    """
    told = list(happened)
    if not told:
        return
    take_turn(connection)
    is_tagged = any(event.tags for event in told)
    newest = newest_event(connection) if is_tagged else 0
    _INSERT_EVENTS.execute(connection, [event_row(event) for event in told])
    if is_tagged:
        insert_tags(connection, told, newest)
