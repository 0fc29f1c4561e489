"""
The Cred checker for user names and passwords.

An unknown user name is compared against a hash that nothing matches, so that neither the answer nor its time tells
whether the name exists.
"""

from attrs import define, field
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from zope.interface import implementer

from smtpeter.auth.passwords import HASH_BYTES, verify_password
from smtpeter.boundaries.accounts import LoginDirectory

_NO_SECRET = bytes(HASH_BYTES)


@implementer(ICredentialsChecker)
@define(eq=False)
class LoginChecker:
    """Checks passwords against the logins of a directory."""

    credentialInterfaces = (IUsernamePassword,)

    _directory: LoginDirectory
    _key: bytes = field(repr=False)

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """
        Check a user name and a password, both as bytes of UTF-8.

        @return: the user name.
        @raise UnauthorizedLogin: there is no such login, or its password is another.
        @raise StorageBusy: cannot be told now.
        """
        return Deferred.fromCoroutine(self._check(credentials.username, credentials.password))

    async def _check(self, username: bytes, password: bytes) -> bytes | tuple[()]:
        try:
            name, presented = username.decode(), password.decode()
        except UnicodeDecodeError:
            raise UnauthorizedLogin("not UTF-8") from None
        login = await self._directory.find_login(name)
        is_right = verify_password(self._key, presented, _NO_SECRET if login is None else login.secret)
        if login is None or not is_right:
            raise UnauthorizedLogin("no such login or another password")
        return username
