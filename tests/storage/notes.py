"""A table of notes in a file, and what writes to it: shared by the tests of the database and of its groups."""

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, select
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.support.database import InlineLanes, close, inline_database, now

metadata = MetaData()
notes = Table(
    "notes", metadata, Column("id", Integer, primary_key=True), Column("note", Text, nullable=False, unique=True)
)


def write(note: str) -> Callable[[Connection], str]:
    """A transaction that adds a note."""

    def work(connection: Connection) -> str:
        connection.execute(insert(notes).values(note=note))
        return note

    return work


def write_all(connection: Connection, items: Sequence[str]) -> list[str]:
    """Add notes in bulk; tells what each was called together with."""
    connection.execute(insert(notes), [{"note": item} for item in items])
    return [f"{item} of {len(items)}" for item in items]


def read_all(connection: Connection) -> list[str]:
    """All notes in the order in which they were written."""
    return list(connection.scalars(select(notes.c.note).order_by(notes.c.id)))


def _exception(failure: Failure) -> BaseException | None:
    return failure.value


class NotesCase(SynchronousTestCase):
    busy_seconds = 0.0

    @override
    def setUp(self) -> None:
        self.path = self.mktemp()
        self.lanes = InlineLanes()
        self.database = inline_database(f"sqlite:///{self.path}", self.lanes, self.busy_seconds)
        self.addCleanup(close, self.database)
        now(self.database.transaction(metadata.create_all))

    def together(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        """Let works queue up as behind a slow commit, and tell what became of each, exceptions too."""
        self.lanes.hold()
        outcomes: list[Any] = []
        waiting = [Deferred.fromCoroutine(work) for work in works]
        for deferred in waiting:
            _ = deferred.addErrback(_exception)
            _ = deferred.addCallback(outcomes.append)
        self.assertEqual(outcomes, [])
        self.lanes.let_go()
        return outcomes

    def notes(self) -> list[str]:
        """What another process sees."""
        with closing(sqlite3.connect(self.path)) as other:
            return [row[0] for row in other.execute("SELECT note FROM notes ORDER BY id")]
