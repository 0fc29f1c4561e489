"""The Cred checker of logins."""

from attrs import define, field
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override
from zope.interface.verify import verifyObject

from smtpeter.auth import checkers
from smtpeter.auth.checkers import LoginChecker
from smtpeter.boundaries.storage import StorageBusy
from tests.smtpd.support import KEY, PASSWORD, MemoryDirectory, make_login


@define(eq=False)
class Comparisons:
    """Counts what is compared, and compares."""

    secrets: list[bytes] = field(factory=list)

    def verify(self, key: bytes, password: str, secret: bytes) -> bool:
        """Never right."""
        self.secrets.append(secret)
        return False


class LoginCheckers(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.directory = MemoryDirectory()
        self.directory.put(make_login())
        self.checker = LoginChecker(self.directory, KEY)

    def test_interface(self) -> None:
        """It is what Cred wants."""
        self.assertTrue(verifyObject(ICredentialsChecker, self.checker))

    def test_right(self) -> None:
        """The right password gives the user name."""
        found = self.checker.requestAvatarId(UsernamePassword(b"sender", PASSWORD.encode()))
        self.assertEqual(self.successResultOf(found), b"sender")

    def test_wrong(self) -> None:
        """A wrong password, an unknown name and bytes that are no text are all refused alike."""
        for name, password in (
            (b"sender", b"x"),
            (b"nobody", PASSWORD.encode()),
            (b"\xff", b"x"),
            (b"sender", b"\xff"),
        ):
            refusal = self.failureResultOf(self.checker.requestAvatarId(UsernamePassword(name, password)))
            refusal.trap(UnauthorizedLogin)

    def test_same_way(self) -> None:
        """An unknown user name costs a comparison like a wrong password does."""
        comparisons = Comparisons()
        self.patch(checkers, "verify_password", comparisons.verify)
        for name in (b"sender", b"nobody"):
            self.failureResultOf(self.checker.requestAvatarId(UsernamePassword(name, b"x")))
        self.assertEqual([len(secret) for secret in comparisons.secrets], [32, 32])

    def test_busy(self) -> None:
        """When the directory cannot tell, neither can the checker."""
        self.directory.is_busy = True
        failure = self.failureResultOf(self.checker.requestAvatarId(UsernamePassword(b"sender", b"x")))
        failure.trap(StorageBusy)

    def test_no_key_shown(self) -> None:
        """The key does not stand in the repr."""
        self.assertNotIn("kkkk", repr(self.checker))
