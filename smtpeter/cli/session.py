"""
What a command works with: the settings, the rules, and the database without a reactor.

A command does one thing after the other, so each operation runs at once where it is asked for.
"""

import os
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from attrs import define

from smtpeter.accounts.accounts import Accounts
from smtpeter.accounts.domains import Domains
from smtpeter.accounts.logins import Logins
from smtpeter.accounts.tokens import Tokens
from smtpeter.auth.secrets import Secrets, load_secrets
from smtpeter.auth.vault import KeyedVault
from smtpeter.boundaries.events import EventReader
from smtpeter.boundaries.queue import QueueView
from smtpeter.cli.direct import open_database, run
from smtpeter.cli.options import Invocation, pass_invocation
from smtpeter.cli.output import Output
from smtpeter.cli.place import open_settings
from smtpeter.config import Settings
from smtpeter.storage.accounts import StoredAccounts
from smtpeter.storage.database import Database
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.schema import check as check_schema
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.storage.tokens import StoredTokens
from smtpeter.suppression.lists import SuppressionLists

T = TypeVar("T")


@define(eq=False, kw_only=True)
class Session:
    """One command's work."""

    settings: Settings
    accounts: Accounts
    logins: Logins
    tokens: Tokens
    domains: Domains
    suppressions: SuppressionLists
    queue: QueueView
    events: EventReader
    clock: Callable[[], float]
    out: Output
    _database: Database

    async def account_id(self, name: str | None) -> int | None:
        """The id of the account that a list is to be about; C{None} for all."""
        return None if name is None else (await self.accounts.find(name)).id

    async def account_names(self) -> dict[int, str]:
        """The names of all accounts by id."""
        return {account.id: account.name for account in await self.accounts.all()}

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()


def with_session(command: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Make a click callback of a coroutine function whose first argument is a L{Session}."""

    @wraps(command)
    def callback(invocation: Invocation, /, *args: Any, **keywords: Any) -> T:
        async def work() -> T:
            session = open_session(invocation)
            try:
                return await command(session, *args, **keywords)
            finally:
                await session.close()

        return run(work())

    return pass_invocation(callback)


def open_session(invocation: Invocation) -> Session:
    """
    Read the configuration and open the database.

    @raise Stopped: the caller may not work on it.
    @raise SchemaOutdated: its schema is older than this version.
    @raise SchemaNewer: its schema is newer.
    """
    settings = open_settings(invocation.config)
    check_schema(settings.database.url)
    return join(settings, load_secrets(Path(settings.secrets.folder)), Output(invocation.as_json))


def join(settings: Settings, secrets: Secrets, out: Output) -> Session:
    """Put the parts together on an open database."""
    database = open_database(settings.database.url)
    book = StoredAccounts(database=database, vault=KeyedVault(secrets.vault_keys, os.urandom))
    return Session(
        settings=settings,
        accounts=Accounts(book, time.time),
        logins=Logins(book, secrets.password_key, os.urandom, time.time),
        tokens=Tokens(StoredTokens(database=database), secrets.password_key, os.urandom, time.time),
        domains=Domains(book, time.time),
        suppressions=SuppressionLists(StoredSuppressions(database=database), time.time),
        queue=StoredQueueView(database=database),
        events=StoredJournal(database=database),
        clock=time.time,
        out=out,
        database=database,
    )
