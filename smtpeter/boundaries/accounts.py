"""What doors, stages and the command line ask about accounts, logins, tokens and sender domains."""

from collections.abc import Collection
from typing import Protocol

from smtpeter.model.account import Account, Login, Scope, SenderDomain, SigningKey, Standing, Token
from smtpeter.model.options import Features


class NameTaken(Exception):
    """There is one of that name already; nothing was changed."""


class LoginDirectory(Protocol):
    """Finds who knocks."""

    async def find_login(self, username: str) -> Login | None:
        """
        The login of that user name, its account with it.

        @raise StorageBusy: cannot be told now.
        """


class TokenDirectory(Protocol):
    """Finds whose token it is. Nothing is remembered: a token that was deleted is dead with the next request."""

    async def find_token(self, secret: bytes) -> Token | None:
        """
        The token with that hash, its account with it.

        @raise StorageBusy: cannot be told now.
        """


class SenderDomains(Protocol):
    """Finds whose settings apply."""

    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """
        An account's sender domain, approved or not.

        @param name: A-labels in lower case.
        @raise StorageBusy: cannot be told now.
        """

    async def is_served(self, name: str) -> bool:
        """
        Whether any account has an approved sender domain of that name (role addresses are accepted for it).

        @raise StorageBusy: cannot be told now.
        """


class AccountBook(Protocol):
    """Keeps accounts, their logins and sender domains. Times are POSIX seconds."""

    async def create_account(self, name: str, standing: Standing, now: float) -> Account:
        """
        Open an account.

        @raise NameTaken: there is one of that name.
        """

    async def accounts(self) -> list[Account]:
        """All accounts, by name."""

    async def set_standing(self, account_id: int, standing: Standing) -> None:
        """Approve, suspend or resume."""

    async def create_login(
        self, account_id: int, name: str, username: str, secret: bytes, features: Features, now: float
    ) -> Login:
        """
        Add a credential.

        @raise NameTaken: the account has a login of that name, or the user name exists.
        """

    async def logins(self, account_id: int) -> list[Login]:
        """An account's logins, by name."""

    async def update_login(self, login_id: int, features: Features) -> None:
        """Change what a login's messages get from now on."""

    async def delete_login(self, login_id: int) -> None:
        """Remove a credential; messages that it handed in stay."""

    async def create_domain(
        self, account_id: int, name: str, is_approved: bool, key: SigningKey, now: float
    ) -> SenderDomain:
        """
        Add a sender domain with its key.

        @raise NameTaken: the account has that domain.
        """

    async def approve_domain(self, account_id: int, name: str) -> None:
        """Let the account send from it."""

    async def domains(self, account_id: int) -> list[SenderDomain]:
        """An account's sender domains, by name."""

    async def delete_domain(self, account_id: int, name: str) -> None:
        """Remove a sender domain and its key."""


class TokenBook(Protocol):
    """Keeps the tokens of accounts. Times are POSIX seconds."""

    async def create_token(
        self, account_id: int, name: str, secret: bytes, scopes: Collection[Scope], now: float
    ) -> Token:
        """
        Add a token.

        @param secret: the hash by which it is found.
        @raise NameTaken: the account has a token of that name.
        """

    async def tokens(self, account_id: int) -> list[Token]:
        """An account's tokens, by name."""

    async def delete_token(self, token_id: int) -> None:
        """Remove a token; what it handed in stays."""
