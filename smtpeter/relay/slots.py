"""Bounds the connections of all sites together; who waits for one gets it in order."""

from collections import OrderedDict
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IReactorTime


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
    _claimants: OrderedDict[Claimant, None] = field(factory=OrderedDict)
    _idle: OrderedDict[Idle, None] = field(factory=OrderedDict)

    def take(self, claimant: Claimant) -> bool:
        """Whether another connection may be opened; if not, the claimant is called when one may."""
        if self._used < self._limit:
            self._used += 1
            return True
        self._claimants[claimant] = None
        if self._idle:
            self._idle.popitem(last=False)[0].quit()
        return False

    def give_back(self) -> None:
        """A connection is closed."""
        self._used -= 1
        if self._claimants:
            claimant, _ = self._claimants.popitem(last=False)
            self._clock.callLater(0, claimant.pump)

    def idle(self, connection: Idle) -> None:
        """It has nothing to do."""
        self._idle[connection] = None

    def busy(self, connection: Idle) -> None:
        """It has something to do, or is gone."""
        self._idle.pop(connection, None)
