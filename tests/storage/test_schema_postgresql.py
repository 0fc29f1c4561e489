"""Tests of L{smtpeter.storage.schema} and the migrations on PostgreSQL."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.reading import Period, Question
from smtpeter.storage import engines, migrating, migrations, schema
from smtpeter.storage.engines import DriverMissing, open_reader, open_writer
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.event_search import StoredEventSearch
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.tables import metadata
from tests.support.database import close, inline_database, now
from tests.support.postgresql import postgresql

FAILING = """
from alembic import op

revision = "9000"
down_revision = "{newest}"


def upgrade():
    op.execute("CREATE TABLE half (id INTEGER)")
    with op.batch_alter_table("accounts") as batch:
        batch.drop_column("created_at")
    op.execute("SELECT * FROM nowhere")
"""

FIRST_ROWS = """
INSERT INTO submissions VALUES (
    '01', 1, 7, 'smtp', 'images=default', '', '', 'a@shop.example', 'shop.example', '["ESMTPSA","","",""]',
    NULL, NULL, false, 1.0, 2e9, 9
);
INSERT INTO contents VALUES ('01', 'contents!'::bytea);
INSERT INTO messages VALUES (
    'm1', '01', 1, 'b@customer.example', NULL, 'customer.example', 'queued', 1, 1.0, 2e9, 5.0, 5.0, '451 later',
    NULL, NULL
);
"""
"""A submission that waits, as the first schema had it."""

FIRST_EVENTS = """
INSERT INTO events (message_id, account_id, type, at, recipient, tags, data) VALUES
    ('m1', 1, 'attempt', 1.0, 'b@customer.example', '["l\\u00e4ufer"]', ''),
    ('m1', 1, 'open', 3.0, 'b@customer.example', '["l\\u00e4ufer","a\\u0000b","\\ud800"]', ''),
    ('m1', 1, 'open', 2.0, 'b@customer.example', '["l\\u00e4ufer"]', ''),
    ('m1', 1, 'open', 4.0, 'b@customer.example', '', '');
"""
"""A journal as the first schema had it."""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = open_writer(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


class PostgreSQLSchemaTests(SynchronousTestCase):
    """Migrating a PostgreSQL database."""

    @override
    def setUp(self) -> None:
        self.server = postgresql()
        self.name = self.server.make_database()
        self.addCleanup(self.server.drop_database, self.name)
        self.url = self.server.url(self.name)
        self.newest = schema.newest()

    def test_migrations_make_the_tables(self) -> None:
        """After all migrations the database has what the tables say, and nothing else."""
        self.assertEqual(migrating.upgrade(self.url), self.newest)
        with connected(self.url) as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            self.assertEqual(compare_metadata(context, metadata), [])
            inspector = inspect(connection)
            for table in metadata.tables.values():
                found = {
                    (index["name"], *index["column_names"], "postgresql_where" in index.get("dialect_options", {}))
                    for index in inspector.get_indexes(table.name)
                    if not index.get("duplicates_constraint")
                }
                wanted = {
                    (index.name, *index.columns.keys(), index.dialect_options["postgresql"]["where"] is not None)
                    for index in table.indexes
                }
                self.assertEqual(found, wanted)

    def test_from_the_first(self) -> None:
        """What was stored under the first schema is there after an upgrade, and is claimed."""
        migrating.upgrade(self.url, "0001")
        self.server.execute(FIRST_ROWS, self.name)
        with self.assertRaisesRegex(schema.SchemaOutdated, "has schema 0001.*smtpeter migrate"):
            schema.check(self.url)
        migrating.upgrade(self.url)
        schema.check(self.url)
        database = inline_database(self.url)
        self.addCleanup(close, database)
        queue = StoredQueue(database=database, node_id="one")
        now(queue.enlist(1000.0))
        (queued,) = now(queue.claim_due(1000.0, 10, 1000))
        self.assertEqual((queued.message.id, queued.submission.content), ("m1", b"contents!"))
        self.assertIsNotNone(now(StoredQueueView(database=database).message("m1")))

    def test_journal_from_the_first(self) -> None:
        """What the journal had under the first schema is found by tag and counted after an upgrade."""
        migrating.upgrade(self.url, "0001")
        self.server.execute(FIRST_EVENTS, self.name)
        migrating.upgrade(self.url)
        database = inline_database(self.url)
        self.addCleanup(close, database)
        question = Question(account_id=1, period=Period(start=0.0, end=9.0), tags=("läufer",))
        found = now(StoredEventSearch(database=database).find(question, None, 10))
        self.assertEqual([event.at for event in found], [1.0, 2.0, 3.0])
        totals = now(StoredEventCounts(database=database).totals(1, "läufer"))
        assert totals is not None
        self.assertEqual((totals.messages, totals.all_opens, totals.unique_opens, totals.last_at), (1, 2, 1, 3.0))

    def test_empty(self) -> None:
        """An empty database is outdated, and the remedy is named."""
        self.assertIsNone(schema.current(self.url))
        with self.assertRaisesRegex(schema.SchemaOutdated, "smtpeter migrate"):
            schema.check(self.url)

    def test_newer(self) -> None:
        """A database of a newer version is refused, and migrating leaves it alone."""
        migrating.upgrade(self.url)
        self.server.execute("UPDATE alembic_version SET version_num = '9999'", self.name)
        for refuses in (schema.check, migrating.upgrade):
            with self.assertRaisesRegex(schema.SchemaNewer, "newer version"):
                refuses(self.url)
        self.assertEqual(schema.current(self.url), "9999")

    def test_failing(self) -> None:
        """A migration that fails half-way leaves the database as it was."""
        migrating.upgrade(self.url)
        before = self.columns()
        self.patch(migrating, "_LOCATION", self.failing_scripts())
        with self.assertRaises(ProgrammingError):
            migrating.upgrade(self.url)
        self.assertEqual(self.columns(), before)
        self.assertEqual(schema.current(self.url), self.newest)

    def columns(self) -> list[tuple[object, ...]]:
        """Everything that a table has."""
        query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        return sorted(self.server.execute(query, self.name))

    def failing_scripts(self) -> str:
        """A folder of migrations whose newest fails half-way."""
        folder = Path(self.mktemp())
        (folder / "versions").mkdir(parents=True)
        original = Path(migrations.__file__).parent
        versions = [f"versions/{path.name}" for path in original.glob("versions/0*.py")]
        for name in ("env.py", "script.py.mako", *versions):
            (folder / name).write_text((original / name).read_text())
        (folder / "versions" / "9000_failing.py").write_text(FAILING.format(newest=self.newest))
        return str(folder)

    def test_two_at_once(self) -> None:
        """Of two that migrate at the same time one does it and the other finds it done."""
        outcomes: list[object] = []
        threads = [Thread(target=self.migrate, args=(outcomes,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(outcomes, [self.newest, self.newest])

    def migrate(self, outcomes: list[object]) -> None:
        """In a thread: the result or the failure."""
        try:
            outcomes.append(migrating.upgrade(self.url))
        except Exception as failure:
            outcomes.append(failure)

    def test_lock(self) -> None:
        """The second waits until the first has ended, and gives up in time; without the lock it would begin too."""
        self.patch(schema, "open_writer", lambda url: open_writer(url, busy_seconds=0.2))
        with connected(self.url) as other:
            other.execute(migrating._LOCK)
            began_at = time.monotonic()
            with self.assertRaisesRegex(OperationalError, "lock timeout"):
                migrating.upgrade(self.url)
            self.assertGreaterEqual(time.monotonic() - began_at, 0.2)
            self.assertIsNone(schema.current(self.url))
        self.assertEqual(migrating.upgrade(self.url), self.newest)

    def test_foreign_keys_hold(self) -> None:
        """A login cannot name an account that does not exist."""
        migrating.upgrade(self.url)
        row = "INSERT INTO logins VALUES (1, 9, 'x', 'x', '', '', 1.0)"
        with connected(self.url) as connection, self.assertRaises(DBAPIError):
            connection.execute(text(row))


class DriverTests(SynchronousTestCase):
    """PostgreSQL is asked for, and its driver is not installed."""

    def test_missing(self) -> None:
        """Whoever opens it is told what to install."""

        def without(*_: object, **__: object) -> Engine:
            raise ModuleNotFoundError("No module named 'psycopg'")

        self.patch(engines, "create_engine", without)
        url = "postgresql+psycopg://localhost/x"
        works: tuple[Callable[[str], object], ...] = (open_writer, open_reader, schema.check, migrating.upgrade)
        for work in works:
            with self.assertRaisesRegex(DriverMissing, r"pip install 'smtpeter\[postgresql\]'"):
                work(url)
