"""The rules about accounts."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.accounts.accounts import Accounts
from smtpeter.accounts.refusals import AlreadyThere, NotFound, WrongName, WrongStanding
from smtpeter.model.account import Standing
from tests.accounts.book import memory_book
from tests.support.database import now


class AccountsTests(SynchronousTestCase):
    """Opening, finding, and who may send."""

    @override
    def setUp(self) -> None:
        self.accounts = Accounts(memory_book(), lambda: 1.0)

    def standing(self, name: str) -> Standing:
        """What the book says."""
        return now(self.accounts.find(name)).standing

    def test_create(self) -> None:
        """A new account may send, unless it is to be approved first."""
        self.assertEqual(now(self.accounts.create("a")).standing, Standing.ACTIVE)
        self.assertEqual(now(self.accounts.create("b", is_pending=True)).standing, Standing.PENDING)
        self.assertEqual([one.name for one in now(self.accounts.all())], ["a", "b"])

    def test_wrong_name(self) -> None:
        """An impossible name opens nothing."""
        with self.assertRaises(WrongName):
            now(self.accounts.create("a\nb"))
        self.assertEqual(now(self.accounts.all()), [])

    def test_taken(self) -> None:
        """A name is given once, in whatever normal form it is typed."""
        now(self.accounts.create("ü"))
        with self.assertRaises(AlreadyThere) as caught:
            now(self.accounts.create("u\u0308"))
        self.assertEqual(str(caught.exception), "There is an account ü already.")

    def test_find(self) -> None:
        """The only account needs no name; of several one must be named, and the refusal lists them."""
        with self.assertRaisesRegex(NotFound, "no account yet"):
            now(self.accounts.find(None))
        now(self.accounts.create("a"))
        self.assertEqual(now(self.accounts.find(None)).name, "a")
        now(self.accounts.create("b"))
        with self.assertRaisesRegex(NotFound, r"several accounts.*: a, b\.$"):
            now(self.accounts.find(None))
        with self.assertRaisesRegex(NotFound, r"no account c\. Accounts: a, b\."):
            now(self.accounts.find("c"))
        self.assertEqual(now(self.accounts.find("b")).name, "b")

    def test_approve(self) -> None:
        """A pending account is approved, an active one stays, a suspended one must be resumed."""
        now(self.accounts.create("a", is_pending=True))
        for _ in range(2):
            self.assertEqual(now(self.accounts.approve("a")).standing, Standing.ACTIVE)
        now(self.accounts.suspend("a"))
        with self.assertRaisesRegex(WrongStanding, "suspended: resume"):
            now(self.accounts.approve("a"))
        self.assertEqual(self.standing("a"), Standing.SUSPENDED)

    def test_suspend_and_resume(self) -> None:
        """An active account is suspended and resumed, again and again without complaint."""
        now(self.accounts.create("a"))
        for change, standing in (
            (self.accounts.suspend, Standing.SUSPENDED),
            (self.accounts.suspend, Standing.SUSPENDED),
            (self.accounts.resume, Standing.ACTIVE),
            (self.accounts.resume, Standing.ACTIVE),
        ):
            self.assertEqual(now(change("a")).standing, standing)
            self.assertEqual(self.standing("a"), standing)

    def test_pending_stays_pending(self) -> None:
        """Suspending and resuming is no way around the approval."""
        now(self.accounts.create("a", is_pending=True))
        with self.assertRaises(WrongStanding):
            now(self.accounts.suspend("a"))
        with self.assertRaisesRegex(WrongStanding, "approve"):
            now(self.accounts.resume("a"))
        self.assertEqual(self.standing("a"), Standing.PENDING)
