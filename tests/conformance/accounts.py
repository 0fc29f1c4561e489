"""The laws of accounts: L{AccountBook}, L{LoginDirectory} and L{SenderDomains} over the same records."""

from typing import TYPE_CHECKING

from attrs import evolve
from typing_extensions import override

from smtpeter.boundaries.accounts import AccountBook, LoginDirectory, NameTaken, SenderDomains
from smtpeter.model.account import Account, SenderDomain, SigningKey, Standing
from smtpeter.model.options import Features
from tests.support.database import now

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

KEY = SigningKey(domain="example.org", selector="s1", private_pem=b"-----BEGIN PRIVATE KEY-----\nsecret\n")


class AccountLaws(SynchronousTestCase):
    """To be mixed into a test case that says how the three are made."""

    book: AccountBook
    directory: LoginDirectory
    domains: SenderDomains

    def open_book(self) -> None:
        """Set the three, over nothing."""
        raise NotImplementedError

    def pass_time(self) -> None:
        """Wait until the directory may not answer from memory."""
        raise NotImplementedError

    @override
    def setUp(self) -> None:
        self.open_book()
        self.account = now(self.book.create_account("default", Standing.ACTIVE, 1.0))

    def add_login(self, name: str = "web", username: str = "web@1", account: Account | None = None) -> int:
        owner = account or self.account
        return now(self.book.create_login(owner.id, name, username, b"hash", Features(trackopens=True), 2.0)).id

    def add_domain(
        self, name: str = "example.org", is_approved: bool = True, account: Account | None = None, key: SigningKey = KEY
    ) -> None:
        now(self.book.create_domain((account or self.account).id, name, is_approved, key, 3.0))

    def test_accounts(self) -> None:
        """Accounts are listed by name, with their standing."""
        other = now(self.book.create_account("another", Standing.PENDING, 1.0))
        self.assertEqual(now(self.book.accounts()), [other, self.account])
        now(self.book.set_standing(other.id, Standing.SUSPENDED))
        self.assertEqual([one.standing for one in now(self.book.accounts())], [Standing.SUSPENDED, Standing.ACTIVE])

    def test_account_name_taken(self) -> None:
        """Two accounts have no name in common."""
        with self.assertRaises(NameTaken):
            now(self.book.create_account("default", Standing.ACTIVE, 1.0))
        self.assertEqual(now(self.book.accounts()), [self.account])

    def test_login(self) -> None:
        """A login is found by its user name, its account with it."""
        login_id = self.add_login()
        found = now(self.directory.find_login("web@1"))
        assert found is not None
        self.assertEqual((found.id, found.name, found.username, found.secret), (login_id, "web", "web@1", b"hash"))
        self.assertEqual((found.account, found.features), (self.account, Features(trackopens=True)))
        self.assertEqual(now(self.book.logins(self.account.id)), [found])
        self.assertNotIn("hash", repr(found))

    def test_login_unknown(self) -> None:
        """A user name that nobody has finds nothing, whatever stands in it; it is no pattern and has a case."""
        self.add_login()
        for name in ("", "web@%", "WEB@1", "web@1\0", "\0", "wéb@1"):
            self.assertIsNone(now(self.directory.find_login(name)))

    def test_login_names_taken(self) -> None:
        """A name is taken within its account, a user name everywhere."""
        other = now(self.book.create_account("another", Standing.ACTIVE, 1.0))
        self.add_login()
        for name, username, account in (("web", "fresh", self.account), ("fresh", "web@1", other)):
            with self.assertRaises(NameTaken):
                self.add_login(name, username, account)
        self.add_login("web", "web@2", other)
        self.assertEqual(len(now(self.book.logins(other.id))), 1)

    def test_login_changed(self) -> None:
        """What an operator changes is found after a moment."""
        login_id = self.add_login()
        now(self.directory.find_login("web@1"))
        now(self.book.update_login(login_id, Features(inlinecss=True, images="hosted")))
        now(self.book.set_standing(self.account.id, Standing.SUSPENDED))
        self.pass_time()
        found = now(self.directory.find_login("web@1"))
        assert found is not None
        self.assertEqual(found.features, Features(inlinecss=True, images="hosted"))
        self.assertIs(found.account.standing, Standing.SUSPENDED)
        now(self.book.delete_login(login_id))
        self.pass_time()
        self.assertIsNone(now(self.directory.find_login("web@1")))

    def test_domain(self) -> None:
        """A sender domain is found with its key, for its account alone."""
        self.add_domain(is_approved=False)
        wanted = SenderDomain(account_id=self.account.id, name="example.org", is_approved=False, key=KEY)
        self.assertEqual(now(self.domains.find_domain(self.account.id, "example.org")), wanted)
        self.assertEqual(now(self.book.domains(self.account.id)), [wanted])
        self.assertIsNone(now(self.domains.find_domain(self.account.id + 1, "example.org")))
        self.assertIsNone(now(self.domains.find_domain(self.account.id, "www.example.org")))

    def test_domain_taken(self) -> None:
        """An account has a domain once; two accounts may have the same, each with its own key and approval."""
        other = now(self.book.create_account("another", Standing.ACTIVE, 1.0))
        self.add_domain()
        with self.assertRaises(NameTaken):
            self.add_domain()
        others = evolve(KEY, selector="s2")
        self.add_domain(account=other, is_approved=False, key=others)
        self.assertEqual(len(now(self.book.domains(other.id))), 1)
        for account, key, is_approved in ((self.account, KEY, True), (other, others, False)):
            wanted = SenderDomain(account_id=account.id, name="example.org", is_approved=is_approved, key=key)
            self.assertEqual(now(self.domains.find_domain(account.id, "example.org")), wanted)

    def test_served(self) -> None:
        """A domain is served when an account has it, approved."""
        self.add_domain(is_approved=False)
        self.assertFalse(now(self.domains.is_served("example.org")))
        now(self.book.approve_domain(self.account.id, "example.org"))
        self.pass_time()
        self.assertTrue(now(self.domains.is_served("example.org")))
        found = now(self.domains.find_domain(self.account.id, "example.org"))
        assert found is not None
        self.assertTrue(found.is_approved)
        now(self.book.delete_domain(self.account.id, "example.org"))
        self.pass_time()
        self.assertFalse(now(self.domains.is_served("example.org")))
        self.assertIsNone(now(self.domains.find_domain(self.account.id, "example.org")))
        self.add_domain()
