"""The rules about tokens, the REST credentials of an account."""

from collections.abc import Callable, Collection

from attrs import define, field, frozen

from smtpeter.accounts.names import check_name
from smtpeter.accounts.refusals import AlreadyThere, NotFound
from smtpeter.auth.passwords import generate_token, hash_token
from smtpeter.boundaries.accounts import NameTaken, TokenBook
from smtpeter.model.account import SCOPES, Account, Scope, Token


@frozen(kw_only=True)
class NewToken:
    """A token with its text, which nobody can show again."""

    token: Token
    text: str = field(repr=False)


@define(eq=False)
class Tokens:
    """
    Tokens.

    @ivar key: see L{smtpeter.auth.secrets.Secrets.password_key}.
    @ivar chance: gives so many bytes that nobody can guess.
    @ivar clock: POSIX seconds.
    """

    _book: TokenBook
    _key: bytes = field(repr=False)
    _chance: Callable[[int], bytes]
    _clock: Callable[[], float]

    async def create(self, account: Account, name: str, scopes: Collection[Scope] = ()) -> NewToken:
        """
        Make a token.

        @param scopes: what it may be used for; none said means all.
        @raise WrongName: no token can be called so.
        @raise AlreadyThere: the account has one of that name.
        """
        checked, text = check_name(name), generate_token(self._chance)
        secret = hash_token(self._key, text)
        try:
            token = await self._book.create_token(account.id, checked, secret, scopes or SCOPES, self._clock())
        except NameTaken:
            raise AlreadyThere(f"The account {account.name} has a token {checked} already.") from None
        return NewToken(token=token, text=text)

    async def all(self, account: Account) -> list[Token]:
        """An account's tokens, by name."""
        return await self._book.tokens(account.id)

    async def delete(self, account: Account, name: str) -> Token:
        """
        Remove a token: no request is granted with it any more. What it handed in is still delivered.

        @return: what was removed.
        @raise NotFound: the account has none such.
        """
        known = await self._book.tokens(account.id)
        for token in known:
            if token.name == name:
                await self._book.delete_token(token.id)
                return token
        names = ", ".join(token.name for token in known) or "none yet"
        raise NotFound(f"The account {account.name} has no token {name}. Tokens: {names}.")
