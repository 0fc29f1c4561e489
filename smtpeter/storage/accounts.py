"""The book of accounts, their logins and their sender domains. Private keys are sealed before they are stored."""

from collections.abc import Mapping
from typing import Any

from attrs import define
from sqlalchemy import Connection, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from typing_extensions import override

from smtpeter.boundaries.accounts import AccountBook, NameTaken
from smtpeter.boundaries.storage import Vault
from smtpeter.model.account import Account, Login, SenderDomain, SigningKey, Standing
from smtpeter.model.options import Features
from smtpeter.storage.account_rows import read_account, read_domain, read_login, select_domains, select_logins
from smtpeter.storage.database import Database
from smtpeter.storage.failures import is_duplicate
from smtpeter.storage.rows import write_features
from smtpeter.storage.tables import accounts, dkim_keys, logins, sender_domains


@define(eq=False, kw_only=True)
class StoredAccounts(AccountBook):
    """Who may send, and as whom."""

    _database: Database
    _vault: Vault

    @override
    async def create_account(self, name: str, standing: Standing, now: float) -> Account:
        """Open an account (L{AccountBook.create_account})."""
        row = {"name": name, "standing": standing.value, "created_at": now}
        account_id = await self._database.transaction(lambda connection: insert_named(connection, accounts, row, name))
        return Account(id=account_id, name=name, standing=standing)

    @override
    async def accounts(self) -> list[Account]:
        """All accounts, by name."""
        query = select(accounts).order_by(accounts.c.name)
        return await self._database.read(lambda connection: [read_account(row) for row in connection.execute(query)])

    @override
    async def set_standing(self, account_id: int, standing: Standing) -> None:
        """Approve, suspend or resume."""
        await self._change(update(accounts).where(accounts.c.id == account_id).values(standing=standing.value))

    @override
    async def create_login(
        self, account_id: int, name: str, username: str, secret: bytes, features: Features, now: float
    ) -> Login:
        """Add a credential (L{AccountBook.create_login})."""
        row = {
            "account_id": account_id,
            "name": name,
            "username": username,
            "secret": secret,
            "features": write_features(features),
            "created_at": now,
        }

        def work(connection: Connection) -> Login:
            login_id = insert_named(connection, logins, row, name)
            return read_login(connection.execute(select_logins().where(logins.c.id == login_id)).one())

        return await self._database.transaction(work)

    @override
    async def logins(self, account_id: int) -> list[Login]:
        """An account's logins, by name."""
        query = select_logins().where(logins.c.account_id == account_id).order_by(logins.c.name)
        return await self._database.read(lambda connection: [read_login(row) for row in connection.execute(query)])

    @override
    async def update_login(self, login_id: int, features: Features) -> None:
        """Change what a login's messages get from now on."""
        await self._change(update(logins).where(logins.c.id == login_id).values(features=write_features(features)))

    @override
    async def delete_login(self, login_id: int) -> None:
        """Remove a credential; messages that it handed in stay."""
        await self._change(delete(logins).where(logins.c.id == login_id))

    @override
    async def create_domain(
        self, account_id: int, name: str, is_approved: bool, key: SigningKey, now: float
    ) -> SenderDomain:
        """Add a sender domain with its key (L{AccountBook.create_domain})."""
        row = {"account_id": account_id, "name": name, "is_approved": is_approved, "created_at": now}
        key_row = {
            "domain": key.domain,
            "selector": key.selector,
            "sealed_pem": self._vault.seal(key.private_pem),
            "created_at": now,
        }

        def work(connection: Connection) -> None:
            domain_id = insert_named(connection, sender_domains, row, name)
            connection.execute(insert(dkim_keys).values(sender_domain_id=domain_id, **key_row))

        await self._database.transaction(work)
        return SenderDomain(account_id=account_id, name=name, is_approved=is_approved, key=key)

    @override
    async def approve_domain(self, account_id: int, name: str) -> None:
        """Let the account send from it."""
        await self._change(update(sender_domains).where(*_named(account_id, name)).values(is_approved=True))

    @override
    async def domains(self, account_id: int) -> list[SenderDomain]:
        """An account's sender domains, by name."""
        query = select_domains().where(sender_domains.c.account_id == account_id).order_by(sender_domains.c.name)
        return await self._database.read(
            lambda connection: [read_domain(row, self._vault) for row in connection.execute(query)]
        )

    @override
    async def delete_domain(self, account_id: int, name: str) -> None:
        """Remove a sender domain and its key."""
        await self._change(delete(sender_domains).where(*_named(account_id, name)))

    async def _change(self, statement: Any) -> None:
        def work(connection: Connection) -> None:
            connection.execute(statement)

        await self._database.transaction(work)


def insert_named(connection: Connection, table: Table, row: Mapping[str, Any], name: str) -> int:
    """Insert and tell the new id; a duplicate is L{NameTaken}."""
    try:
        key = connection.execute(insert(table).values(row)).inserted_primary_key
    except IntegrityError as failure:
        if is_duplicate(failure):
            raise NameTaken(f"there is a {name} already") from failure
        raise
    if key is None:
        raise RuntimeError(f"the database gave no id to a row of {table.name}")
    return int(key[0])


def _named(account_id: int, name: str) -> tuple[Any, Any]:
    return sender_domains.c.account_id == account_id, sender_domains.c.name == name
