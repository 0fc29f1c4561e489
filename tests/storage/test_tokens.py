"""Tests of L{smtpeter.storage.tokens}."""

from sqlalchemy.exc import IntegrityError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.accounts import NameTaken
from smtpeter.model.account import SCOPES, Account, Standing, Token
from smtpeter.storage.accounts import StoredAccounts
from smtpeter.storage.tokens import StoredTokens
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.storage.test_accounts import ReversingVault
from tests.support.database import now


class StoredTokensLaws(Place):
    """The laws of tokens."""

    @override
    def setUp(self) -> None:
        database = self.open_database()
        self.accounts = StoredAccounts(database=database, vault=ReversingVault())
        self.account = now(self.accounts.create_account("default", Standing.ACTIVE, 1.0))
        self.tokens = StoredTokens(database=database)

    def add(self, name: str, secret: bytes, account: Account | None = None) -> Token:
        return now(self.tokens.create_token((account or self.account).id, name, secret, ("manage", "send"), 2.0))

    def test_found(self) -> None:
        """A token is found by its hash alone, its account as it stands now; scopes have one order."""
        made = self.add("web", b"\0hash")
        self.assertEqual(now(self.tokens.find_token(b"\0hash")), made)
        self.assertEqual((made.account, made.name, made.scopes), (self.account, "web", ("send", "manage")))
        self.assertIsNone(now(self.tokens.find_token(b"\0has")))
        now(self.accounts.set_standing(self.account.id, Standing.SUSPENDED))
        found = now(self.tokens.find_token(b"\0hash"))
        assert found is not None
        self.assertIs(found.account.standing, Standing.SUSPENDED)

    def test_taken(self) -> None:
        """A name is taken within its account."""
        other = now(self.accounts.create_account("another", Standing.ACTIVE, 1.0))
        self.add("web", b"1")
        with self.assertRaises(NameTaken):
            self.add("web", b"2")
        self.add("web", b"2", other)
        self.assertEqual(len(now(self.tokens.tokens(self.account.id))), 1)
        self.assertIsNotNone(now(self.tokens.find_token(b"2")))

    def test_deleted(self) -> None:
        """What is deleted is found no more; the others are."""
        first, second = self.add("web", b"1"), self.add("shop", b"2")
        now(self.tokens.delete_token(first.id))
        self.assertIsNone(now(self.tokens.find_token(b"1")))
        self.assertEqual(now(self.tokens.tokens(self.account.id)), [second])

    def test_no_such_account(self) -> None:
        """A token of an account that does not exist is a bug, not a name that is taken."""
        with self.assertRaises(IntegrityError):
            now(self.tokens.create_token(99, "x", b"x", SCOPES, 1.0))


class MemoryTokensTests(InMemory, StoredTokensLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLTokensTests(OnPostgreSQL, StoredTokensLaws, SynchronousTestCase):
    """On PostgreSQL."""
