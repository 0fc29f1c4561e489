"""Tests of L{smtpeter.storage.accounts} and L{smtpeter.storage.directory}."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event, func, select, update
from sqlalchemy.exc import IntegrityError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.options import Features
from smtpeter.storage import directory
from smtpeter.storage.accounts import StoredAccounts
from smtpeter.storage.directory import FRESH_SECONDS, Recollection, StoredDirectory
from smtpeter.storage.tables import dkim_keys
from tests.conformance.accounts import KEY, AccountLaws
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


class ReversingVault:
    """Seals so that a test can see that something was sealed."""

    def seal(self, clear: bytes) -> bytes:
        """Not readable."""
        return b"sealed" + clear[::-1]

    def open(self, sealed: bytes) -> bytes:
        """What was sealed."""
        if not sealed.startswith(b"sealed"):
            raise ValueError("not sealed here")
        return sealed[6:][::-1]


class StoredAccountsLaws(AccountLaws, Place):
    """The laws of accounts hold, and secrets are sealed."""

    @override
    def open_book(self) -> None:
        self.clock = Clock()
        self.database = self.open_database()
        vault = ReversingVault()
        self.book = StoredAccounts(database=self.database, vault=vault)
        self.directory = self.domains = StoredDirectory(database=self.database, vault=vault, clock=self.clock)

    @override
    def pass_time(self) -> None:
        self.clock.advance(FRESH_SECONDS)

    def queries(self, work: Callable[[], object]) -> int:
        """How many statements a piece of work sends to the database."""
        statements: list[str] = []

        def note(*arguments: Any) -> None:
            statements.append(arguments[2])

        opened = self.database._opened
        assert opened is not None
        event.listen(opened.reader, "before_cursor_execute", note)
        self.addCleanup(event.remove, opened.reader, "before_cursor_execute", note)
        work()
        return len([one for one in statements if one.startswith("SELECT")])

    def test_sealed(self) -> None:
        """A private key stands sealed in the database."""
        self.add_domain()
        rows = now(self.database.read(lambda connection: connection.execute(select(dkim_keys)).all()))
        self.assertEqual([row.sealed_pem for row in rows], [ReversingVault().seal(KEY.private_pem)])
        self.assertNotIn(b"PRIVATE KEY", rows[0].sealed_pem)

    def test_key_goes_with_domain(self) -> None:
        """Deleting a domain deletes its key."""
        self.add_domain()
        now(self.book.delete_domain(self.account.id, "example.org"))
        count = now(self.database.read(lambda connection: connection.scalar(select(func.count(dkim_keys.c.id)))))
        self.assertEqual(count, 0)

    def test_foreign_seal(self) -> None:
        """A key that was sealed elsewhere is an error, not a message without a signature."""

        def spoil(connection: Connection) -> None:
            connection.execute(update(dkim_keys).values(sealed_pem=b"other"))

        self.add_domain()
        now(self.database.transaction(spoil))
        with self.assertRaises(ValueError):
            now(self.domains.find_domain(self.account.id, "example.org"))

    def test_no_such_account(self) -> None:
        """A login of an account that does not exist is a bug, not a name that is taken."""
        with self.assertRaises(IntegrityError):
            now(self.book.create_login(99, "x", "x", b"", Features(), 1.0))

    def test_asked_once(self) -> None:
        """Within a moment the same question is not asked again, found or not."""
        self.add_login()
        self.add_domain()

        def ask() -> None:
            for _ in range(5):
                now(self.directory.find_login("web@1"))
                now(self.directory.find_login("nobody"))
                now(self.domains.find_domain(self.account.id, "example.org"))
                now(self.domains.is_served("example.org"))

        self.assertEqual(self.queries(ask), 4)
        self.pass_time()
        self.assertEqual(self.queries(ask), 4)

    def test_busy_is_not_remembered(self) -> None:
        """When the database cannot answer, the next question is asked again."""
        self.add_login()
        opened, self.database._opened = self.database._opened, None
        with self.assertRaises(StorageBusy):
            now(self.directory.find_login("web@1"))
        self.database._opened = opened
        self.assertIsNotNone(now(self.directory.find_login("web@1")))


class MemoryAccountsTests(InMemory, StoredAccountsLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLAccountsTests(OnPostgreSQL, StoredAccountsLaws, SynchronousTestCase):
    """On PostgreSQL."""


class RecollectionTests(SynchronousTestCase):
    """What is remembered."""

    def test_bounded(self) -> None:
        """Strangers who ask for many names do not fill the memory; the newest answers are kept."""
        self.patch(directory, "MOST_REMEMBERED", 3)
        asked: list[int] = []
        memory: Recollection[int, int] = Recollection(Clock(), 5.0)

        async def ask(number: int) -> int:
            asked.append(number)
            return number

        for number in (1, 2, 3, 4, 4, 3, 1):
            self.assertEqual(now(memory.recall(number, lambda number=number: ask(number))), number)  # type: ignore[misc]
        self.assertEqual(asked, [1, 2, 3, 4, 1])
        self.assertEqual(len(memory._answers), 3)
