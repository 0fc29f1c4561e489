"""The tokens of accounts, found by their hashes and never from memory: one that was deleted is dead at once."""

from collections.abc import Collection
from typing import Any

from attrs import define
from sqlalchemy import Connection, Row, Select, delete, select
from typing_extensions import override

from smtpeter.boundaries.accounts import TokenBook, TokenDirectory
from smtpeter.model.account import SCOPES, Account, Scope, Standing, Token
from smtpeter.storage.accounts import insert_named
from smtpeter.storage.database import Database
from smtpeter.storage.tables import accounts, tokens


@define(eq=False, kw_only=True)
class StoredTokens(TokenBook, TokenDirectory):
    """Who may call the REST API, and for what."""

    _database: Database

    @override
    async def create_token(
        self, account_id: int, name: str, secret: bytes, scopes: Collection[Scope], now: float
    ) -> Token:
        """Add a token (L{TokenBook.create_token})."""
        row = {
            "account_id": account_id,
            "name": name,
            "secret": secret,
            "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
            "created_at": now,
        }

        def work(connection: Connection) -> Token:
            token_id = insert_named(connection, tokens, row, name)
            return _read(connection.execute(_select().where(tokens.c.id == token_id)).one())

        return await self._database.transaction(work)

    @override
    async def tokens(self, account_id: int) -> list[Token]:
        """An account's tokens, by name."""
        query = _select().where(tokens.c.account_id == account_id).order_by(tokens.c.name)
        return await self._database.read(lambda connection: [_read(row) for row in connection.execute(query)])

    @override
    async def delete_token(self, token_id: int) -> None:
        """Remove a token; what it handed in stays."""

        def work(connection: Connection) -> None:
            connection.execute(delete(tokens).where(tokens.c.id == token_id))

        await self._database.transaction(work)

    @override
    async def find_token(self, secret: bytes) -> Token | None:
        """The token with that hash (L{TokenDirectory.find_token})."""
        query = _select().where(tokens.c.secret == secret)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _read(row)


def _select() -> Select[Any]:
    """Tokens with their accounts, without their hashes."""
    return select(
        tokens.c.id,
        tokens.c.account_id,
        tokens.c.name,
        tokens.c.scopes,
        accounts.c.name.label("account_name"),
        accounts.c.standing.label("account_standing"),
    ).join_from(tokens, accounts, accounts.c.id == tokens.c.account_id)


def _read(row: Row[Any]) -> Token:
    words = row.scopes.split()
    return Token(
        id=row.id,
        account=Account(id=row.account_id, name=row.account_name, standing=Standing(row.account_standing)),
        name=row.name,
        scopes=tuple(scope for scope in SCOPES if scope in words),
    )
