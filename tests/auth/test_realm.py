"""The realm of senders."""

from attrs import evolve
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.mail.interfaces import IMessageDelivery, IMessageDeliveryFactory
from twisted.mail.smtp import Address, SMTPBadRcpt, SMTPBadSender, User
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override
from zope.interface.verify import verifyObject

from smtpeter.auth.realm import Sender, SenderRealm
from smtpeter.model.account import Login, Standing
from smtpeter.model.options import Features
from tests.smtpd.support import MemoryDirectory, make_login


class Realm(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.directory = MemoryDirectory()
        self.directory.put(make_login())
        self.realm = SenderRealm(self.directory)

    def sender(self) -> Sender:
        """The avatar of C{sender}."""
        _, avatar, _ = self.successResultOf(self.realm.requestAvatar(b"sender", None, IMessageDelivery))
        assert isinstance(avatar, Sender)
        return avatar

    def test_avatar(self) -> None:
        """The avatar knows login, account and features, and whether it may send."""
        self.assertTrue(verifyObject(IRealm, self.realm))
        sender = self.sender()
        self.assertTrue(verifyObject(IMessageDelivery, sender))
        self.assertEqual((sender.login.id, sender.account.name, sender.may_send), (7, "default", True))
        self.assertEqual(sender.features, Features(trackclicks=True))

    def test_gone(self) -> None:
        """A login that was removed since gives no avatar, nor does nobody."""
        for name in (b"gone", ()):
            failure = self.failureResultOf(self.realm.requestAvatar(name, None, IMessageDelivery))
            failure.trap(UnauthorizedLogin)

    def test_other_interface(self) -> None:
        """Nothing but message delivery is provided."""
        with self.assertRaises(NotImplementedError):
            self.successResultOf(self.realm.requestAvatar(b"sender", None, IMessageDeliveryFactory))

    def test_may_not_send(self) -> None:
        """An account that is pending or suspended may not send, and a stock server hears it too."""
        for standing in (Standing.PENDING, Standing.SUSPENDED):
            self.directory.put(make_login(standing))
            sender = self.sender()
            self.assertFalse(sender.may_send)
            with self.assertRaises(SMTPBadSender) as caught:
                sender.validateFrom((b"x", b"y"), Address(b"a@b"))
            self.assertEqual(caught.exception.code, 550)

    def test_stock_server_loses_nothing(self) -> None:
        """To a server that delivers recipient by recipient, recipients are refused."""
        sender, origin = self.sender(), Address(b"a@b")
        self.assertIs(sender.validateFrom((b"x", b"y"), origin), origin)
        with self.assertRaises(SMTPBadRcpt):
            sender.validateTo(User(b"a@b", (b"x", b"y"), None, origin))
        self.assertEqual(sender.receivedHeader((b"x", b"y"), origin, []), b"")

    def test_renew(self) -> None:
        """A login is read again: what changed counts; another password or another login of the name does not."""
        sender = self.sender()
        suspended = make_login(Standing.SUSPENDED)
        self.directory.put(suspended)
        self.assertEqual(self.successResultOf(_run(sender)), suspended)
        self.assertFalse(sender.may_send)
        for other in (evolve(suspended, secret=b"other"), evolve(suspended, id=99)):
            self.directory.put(other)
            self.assertIsNone(self.successResultOf(_run(sender)))
        self.directory.logins.clear()
        self.assertIsNone(self.successResultOf(_run(sender)))


def _run(sender: Sender) -> Deferred[Login | None]:
    return Deferred.fromCoroutine(sender.renew())
