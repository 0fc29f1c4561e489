"""
Bounds the connections of all sites together, and shares them among accounts.

An account may open another connection as long as those that were opened for it are fewer than three times what is still
free. So one alone gets three quarters of all, and whoever comes next finds some free: a thousand dead destinations of
one account hold nobody else's mail up. Who finds none waits in the order of coming.
"""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import islice
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

SHARE = 3
"""How many times what is free an account may hold."""
PER_TURN = 50
"""So many are called before the reactor looks at its sockets again."""
MOST_ACCOUNTS = 100
"""Of those who wait at one site, so many are looked at."""


class Claimant(Protocol):
    """A pool that may want more connections."""

    def pump(self) -> None:
        """See what can be done."""


class Idle(Protocol):
    """A kept connection that others may need more."""

    def quit(self) -> None:
        """Close it."""


@define(eq=False)
class Slots:
    """So many connections."""

    _limit: int
    _clock: IReactorTime
    _used: int = 0
    _held: dict[int, int] = field(factory=dict)
    # For whom the connections of each claimant were opened.
    _opened_for: dict[Claimant, list[int]] = field(factory=dict)
    _claimants: dict[int, OrderedDict[Claimant, None]] = field(factory=dict)
    _idle: OrderedDict[Idle, None] = field(factory=OrderedDict)
    # Idle ones that were told to close and have not yet.
    _leaving: int = 0
    _is_calling: bool = False

    @property
    def used(self) -> int:
        """How many are taken."""
        return self._used

    def take(self, claimant: Claimant, accounts: Iterable[int]) -> bool:
        """
        Whether another connection may be opened; if not, the claimant is called when one may.

        @param accounts: whose mail waits there; one at least.
        """
        account = min(islice(accounts, MOST_ACCOUNTS), key=self._held_by)
        if self._may_take(account):
            self._used += 1
            self._held[account] = self._held_by(account) + 1
            self._opened_for.setdefault(claimant, []).append(account)
            return True
        self._claimants.setdefault(account, OrderedDict())[claimant] = None
        self._call_later()
        return False

    def give_back(self, claimant: Claimant) -> None:
        """A connection of that claimant is closed."""
        opened_for = self._opened_for[claimant]
        account = opened_for.pop()
        if not opened_for:
            del self._opened_for[claimant]
        self._used -= 1
        self._leaving = max(0, self._leaving - 1)
        self._held[account] -= 1
        if not self._held[account]:
            del self._held[account]
        self._call_later()

    def idle(self, connection: Idle) -> None:
        """It has nothing to do, so that it gives way when somebody waits."""
        self._idle[connection] = None
        self._call_later()

    def busy(self, connection: Idle) -> None:
        """It has something to do, or is gone."""
        self._idle.pop(connection, None)

    def _held_by(self, account: int) -> int:
        return self._held.get(account, 0)

    def _may_take(self, account: int) -> bool:
        return self._held_by(account) < SHARE * (self._limit - self._used)

    def _make_room(self) -> None:
        """Close idle connections, the one that has been so for longest first, but no more of them than who waits."""
        wanted = sum(map(len, self._claimants.values())) - self._leaving
        for _ in range(min(wanted, len(self._idle))):
            self._leaving += 1
            self._idle.popitem(last=False)[0].quit()

    def _call_later(self) -> None:
        if self._claimants and not self._is_calling:
            self._is_calling = True
            self._clock.callLater(0, self._call)

    def _call(self) -> None:
        """Call who has waited longest of the account that holds least; what it leaves is the next one's."""
        self._is_calling = False
        for _ in range(PER_TURN):
            account = min(self._claimants, key=self._held_by, default=None)
            if account is None:
                return
            if not self._may_take(account):
                self._make_room()
                return
            waiting = self._claimants[account]
            claimant = waiting.popitem(last=False)[0]
            if not waiting:
                del self._claimants[account]
            claimant.pump()
        self._call_later()
