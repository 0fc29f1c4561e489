"""The challenges of PLAIN and LOGIN."""

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.mail.interfaces import IChallengeResponse
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from smtpeter.auth.credentials import CHALLENGERS, LoginCredentials, MalformedResponse, PlainCredentials


class Challengers(SynchronousTestCase):
    def test_interfaces(self) -> None:
        """Both mechanisms are what twisted.mail and Cred look up."""
        for make in CHALLENGERS.values():
            credentials = make()
            self.assertTrue(verifyObject(IChallengeResponse, credentials))
            self.assertTrue(IUsernamePassword.providedBy(credentials))

    def test_order(self) -> None:
        """PLAIN is advertised before LOGIN."""
        self.assertEqual(list(CHALLENGERS), [b"PLAIN", b"LOGIN"])


class Plain(SynchronousTestCase):
    def test_one_response(self) -> None:
        """PLAIN takes user name and password in one response, spaces as they are."""
        credentials = PlainCredentials()
        self.assertEqual(credentials.getChallenge(), b"")
        credentials.setResponse(b"\0user\0pass word ")
        self.assertFalse(credentials.moreChallenges())
        self.assertEqual((credentials.username, credentials.password), (b"user", b"pass word "))

    def test_same_authorization(self) -> None:
        """An authzid that equals the authcid asks for nothing special."""
        credentials = PlainCredentials()
        credentials.setResponse(b"user\0user\0x")
        self.assertEqual(credentials.username, b"user")

    def test_other_authorization(self) -> None:
        """Nobody may act as somebody else."""
        with self.assertRaises(UnauthorizedLogin):
            PlainCredentials().setResponse(b"admin\0user\0x")

    def test_malformed(self) -> None:
        """A wrong number of parts, or no user name, is no response of PLAIN."""
        for response in (b"", b"user", b"user\0x", b"\0user\0x\0y", b"\0\0x"):
            with self.assertRaises(MalformedResponse):
                PlainCredentials().setResponse(response)


class Login(SynchronousTestCase):
    def test_two_responses(self) -> None:
        """LOGIN asks for the user name, then for the password, in the words that clients know."""
        credentials = LoginCredentials()
        self.assertEqual(credentials.getChallenge(), b"Username:")
        credentials.setResponse(b"user")
        self.assertTrue(credentials.moreChallenges())
        self.assertEqual(credentials.getChallenge(), b"Password:")
        credentials.setResponse(b"pass word")
        self.assertFalse(credentials.moreChallenges())
        self.assertEqual((credentials.username, credentials.password), (b"user", b"pass word"))

    def test_no_user_name(self) -> None:
        """An empty user name is no response of LOGIN."""
        with self.assertRaises(MalformedResponse):
            LoginCredentials().setResponse(b"")
