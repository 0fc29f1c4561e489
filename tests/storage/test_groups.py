"""Tests of L{smtpeter.storage.groups}: what is committed together, and what happens to it when the database fails."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from smtpeter.boundaries.storage import StorageBusy, StorageFull
from tests.storage.notes import NotesCase, NotesInFile, NotesOnPostgreSQL, read_all, write, write_all
from tests.support.database import InlineLanes, close, inline_database, now, threaded_database


class GroupLaws(NotesCase):
    """Operations that were queued at the same time."""

    def test_isolated(self) -> None:
        """One transaction's failure in a group undoes only its own."""

        def poison(connection: Connection) -> None:
            write("half")(connection)
            write("a")(connection)

        first, second, third = self.together(
            self.database.transaction(write("a")),
            self.database.transaction(poison),
            self.database.transaction(write("b")),
        )
        self.assertEqual((first, third), ("a", "b"))
        self.assertIsInstance(second, IntegrityError)
        self.assertEqual(self.notes(), ["a", "b"])

    def test_one_commit(self) -> None:
        """What has queued up is one transaction: nothing of it is visible before all of it is."""
        seen: list[list[str]] = []

        def look(connection: Connection) -> None:
            seen.append(self.notes())

        self.together(
            self.database.transaction(write("a")),
            self.database.together(write_all, "b"),
            self.database.transaction(look),
        )
        self.assertEqual(seen, [[]])
        self.assertEqual(self.notes(), ["a", "b"])

    def test_bulk(self) -> None:
        """Equal operations are one call, in their order; each gets its own result."""
        works = [self.database.together(write_all, str(number)) for number in range(5)]
        self.assertEqual(self.together(*works), [f"{number} of 5" for number in range(5)])
        self.assertEqual(self.notes(), ["0", "1", "2", "3", "4"])

    def test_unlike_are_not_joined(self) -> None:
        """Operations of different kinds are calls of their own."""

        def others(connection: Connection, items: Sequence[str]) -> list[str]:
            return [f"other {item} of {len(items)}" for item in items]

        outcomes = self.together(
            self.database.together(write_all, "a"),
            self.database.together(others, "b"),
            self.database.together(write_all, "c"),
        )
        self.assertEqual(outcomes, ["a of 2", "c of 2", "other b of 1"])

    def test_poison(self) -> None:
        """An item that cannot be written fails alone; the others of its call are written."""
        now(self.database.transaction(write("taken")))
        outcomes = self.together(*(self.database.together(write_all, item) for item in ("a", "taken", "b")))
        self.assertEqual([outcomes[0], outcomes[2]], ["a of 1", "b of 1"])
        self.assertIsInstance(outcomes[1], IntegrityError)
        self.assertEqual(self.notes(), ["taken", "a", "b"])

    def test_no_results(self) -> None:
        """A bulk work that returns nothing answers each item with C{None}."""

        def silent(connection: Connection, items: Sequence[str]) -> None:
            write_all(connection, items)

        self.assertEqual(self.together(*(self.database.together(silent, item) for item in "ab")), [None, None])

    def test_wrong_number_of_results(self) -> None:
        """A bulk work that returns too few results is told so, and nobody waits for ever."""
        outcomes = self.together(*(self.database.together(lambda connection, items: [1, 2], item) for item in "a"))
        self.assertIsInstance(outcomes[0], RuntimeError)

    def test_group_limit(self) -> None:
        """A group has at most 256 operations."""
        sizes: list[int] = []

        def measure(connection: Connection, items: Sequence[int]) -> None:
            sizes.append(len(items))

        self.together(*(self.database.together(measure, number) for number in range(600)))
        self.assertEqual(sizes, [256, 256, 88])


class FileGroupTests(NotesInFile, GroupLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLGroupTests(NotesOnPostgreSQL, GroupLaws, SynchronousTestCase):
    """On PostgreSQL."""


class FailingLaws(NotesCase):
    """Operations that fail in odd ways."""

    def test_fatal(self) -> None:
        """Even what is no ordinary exception reaches who waits: the thread lives on."""

        def exit(connection: Connection) -> None:
            raise SystemExit

        (outcome,) = self.together(self.database.transaction(exit))
        self.assertIsInstance(outcome, SystemExit)
        self.assertEqual(now(self.database.transaction(write("x"))), "x")


class PostgreSQLFailingTests(NotesOnPostgreSQL, FailingLaws, SynchronousTestCase):
    """PostgreSQL that fails; see also L{tests.storage.test_loss}."""

    def failing(self, state: str) -> type[Any]:
        """What becomes of a transaction in which the server fails with an SQLSTATE."""

        def work(connection: Connection) -> None:
            write("x")(connection)
            connection.exec_driver_sql(f"DO $$ BEGIN RAISE 'it fails' USING ERRCODE = '{state}'; END $$")

        (outcome,) = self.together(self.database.transaction(work))
        return type(outcome)

    def test_states(self) -> None:
        """A server that cannot work is busy; a statement that is wrong is a bug. Nothing is written in any case."""
        for state in ("25006", "40001", "53200", "53300", "55P03", "57014", "57P03", "58030", "XX001"):
            self.assertIs(self.failing(state), StorageBusy, state)
        for state in ("22001", "42501", "42P01", "0A000"):
            self.assertTrue(issubclass(self.failing(state), DBAPIError), state)
        self.assertEqual(self.notes(), [])

    def test_full(self) -> None:
        """A full disk is told as such to whom it concerns, and the others of the group are written."""
        self.assertIs(self.failing("53100"), StorageFull)

        def grow(connection: Connection) -> None:
            connection.exec_driver_sql("DO $$ BEGIN RAISE 'no space' USING ERRCODE = '53100'; END $$")

        small, large = self.together(self.database.together(write_all, "small"), self.database.transaction(grow))
        self.assertEqual(small, "small of 1")
        self.assertIsInstance(large, StorageFull)
        self.assertEqual(self.notes(), ["small"])

    def test_locked(self) -> None:
        """Behind a lock that somebody else keeps, a write is busy after a while."""
        now(self.database.transaction(write("x")))
        hasty = threaded_database(self.server.url(self.name), busy_seconds=0.2)
        self.addCleanup(close, hasty)

        def beside(connection: Connection) -> None:
            connection.exec_driver_sql("UPDATE notes SET note = note")
            with self.assertRaises(StorageBusy):
                now(hasty.transaction(lambda connection: connection.exec_driver_sql("DELETE FROM notes").close()))

        holder = inline_database(self.server.url(self.name))
        self.addCleanup(close, holder)
        now(holder.transaction(beside))
        self.assertEqual(self.notes(), ["x"])


class FileFailingTests(NotesInFile, FailingLaws, SynchronousTestCase):
    """SQLite that fails."""

    def test_full(self) -> None:
        """A full disk is told as such, loses nothing, and is over when there is space again."""
        now(self.database.transaction(write("before")))
        limit = now(self.database.transaction(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()))
        now(self.database.transaction(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {limit}").scalar()))
        with self.assertRaises(StorageFull):
            now(self.database.transaction(write("x" * 100_000)))
        small, large = self.together(
            self.database.together(write_all, "small"), self.database.together(write_all, "y" * 100_000)
        )
        self.assertEqual(small, "small of 1")
        self.assertIsInstance(large, StorageFull)
        now(self.database.transaction(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 100000").scalar()))
        now(self.database.transaction(write("z" * 100_000)))
        self.assertEqual(self.notes(), ["before", "small", "z" * 100_000])

    def test_locked(self) -> None:
        """While another process holds the lock writes are busy and reads go on; afterwards all is well."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first, second = self.together(self.database.transaction(write("x")), self.database.together(write_all, "y"))
            self.assertEqual([type(first), type(second)], [StorageBusy, StorageBusy])
            self.assertEqual(now(self.database.read(read_all)), [])
            other.execute("COMMIT")
        now(self.database.transaction(write("x")))
        self.assertEqual(self.notes(), ["x"])

    def test_undone_by_the_database(self) -> None:
        """When the database undoes the whole transaction, nobody of the group is told that it was written."""

        def broken(connection: Connection) -> None:
            connection.exec_driver_sql("ROLLBACK")
            raise sqlite3.OperationalError("disk I/O error")

        outcomes = self.together(
            self.database.transaction(write("x")),
            self.database.transaction(broken),
            self.database.together(write_all, "y"),
        )
        self.assertEqual([isinstance(outcome, Exception) for outcome in outcomes], [True, True, True])
        self.assertEqual(self.notes(), [])

    def test_logged_once(self) -> None:
        """The log tells when it begins to fail and when it works again, not each failure."""
        events: list[str] = []

        @implementer(ILogObserver)
        def observe(event: LogEvent) -> None:
            events.append(event["log_level"].name)

        self.database._log = Logger(observer=observe)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(3):
                self.together(self.database.transaction(write("x")))
            self.together(self.database.read(lambda connection: None))
            self.assertFalse(self.database.is_writable)
            self.assertEqual(events, ["error"])
        self.together(self.database.transaction(write("x")))
        self.assertTrue(self.database.is_writable)
        self.assertEqual(events, ["error", "info"])


class FailureTests(SynchronousTestCase):
    """What failures are shared."""

    def test_not_shared(self) -> None:
        """Each of a group gets an exception of its own, so that tracebacks do not grow together."""
        database = inline_database("sqlite:////nowhere/at/all.db", lanes := InlineLanes())
        lanes.hold()
        found: list[Failure] = []
        waiting = [Deferred.fromCoroutine(database.together(write_all, item)) for item in "ab"]
        for deferred in waiting:
            _ = deferred.addErrback(found.append)
        lanes.let_go()
        first, second = found
        self.assertIsNot(first.value, second.value)
