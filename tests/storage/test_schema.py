"""Tests of L{smtpeter.storage.schema} and the migrations."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import OperationalError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.chores import pack_all
from smtpeter.model.reading import Period, Question
from smtpeter.storage import migrating, migrations, schema
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.database import Database
from smtpeter.storage.engines import open_writer
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.event_search import StoredEventSearch
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.tables import metadata
from tests.support.database import close, inline_database, now
from tests.support.installation import ENVIRONMENT

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
CREATE TEMP TABLE made (content BLOB);
INSERT INTO made VALUES (
    CAST('Subject: x' || char(13, 10, 13, 10) || replace(hex(zeroblob(500)), '00', 'hello ') AS BLOB)
);
INSERT INTO submissions SELECT
    column1, 1, 7, 'smtp', 'images=default', '', '', 'a@shop.example', 'shop.example', '["ESMTPSA","","",""]',
    NULL, NULL, 0, 1.0, 2e9, 3014 FROM (VALUES ('01'), ('02'));
INSERT INTO contents SELECT column1, content FROM made, (VALUES ('01'), ('02'));
INSERT INTO messages SELECT
    column1, column2, 1, 'b@customer.example', NULL, 'customer.example', column3, 1, 1.0, 2e9, NULL, column4, '',
    NULL, NULL FROM (VALUES ('m1', '01', 'delivered', NULL), ('m2', '02', 'queued', 1.0));
"""
"""Two submissions as the first schema had them: one delivered, one waiting."""

FIRST_EVENTS = """
INSERT INTO events (message_id, account_id, type, at, recipient, tags, data) VALUES
    ('m1', 1, 'attempt', 1.0, 'b@customer.example', '["spring","l\\u00e4ufer"]', ''),
    ('m1', 1, 'open', 3.0, 'b@customer.example', '["spring","l\\u00e4ufer"]', ''),
    ('m1', 1, 'open', 2.0, 'b@customer.example', '["spring","l\\u00e4ufer","a\\u0000b"]', ''),
    ('m1', 1, 'open', 4.0, 'b@customer.example', '', '');
"""
"""A journal as the first schema had it."""

MANY_EVENTS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15002)
INSERT INTO events (message_id, account_id, type, at, recipient, tags, data)
SELECT 'm' || i, 1, 'attempt', i, 'b@customer.example', '["spring"]', '' FROM n;
"""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = open_writer(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


class SchemaTests(SynchronousTestCase):
    """Migrating a file."""

    @override
    def setUp(self) -> None:
        self.path = self.mktemp()
        self.url = f"sqlite:///{self.path}"
        self.newest = schema.newest()

    def test_names(self) -> None:
        """Migrations are named after their revisions, and the order of their names is the order in which they run."""
        scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
        chain = [script.revision for script in scripts.walk_revisions()]
        self.assertEqual(schema.known_revisions(), chain[::-1])
        self.assertEqual(schema.newest(), scripts.get_current_head())

    def test_server_does_not_migrate(self) -> None:
        """The server's process loads nothing of what migrates: it would never use it."""
        code = "import sys, smtpeter.tap; print([name for name in ('alembic', 'mako') if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True, capture_output=True, text=True)
        self.assertEqual(done.stdout, "[]\n")

    def test_migrations_make_the_tables(self) -> None:
        """After all migrations the database has what the tables say, and nothing else."""
        self.assertEqual(migrating.upgrade(self.url), schema.newest())
        with connected(self.url) as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            self.assertEqual(compare_metadata(context, metadata), [])
            inspector = inspect(connection)
            for table in metadata.tables.values():
                found = {
                    (index["name"], *index["column_names"], str(index.get("dialect_options", {}).get("sqlite_where")))
                    for index in inspector.get_indexes(table.name)
                }
                wanted = {
                    (index.name, *index.columns.keys(), str(index.dialect_options["sqlite"]["where"]))
                    for index in table.indexes
                }
                self.assertEqual(found, wanted)

    def test_storage_forms(self) -> None:
        """Tables are clustered, and ids never given again, as the tables say."""
        migrating.upgrade(self.url)
        with closing(sqlite3.connect(self.path)) as connection:
            made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
        clustered = {name for name, sql in made.items() if "WITHOUT ROWID" in sql}
        self.assertEqual(
            clustered, {"event_tags", "messages", "piece_places", "submissions", "suppressions", "tag_totals"}
        )
        growing = {name for name, sql in made.items() if "AUTOINCREMENT" in sql}
        self.assertEqual(growing, {"accounts", "logins", "tokens", "sender_domains", "events", "commands"})

    def test_again(self) -> None:
        """Migrating what is migrated changes nothing."""
        migrating.upgrade(self.url)
        self.assertEqual(migrating.upgrade(self.url), schema.newest())
        schema.check(self.url)

    def test_missing(self) -> None:
        """A missing file is outdated, the remedy is named, and looking does not make it."""
        self.assertIsNone(schema.current(self.url))
        with self.assertRaisesRegex(schema.SchemaOutdated, "smtpeter migrate"):
            schema.check(self.url)
        self.assertFalse(os.path.exists(self.path))

    def test_private(self) -> None:
        """A new database, its log beside it too, is readable by its owner only."""
        migrating.upgrade(self.url)
        with connected(self.url) as connection:
            connection.execute(text("CREATE TABLE x (id INTEGER)"))
            connection.commit()
            for suffix in ("", "-wal", "-shm"):
                self.assertEqual(stat.S_IMODE(os.stat(self.path + suffix).st_mode), 0o600)

    def stamp(self, revision: str) -> None:
        migrating.upgrade(self.url)
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            connection.commit()

    def test_newer(self) -> None:
        """A database of a newer version is refused, and migrating leaves it alone."""
        self.stamp("9999")
        for refuses in (schema.check, migrating.upgrade):
            with self.assertRaisesRegex(schema.SchemaNewer, "newer version"):
                refuses(self.url)
        self.assertEqual(schema.current(self.url), "9999")

    def test_older(self) -> None:
        """A database of an older version is outdated, and the remedy is named."""
        migrating.upgrade(self.url, "0001")
        with self.assertRaisesRegex(schema.SchemaOutdated, f"has schema 0001.*{self.newest}.*smtpeter migrate"):
            schema.check(self.url)

    def with_failing_migration(self) -> None:
        """From here on the newest migration is one that fails half-way."""
        migrating.upgrade(self.url)
        folder = Path(self.mktemp())
        (folder / "versions").mkdir(parents=True)
        original = Path(migrations.__file__).parent
        versions = [f"versions/{path.name}" for path in original.glob("versions/0*.py")]
        for name in ("env.py", "script.py.mako", *versions):
            (folder / name).write_text((original / name).read_text())
        (folder / "versions" / "9000_failing.py").write_text(FAILING.format(newest=self.newest))
        self.patch(migrating, "_LOCATION", str(folder))

    def test_failing(self) -> None:
        """A migration that fails half-way leaves the database as it was."""
        self.with_failing_migration()
        with connected(self.url) as connection:
            before = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()
        with self.assertRaises(OperationalError):
            migrating.upgrade(self.url)
        with connected(self.url) as connection:
            after = connection.execute(text("SELECT name, sql FROM sqlite_master ORDER BY name")).all()
        self.assertEqual(after, before)
        self.assertEqual(schema.current(self.url), self.newest)

    def test_from_the_first(self) -> None:
        """What was stored under the first schema is there after an upgrade, byte for byte, and can be packed."""
        migrating.upgrade(self.url, "0001")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(FIRST_ROWS)
        migrating.upgrade(self.url)
        database = inline_database(self.url)
        self.addCleanup(close, database)
        archive = StoredArchive(database=database)
        content = b"Subject: x\r\n\r\n" + b"hello " * 500
        (queued,) = now(self.enlisted(database).claim_due(1e9, 10, 1 << 20))
        self.assertEqual((queued.message.id, queued.submission.content), ("m2", content))
        found = now(archive.find_finished(1e9, "", 10, 1 << 20))
        self.assertEqual(found.contents, {"01": content})
        self.assertTrue(now(archive.put_away(pack_all(found.contents))))
        self.assertEqual([now(archive.content(key)) for key in ("01", "02")], [content, content])

    def test_journal_from_the_first(self) -> None:
        """What the journal had under the first schema is found by tag and counted after an upgrade."""
        migrating.upgrade(self.url, "0001")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(FIRST_EVENTS)
        migrating.upgrade(self.url)
        database = inline_database(self.url)
        self.addCleanup(close, database)
        question = Question(account_id=1, period=Period(start=0.0, end=9.0), tags=("spring",))
        found = now(StoredEventSearch(database=database).find(question, None, 10))
        self.assertEqual([event.at for event in found], [1.0, 2.0, 3.0])
        totals = now(StoredEventCounts(database=database).totals(1, "läufer"))
        assert totals is not None
        counted = (totals.messages, totals.all_opens, totals.unique_opens, totals.first_at, totals.last_at)
        self.assertEqual(counted, (1, 2, 1, 1.0, 3.0))

    def test_long_journal_from_the_first(self) -> None:
        """Of a journal of many pages each event is found by tag once."""
        migrating.upgrade(self.url, "0001")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(MANY_EVENTS)
        migrating.upgrade(self.url)
        database = inline_database(self.url)
        self.addCleanup(close, database)
        totals = now(StoredEventCounts(database=database).totals(1, "spring"))
        assert totals is not None
        self.assertEqual((totals.messages, totals.first_at, totals.last_at), (15_002, 1.0, 15_002.0))

    def enlisted(self, database: Database) -> StoredQueue:
        queue = StoredQueue(database=database, node_id="one")
        now(queue.enlist(1000.0))
        return queue

    def test_locked(self) -> None:
        """Two processes do not migrate at the same time: the second waits for the lock, then gives up."""
        migrating.upgrade(self.url)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.patch(schema, "open_writer", lambda url: open_writer(url, busy_seconds=0.0))
            with self.assertRaises(OperationalError):
                migrating.upgrade(self.url)

    def test_one_line_of_history(self) -> None:
        """Migrations have one head, and each says what it does."""
        scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
        self.assertEqual(len(scripts.get_heads()), 1)
        for script in scripts.walk_revisions():
            self.assertTrue(script.doc)

    def test_foreign_keys_hold(self) -> None:
        """A login cannot name an account that does not exist."""
        migrating.upgrade(self.url)
        with connected(self.url) as connection, self.assertRaises(Exception):  # noqa: B017
            connection.execute(
                metadata.tables["logins"].insert(),
                {"account_id": 9, "name": "x", "username": "x", "secret": b"", "features": "", "created_at": 1.0},
            )
        with connected(self.url) as connection:
            self.assertEqual(connection.execute(select(metadata.tables["logins"])).all(), [])
