"""
Finds logins and sender domains for the doors, from memory where it was asked a moment ago.

What an operator changes is seen after C{fresh_seconds} at the latest, on every node, without a word between them.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import define, field
from sqlalchemy import select, true
from twisted.internet.interfaces import IReactorTime
from typing_extensions import override

from smtpeter.boundaries.accounts import LoginDirectory, SenderDomains
from smtpeter.boundaries.storage import Vault
from smtpeter.model.account import Login, SenderDomain
from smtpeter.storage.account_rows import read_domain, read_login, select_domains, select_logins
from smtpeter.storage.database import Database
from smtpeter.storage.tables import logins, sender_domains

K = TypeVar("K")
V = TypeVar("V")

FRESH_SECONDS = 3.0
MOST_REMEMBERED = 10_000
"""Strangers can ask for any name, so what is not found is remembered in the same bounds."""


@define(eq=False)
class Recollection(Generic[K, V]):
    """Answers that are good for a short time. A failure is not remembered."""

    _clock: IReactorTime
    _fresh_seconds: float
    _answers: dict[K, tuple[float, V]] = field(factory=dict)

    async def recall(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer to a question, asked anew when it is too old."""
        asked_at = self._clock.seconds()
        known = self._answers.get(key)
        if known is not None and 0 <= asked_at - known[0] < self._fresh_seconds:
            return known[1]
        answer = await ask()
        # To the end: the front of the map is what was asked longest ago.
        self._answers.pop(key, None)
        self._answers[key] = (asked_at, answer)
        if len(self._answers) > MOST_REMEMBERED:
            del self._answers[next(iter(self._answers))]
        return answer


@define(eq=False, kw_only=True)
class StoredDirectory(LoginDirectory, SenderDomains):
    """Who knocks, and whose settings apply."""

    _database: Database
    _vault: Vault
    _clock: IReactorTime
    _fresh_seconds: float = FRESH_SECONDS
    _logins: Recollection[str, Login | None] = field(init=False)
    _domains: Recollection[tuple[int, str], SenderDomain | None] = field(init=False)
    _served: Recollection[str, bool] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._logins = Recollection(self._clock, self._fresh_seconds)
        self._domains = Recollection(self._clock, self._fresh_seconds)
        self._served = Recollection(self._clock, self._fresh_seconds)

    @override
    async def find_login(self, username: str) -> Login | None:
        """The login of that user name (L{LoginDirectory.find_login})."""
        return await self._logins.recall(username, lambda: self._read_login(username))

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """An account's sender domain (L{SenderDomains.find_domain})."""
        return await self._domains.recall((account_id, name), lambda: self._read_domain(account_id, name))

    @override
    async def is_served(self, name: str) -> bool:
        """Whether any account sends from it (L{SenderDomains.is_served})."""
        return await self._served.recall(name, lambda: self._read_served(name))

    async def _read_login(self, username: str) -> Login | None:
        if "\0" in username:
            # Strangers may ask for it; PostgreSQL refuses such a text where SQLite finds nothing.
            return None
        query = select_logins().where(logins.c.username == username)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else read_login(row)

    async def _read_domain(self, account_id: int, name: str) -> SenderDomain | None:
        query = select_domains().where(sender_domains.c.account_id == account_id, sender_domains.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else read_domain(row, self._vault)

    async def _read_served(self, name: str) -> bool:
        query = select(sender_domains.c.id).where(sender_domains.c.name == name, sender_domains.c.is_approved == true())
        return await self._database.read(lambda connection: connection.execute(query.limit(1)).first() is not None)
