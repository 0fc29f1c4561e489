"""The rules about tokens."""

from itertools import count

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.accounts.refusals import AlreadyThere, NotFound, WrongName
from smtpeter.accounts.tokens import Tokens
from smtpeter.auth.passwords import hash_password, hash_token
from smtpeter.model.account import Standing
from smtpeter.storage.accounts import StoredAccounts
from smtpeter.storage.tokens import StoredTokens
from tests.storage.test_accounts import ReversingVault
from tests.support.database import memory_database, now

KEY = b"k" * 32


class TokensTests(SynchronousTestCase):
    """Credentials and their scopes."""

    @override
    def setUp(self) -> None:
        database, numbers = memory_database(), count(1)
        book = StoredAccounts(database=database, vault=ReversingVault())
        self.account, self.other = (now(book.create_account(name, Standing.ACTIVE, 1.0)) for name in "ab")
        self.stored = StoredTokens(database=database)
        self.tokens = Tokens(self.stored, KEY, lambda size: next(numbers).to_bytes(size, "big"), lambda: 1.0)

    def test_create(self) -> None:
        """A token is 32 characters that fit into a URL; it is found by its keyed hash and shown nowhere else."""
        made = now(self.tokens.create(self.account, "web"))
        self.assertRegex(made.text, r"\A[0-9a-z]{32}\Z")
        self.assertNotIn(made.text, repr(made))
        self.assertEqual(now(self.stored.find_token(hash_token(KEY, made.text))), made.token)
        self.assertIsNone(now(self.stored.find_token(hash_token(b"other", made.text))))
        self.assertIsNone(now(self.stored.find_token(hash_password(KEY, made.text))))

    def test_scopes(self) -> None:
        """A token has the scopes that were said, all when none were."""
        everything = now(self.tokens.create(self.account, "a")).token
        some = now(self.tokens.create(self.account, "b", ("read", "send"))).token
        self.assertEqual((everything.scopes, some.scopes), (("send", "read", "manage"), ("send", "read")))
        self.assertEqual(now(self.tokens.all(self.account)), [everything, some])

    def test_names(self) -> None:
        """A name is given once in an account; another account may have it too."""
        made = [now(self.tokens.create(one, "web")) for one in (self.account, self.other)]
        self.assertNotEqual(made[0].text, made[1].text)
        with self.assertRaisesRegex(AlreadyThere, "account a has a token web"):
            now(self.tokens.create(self.account, "web"))
        with self.assertRaises(WrongName):
            now(self.tokens.create(self.account, ""))

    def test_delete(self) -> None:
        """A deleted token is found no more, without any time passing; another account's is out of reach."""
        made, others = now(self.tokens.create(self.account, "web")), now(self.tokens.create(self.other, "shop"))
        secret = hash_token(KEY, made.text)
        self.assertIsNotNone(now(self.stored.find_token(secret)))
        self.assertEqual(now(self.tokens.delete(self.account, "web")), made.token)
        self.assertIsNone(now(self.stored.find_token(secret)))
        with self.assertRaisesRegex(NotFound, r"no token shop\. Tokens: none yet\."):
            now(self.tokens.delete(self.account, "shop"))
        self.assertEqual(now(self.tokens.all(self.other)), [others.token])
