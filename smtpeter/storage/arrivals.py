"""Inserts what comes in, many at a time: submissions with their messages, and events."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, text

from smtpeter.model.event import Event
from smtpeter.model.message import Submission
from smtpeter.model.queue import Node
from smtpeter.storage.rows import event_row, message_rows, submission_row
from smtpeter.storage.tables import contents, events, messages, submissions

_INSERT_SUBMISSIONS = insert(submissions)
_INSERT_CONTENTS = insert(contents)
_INSERT_MESSAGES = insert(messages)
_INSERT_EVENTS = insert(events)

_ORDER_EVENTS = text("SELECT pg_advisory_xact_lock(7368769)")


def insert_submissions(connection: Connection, arrived: Sequence[tuple[Submission, Node | None]]) -> None:
    """
    Insert submissions, their contents and their messages.

    @param arrived: each with the claim that its messages get.
    """
    if not arrived:
        return
    connection.execute(_INSERT_SUBMISSIONS, [submission_row(submission) for submission, _ in arrived])
    connection.execute(
        _INSERT_CONTENTS, [{"submission_id": submission.id, "content": submission.content} for submission, _ in arrived]
    )
    rows = [row for submission, claim in arrived for row in message_rows(submission, claim)]
    if rows:
        connection.execute(_INSERT_MESSAGES, rows)


def insert_events(connection: Connection, happened: Iterable[Event]) -> None:
    """
    Append to the journal: every event goes through here.

    A reader follows the journal by C{id > cursor}, so ids must become visible in their order. SQLite has one writer at
    a time. On PostgreSQL a lock makes the transactions that append take turns from here to their commit. (Reading below
    C{pg_snapshot_xmin} alone would not do: a transaction may have got its number before another and its event ids
    after it, by writing something else first.)
    """
    rows = [event_row(event) for event in happened]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_ORDER_EVENTS)
    connection.execute(_INSERT_EVENTS, rows)
