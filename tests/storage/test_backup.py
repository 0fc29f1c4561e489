"""Tests of L{smtpeter.storage.backup}."""

import os
import sqlite3
import stat
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.storage import backup as module
from smtpeter.storage.backup import BackupRefused, backup
from smtpeter.storage.migrating import upgrade
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.schema import check
from tests.conformance.samples import sample_submission
from tests.support.database import close, inline_database, now


class BackupTests(SynchronousTestCase):
    """A copy beside a running server."""

    @override
    def setUp(self) -> None:
        self.path, self.copy = self.mktemp(), self.mktemp()
        self.url = f"sqlite:///{self.path}"
        upgrade(self.url)
        self.database = inline_database(self.url)
        self.addCleanup(close, self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        self.store()

    def store(self) -> str:
        submission = sample_submission()
        now(self.queue.store(submission, [], is_claimed=False))
        self.message_id = submission.messages[0].id
        return self.message_id

    def test_copy(self) -> None:
        """The copy has what was committed, though it stands in the log still, and works as a database."""
        backup(self.url, self.copy)
        check(f"sqlite:///{self.copy}")
        restored = inline_database(f"sqlite:///{self.copy}")
        self.addCleanup(close, restored)
        self.assertIsNotNone(now(StoredQueueView(database=restored).message(self.message_id)))

    def test_private(self) -> None:
        """It is readable by its owner only: secrets and mail stand in it."""
        backup(self.url, self.copy)
        self.assertEqual(stat.S_IMODE(os.stat(self.copy).st_mode), 0o600)

    def test_whole(self) -> None:
        """It is one file, and in order."""
        backup(self.url, self.copy)
        folder, name = os.path.split(os.path.abspath(self.copy))
        self.assertEqual([one for one in os.listdir(folder) if one.startswith(name)], [name])
        with closing(sqlite3.connect(self.copy)) as connection:
            self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def test_beside_a_writer(self) -> None:
        """A writer in the middle of a transaction neither waits nor appears in the copy."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("DELETE FROM messages")
            backup(self.url, self.copy)
            writer.execute("COMMIT")
        with closing(sqlite3.connect(self.copy)) as connection:
            self.assertEqual(connection.execute("SELECT count(*) FROM messages").fetchone(), (1,))

    def test_refused(self) -> None:
        """What is not SQLite, in memory or missing cannot be copied; an existing file is kept."""
        with open(self.copy, "w") as existing:
            existing.write("precious")
        for url in ("postgresql+psycopg://localhost/x", "sqlite://", "sqlite:////nowhere/at/all", self.url):
            with self.assertRaises(BackupRefused):
                backup(url, self.copy)
        with open(self.copy) as existing:
            self.assertEqual(existing.read(), "precious")

    def test_failing(self) -> None:
        """A copy that fails leaves nothing under its name, nor beside it."""

        def fail(path: str) -> None:
            raise OSError("no space")

        self.patch(module, "_sync", fail)
        with self.assertRaises(OSError):
            backup(self.url, self.copy)
        self.assertEqual([os.path.exists(self.copy + end) for end in ("", ".partial")], [False, False])
