"""The rules about logins."""

from itertools import count

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.accounts.accounts import Accounts
from smtpeter.accounts.logins import Logins
from smtpeter.accounts.refusals import AlreadyThere, NotFound, WrongName
from smtpeter.auth.passwords import verify_password
from smtpeter.model.options import Features, Overrides
from tests.accounts.book import memory_book
from tests.support.database import now

KEY = b"k" * 32


class LoginsTests(SynchronousTestCase):
    """Credentials and their features."""

    @override
    def setUp(self) -> None:
        book, numbers = memory_book(), count(1)
        accounts = Accounts(book, lambda: 1.0)
        self.account, self.other = now(accounts.create("a")), now(accounts.create("b"))
        self.logins = Logins(book, KEY, lambda size: next(numbers).to_bytes(size, "big"), lambda: 1.0)

    def test_create(self) -> None:
        """User name and password are generated; what is kept is the keyed hash of that password, spaces included."""
        made = now(self.logins.create(self.account, "web", Features(trackclicks=True)))
        (kept,) = now(self.logins.all(self.account))
        self.assertEqual((kept.name, kept.username), ("web", made.login.username))
        self.assertEqual(kept.features, Features(trackclicks=True))
        self.assertTrue(verify_password(KEY, made.password, kept.secret))
        self.assertIn(" ", made.password)
        self.assertFalse(verify_password(KEY, made.password.replace(" ", ""), kept.secret))
        self.assertNotIn(made.password, repr(made))

    def test_each_its_own(self) -> None:
        """No two logins share user name or password."""
        made = [now(self.logins.create(self.account, name, Features())) for name in "abc"]
        self.assertEqual(len({one.login.username for one in made}), 3)
        self.assertEqual(len({one.password for one in made}), 3)

    def test_names(self) -> None:
        """A name is given once in an account; another account may have it too."""
        now(self.logins.create(self.account, "web", Features()))
        with self.assertRaisesRegex(AlreadyThere, "account a has a login web"):
            now(self.logins.create(self.account, "web", Features()))
        now(self.logins.create(self.other, "web", Features()))
        with self.assertRaises(WrongName):
            now(self.logins.create(self.account, "", Features()))

    def test_update(self) -> None:
        """What is said changes, the rest stays."""
        now(self.logins.create(self.account, "web", Features(inlinecss=True, trackclicks=True)))
        changed = now(self.logins.update(self.account, "web", Overrides(trackclicks=False, trackopens=True)))
        self.assertEqual(changed, Features(inlinecss=True, trackopens=True))
        self.assertEqual(now(self.logins.find(self.account, "web")).features, changed)

    def test_delete(self) -> None:
        """A login goes by its name or user name."""
        made = now(self.logins.create(self.account, "web", Features()))
        now(self.logins.create(self.account, "shop", Features()))
        self.assertEqual(now(self.logins.delete(self.account, made.login.username)).name, "web")
        now(self.logins.delete(self.account, "shop"))
        self.assertEqual(now(self.logins.all(self.account)), [])

    def test_other_account(self) -> None:
        """What another account has is not found, changed or deleted."""
        now(self.logins.create(self.other, "web", Features()))
        for work in (
            self.logins.find(self.account, "web"),
            self.logins.update(self.account, "web", Overrides(inlinecss=True)),
            self.logins.delete(self.account, "web"),
        ):
            with self.assertRaisesRegex(NotFound, r"no login web\. Logins: none yet\."):
                now(work)
        self.assertEqual(now(self.logins.find(self.other, "web")).features, Features())

    def test_name_before_username(self) -> None:
        """A login that is called like another's user name does not hide behind it."""
        first = now(self.logins.create(self.account, "web", Features()))
        now(self.logins.create(self.account, first.login.username, Features()))
        self.assertEqual(now(self.logins.find(self.account, first.login.username)).name, first.login.username)
