"""A table of notes in a database, and what writes to it: shared by the tests of the database and of its groups."""

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, select
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from typing_extensions import override

from smtpeter.storage.database import Database
from tests.support.database import InlineLanes, Lanes, close, inline_database, now, threaded_database
from tests.support.foreground import FOREGROUND
from tests.support.postgresql import PostgreSQLServer, postgresql
from tests.support.threaded import HeldLanes

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

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
    """What the laws of notes have in common."""

    busy_seconds = 0.0
    database: Database
    lanes: Lanes

    def open_notes(self) -> None:
        """Set the database, without tables, and its lanes; both are gone when the test ends."""
        raise NotImplementedError

    def notes(self) -> list[str]:
        """What another process sees."""
        raise NotImplementedError

    @override
    def setUp(self) -> None:
        self.open_notes()
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
        FOREGROUND.wait(lambda: len(outcomes) == len(waiting))
        return outcomes


class NotesInFile(NotesCase):
    """Notes in an SQLite file, without threads."""

    @override
    def open_notes(self) -> None:
        self.path = self.mktemp()
        self.lanes = InlineLanes()
        self.database = inline_database(f"sqlite:///{self.path}", self.lanes, self.busy_seconds)
        self.addCleanup(close, self.database)

    @override
    def notes(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as other:
            return [row[0] for row in other.execute("SELECT note FROM notes ORDER BY id")]


class NotesOnPostgreSQL(NotesCase):
    """Notes on PostgreSQL, with threads."""

    busy_seconds = 5.0
    server: PostgreSQLServer
    name: str

    @override
    def open_notes(self) -> None:
        self.server = postgresql()
        self.name = self.server.make_database()
        self.addCleanup(self.server.drop_database, self.name)
        self.lanes = HeldLanes()
        self.database = threaded_database(self.server.url(self.name), self.lanes, self.busy_seconds)
        self.addCleanup(close, self.database)

    @override
    def notes(self) -> list[str]:
        return [str(note) for (note,) in self.server.execute("SELECT note FROM notes ORDER BY id", self.name)]
