"""The rules about logins, the SMTP credentials of an account."""

from collections.abc import Callable

from attrs import define, field, frozen

from smtpeter.accounts.names import check_name
from smtpeter.accounts.refusals import AlreadyThere, NotFound
from smtpeter.auth.passwords import generate_password, generate_username, hash_password
from smtpeter.boundaries.accounts import AccountBook, NameTaken
from smtpeter.model.account import Account, Login
from smtpeter.model.options import Features, Overrides, override


@frozen(kw_only=True)
class NewLogin:
    """A login and its password, which nobody can show again."""

    login: Login
    password: str = field(repr=False)


@define(eq=False)
class Logins:
    """
    Logins.

    @ivar password_key: see L{smtpeter.auth.secrets.Secrets}.
    @ivar chance: gives so many bytes that nobody can guess.
    @ivar clock: POSIX seconds.
    """

    _book: AccountBook
    _password_key: bytes = field(repr=False)
    _chance: Callable[[int], bytes]
    _clock: Callable[[], float]

    async def create(self, account: Account, name: str, features: Features) -> NewLogin:
        """
        Make a credential with a generated user name and password.

        @raise WrongName: no login can be called so.
        @raise AlreadyThere: the account has one of that name.
        """
        checked = check_name(name)
        username, password = generate_username(self._chance), generate_password(self._chance)
        secret = hash_password(self._password_key, password)
        try:
            login = await self._book.create_login(account.id, checked, username, secret, features, self._clock())
        except NameTaken:
            raise AlreadyThere(f"The account {account.name} has a login {checked} already.") from None
        return NewLogin(login=login, password=password)

    async def all(self, account: Account) -> list[Login]:
        """An account's logins, by name."""
        return await self._book.logins(account.id)

    async def find(self, account: Account, name: str) -> Login:
        """
        A login by its name or its user name.

        @raise NotFound: the account has none such.
        """
        logins = await self._book.logins(account.id)
        found = [login for login in logins if login.name == name] or [
            login for login in logins if login.username == name
        ]
        if not found:
            known = ", ".join(login.name for login in logins) or "none yet"
            raise NotFound(f"The account {account.name} has no login {name}. Logins: {known}.")
        return found[0]

    async def update(self, account: Account, name: str, changes: Overrides) -> Features:
        """
        Change what a login's messages get from now on.

        @param changes: C{None} leaves a feature as it is.
        @return: all of its features.
        @raise NotFound: the account has none such.
        """
        login = await self.find(account, name)
        features = override(login.features, changes)
        await self._book.update_login(login.id, features)
        return features

    async def delete(self, account: Account, name: str) -> Login:
        """
        Remove a login; what it handed in is still delivered.

        @return: what was removed.
        @raise NotFound: the account has none such.
        """
        login = await self.find(account, name)
        await self._book.delete_login(login.id)
        return login
