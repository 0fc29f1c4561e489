"""
The realm of senders: who has logged in gets an avatar that knows the login and its account.

Our door takes a whole envelope at once, so of L{IMessageDelivery} it asks the login only. To a stock server, which
delivers recipient by recipient, the avatar refuses recipients rather than lose their mail.
"""

from collections.abc import Callable

from attrs import define
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred
from twisted.mail.interfaces import IMessageDelivery
from twisted.mail.smtp import Address, SMTPBadRcpt, SMTPBadSender, User
from zope.interface import Interface, implementer

from smtpeter.boundaries.accounts import LoginDirectory
from smtpeter.model.account import Account, Login, Standing
from smtpeter.model.options import Features


def may_send(login: Login) -> bool:
    """Whether the login's account is approved and not suspended."""
    return login.account.standing is Standing.ACTIVE


@implementer(IMessageDelivery)
@define(eq=False)
class Sender:
    """The avatar of a login."""

    login: Login
    _directory: LoginDirectory

    @property
    def account(self) -> Account:
        """The tenant that the mail is of."""
        return self.login.account

    @property
    def features(self) -> Features:
        """What the login's messages get unless they say otherwise."""
        return self.login.features

    @property
    def may_send(self) -> bool:
        """Whether the account is approved and not suspended."""
        return may_send(self.login)

    async def renew(self) -> Login | None:
        """
        Read the login again, for sessions that live long.

        @return: the login as it is now; C{None} when it was removed or has another password.
        @raise StorageBusy: cannot be told now.
        """
        login = await self._directory.find_login(self.login.username)
        if login is None or (login.id, login.secret) != (self.login.id, self.login.secret):
            return None
        self.login = login
        return login

    def validateFrom(self, helo: tuple[bytes, bytes], origin: Address) -> Address:
        """@raise SMTPBadSender: the account may not send."""
        if not self.may_send:
            raise SMTPBadSender(origin, 550, "5.7.1 You do not have permission to send email")
        return origin

    def validateTo(self, user: User) -> None:
        """@raise SMTPBadRcpt: always."""
        raise SMTPBadRcpt(user, 550, "5.3.2 Mail is taken envelope by envelope")

    def receivedHeader(self, helo: tuple[bytes, bytes], origin: Address, recipients: list[User]) -> bytes:
        """Nothing: the trace field is written when a message is prepared."""
        return b""


@implementer(IRealm)
@define(eq=False)
class SenderRealm:
    """Makes senders of checked user names."""

    _directory: LoginDirectory

    def requestAvatar(
        self, avatarId: bytes | tuple[()], mind: object, *interfaces: type[Interface]
    ) -> Deferred[tuple[type[Interface], object, Callable[[], None]]]:
        """
        The sender of a user name.

        @raise NotImplementedError: L{IMessageDelivery} is not among what is asked for.
        @raise UnauthorizedLogin: the login was removed since its password was checked.
        @raise StorageBusy: cannot be told now.
        """
        if IMessageDelivery not in interfaces:
            raise NotImplementedError("senders provide IMessageDelivery only")
        return Deferred.fromCoroutine(self._find(avatarId))

    async def _find(self, avatar_id: bytes | tuple[()]) -> tuple[type[Interface], object, Callable[[], None]]:
        login = await self._directory.find_login(avatar_id.decode()) if avatar_id else None
        if login is None:
            raise UnauthorizedLogin("no such login")
        return IMessageDelivery, Sender(login, self._directory), _logout


def _logout() -> None:
    """A sender holds nothing that must be given back."""
