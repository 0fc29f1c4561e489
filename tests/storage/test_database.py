"""Tests of L{smtpeter.storage.database}."""

import sqlite3
from contextlib import ExitStack, closing
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.storage.database import POSTGRESQL_WRITERS, Database
from tests.storage.notes import NotesCase, NotesInFile, NotesOnPostgreSQL, notes, read_all, write, write_all
from tests.support.database import close, inline_database, now
from tests.support.foreground import FOREGROUND


class PragmaTests(NotesInFile, SynchronousTestCase):
    """How SQLite runs."""

    def pragma(self, name: str, reads: bool = False) -> object:
        run = self.database.read if reads else self.database.transaction
        return now(run(lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar()))

    def test_every_commit_is_synced(self) -> None:
        """The writer runs in WAL mode with synchronous=FULL (2), where each commit is an fsync."""
        self.assertEqual((self.pragma("journal_mode"), self.pragma("synchronous")), ("wal", 2))

    def test_foreign_keys(self) -> None:
        """Foreign keys are enforced."""
        self.assertEqual(self.pragma("foreign_keys"), 1)

    def test_reader_cannot_write(self) -> None:
        """A reader's connection refuses to write."""
        self.assertEqual(self.pragma("query_only", reads=True), 1)
        with self.assertRaises(Exception):  # noqa: B017
            now(self.database.read(write("x")))
        self.assertEqual(self.notes(), [])

    def test_ddl_is_transactional(self) -> None:
        """A table made by a transaction that fails does not exist, unlike with the driver's own transactions."""

        def work(connection: Any) -> None:
            connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            now(self.database.transaction(work))
        with closing(sqlite3.connect(self.path)) as other:
            found = other.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone()
        self.assertEqual(found, (0,))
        self.assertEqual(self.stock_tables(), [("half",)])

    def stock_tables(self) -> list[tuple[str]]:
        """What the driver's own transactions leave of the same."""
        with closing(sqlite3.connect(":memory:")) as stock:
            stock.execute("CREATE TABLE half (id INTEGER)")
            stock.rollback()
            return stock.execute("SELECT name FROM sqlite_master").fetchall()


class TransactionLaws(NotesCase):
    """One operation at a time."""

    unreachable: str

    def test_committed_before_answered(self) -> None:
        """When a result is there, another process sees what was written."""
        seen: list[list[str]] = []

        async def client() -> None:
            await self.database.transaction(write("first"))
            seen.append(self.notes())
            await self.database.together(write_all, "second")
            seen.append(self.notes())

        now(client())
        self.assertEqual(seen, [["first"], ["first", "second"]])

    def test_result(self) -> None:
        """A transaction's result is what its function returned."""
        self.assertEqual(now(self.database.transaction(write("x"))), "x")

    def test_failure_undone(self) -> None:
        """A failing transaction leaves nothing and tells its own exception."""

        def work(connection: Connection) -> None:
            write("x")(connection)
            raise LookupError("mine")

        with self.assertRaisesRegex(LookupError, "mine"):
            now(self.database.transaction(work))
        self.assertEqual(self.notes(), [])

    def test_constraint(self) -> None:
        """A broken constraint reaches the caller, who knows its name."""
        now(self.database.transaction(write("x")))
        with self.assertRaises(IntegrityError):
            now(self.database.transaction(write("x")))

    def test_wrong_statement(self) -> None:
        """A statement that is wrong is a bug, not a busy database."""
        with self.assertRaises(DBAPIError):
            now(self.database.transaction(lambda connection: connection.exec_driver_sql("SELECT * FROM nowhere")))

    def test_read_is_one_snapshot(self) -> None:
        """Two queries of one read see the same, whatever is committed between them."""

        def work(connection: Connection) -> tuple[int | None, int | None]:
            count = select(func.count()).select_from(notes)
            before = connection.scalar(count)
            self.write_beside("between")
            return before, connection.scalar(count)

        self.assertEqual(now(self.database.read(work)), (0, 0))
        self.assertEqual(now(self.database.read(read_all)), ["between"])

    def test_closed(self) -> None:
        """A closed database is busy; closing twice is harmless."""
        now(self.database.close())
        now(self.database.close())
        for work in (
            self.database.transaction(write("x")),
            self.database.together(write_all, "x"),
            self.database.read(read_all),
        ):
            with self.assertRaises(StorageBusy):
                now(work)

    def write_beside(self, note: str) -> None:
        """Commit a note by another connection, in any thread."""
        raise NotImplementedError

    def test_not_started(self) -> None:
        """Before the start nothing is opened, so that a fork takes no thread and no connection with it."""
        database = Database(url="sqlite:////nowhere/at/all", reactor=None, make_lane=self.lanes)  # type: ignore[arg-type]
        with self.assertRaises(StorageBusy):
            now(database.read(read_all))

    def test_unreachable(self) -> None:
        """A database that cannot be opened is busy."""
        database = inline_database(self.unreachable)
        with self.assertRaises(StorageBusy):
            now(database.transaction(write("x")))
        with self.assertRaises(StorageBusy):
            now(database.read(read_all))

    def test_cancelled(self) -> None:
        """Whoever stops waiting for a write does not stop it, nor anybody else's."""
        self.lanes.hold()
        impatient = Deferred.fromCoroutine(self.database.transaction(write("x")))
        patient = Deferred.fromCoroutine(self.database.transaction(write("y")))
        impatient.cancel()
        self.failureResultOf(impatient, CancelledError)
        self.lanes.let_go()
        FOREGROUND.wait(lambda: patient.called)
        self.assertEqual(self.successResultOf(patient), "y")
        self.assertEqual(self.notes(), ["x", "y"])


class FileTransactionTests(NotesInFile, TransactionLaws, SynchronousTestCase):
    """On SQLite."""

    unreachable = "sqlite:////nowhere/at/all.db"

    @override
    def write_beside(self, note: str) -> None:
        now(self.database.transaction(write(note)))


class PostgreSQLTransactionTests(NotesOnPostgreSQL, TransactionLaws, SynchronousTestCase):
    """On PostgreSQL."""

    unreachable = "postgresql+psycopg://postgres@127.0.0.1:1/nowhere"

    @override
    def write_beside(self, note: str) -> None:
        self.server.execute(f"INSERT INTO notes (note) VALUES ('{note}')", self.name)


class PostgreSQLSettingsTests(NotesOnPostgreSQL, SynchronousTestCase):
    """How PostgreSQL runs, whatever the server or the role says."""

    @override
    def open_notes(self) -> None:
        super().open_notes()
        for setting in (
            "synchronous_commit = off",
            "default_transaction_isolation = serializable",
            "default_transaction_read_only = on",
        ):
            self.server.execute(f"ALTER DATABASE {self.name} SET {setting}")

    def setting(self, name: str, reads: bool = False) -> object:
        run = self.database.read if reads else self.database.transaction
        return now(run(lambda connection: connection.exec_driver_sql(f"SHOW {name}").scalar()))

    def test_every_commit_is_synced(self) -> None:
        """All connections that write have synchronous_commit on; the server itself has it off."""
        opened = self.database._opened
        assert opened is not None
        with ExitStack() as stack:
            writers = [stack.enter_context(opened.writer.connect()) for _ in range(POSTGRESQL_WRITERS)]
            found = [writer.exec_driver_sql("SHOW synchronous_commit").scalar() for writer in writers]
        self.assertEqual(found, ["on"] * POSTGRESQL_WRITERS)
        self.assertEqual(self.server.execute("SHOW synchronous_commit", self.name), [("off",)])

    def test_writer_sees_others(self) -> None:
        """A writer sees what was committed while it waited for a lock; a reader has one snapshot."""
        self.assertEqual(self.setting("transaction_isolation"), "read committed")
        self.assertEqual(self.setting("transaction_isolation", reads=True), "repeatable read")

    def test_reader_cannot_write(self) -> None:
        """A reader's connection refuses to write, as busy: so does a standby, and the next may be no standby."""
        with self.assertRaises(StorageBusy):
            now(self.database.read(write("x")))
        now(self.database.transaction(write("y")))
        self.assertEqual(self.notes(), ["y"])

    def test_stalled_client(self) -> None:
        """Locks are waited for, and held by a client that says nothing, for a bounded time."""
        self.assertEqual(self.setting("lock_timeout"), "5s")
        self.assertEqual(self.setting("idle_in_transaction_session_timeout"), "10s")

    def test_silent_server(self) -> None:
        """A server that is gone without a word is noticed, unless the URL has times of its own."""

        def parameters(connection: Connection) -> dict[str, str]:
            return dict(connection.connection.dbapi_connection.info.get_parameters())  # type: ignore[union-attr]

        found = now(self.database.transaction(parameters))
        self.assertEqual((found["tcp_user_timeout"], found["connect_timeout"]), ("20000", "5"))
        other = inline_database(self.server.url(self.name) + "?connect_timeout=7")
        self.addCleanup(close, other)
        self.assertEqual(now(other.read(parameters))["connect_timeout"], "7")
