"""Keeps this node's lease: the heartbeat, and what follows when it fails."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.queue import ClaimLost, QueueStore
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.queue.gate import Gate
from smtpeter.queue.tasks import Alarm

LAPSED = "lease"
"""The reason under which the gate is closed."""


@define(eq=False)
class Lease:
    """
    Holds the gate open as long as the lease lasts.

    @ivar lease_seconds: how long others keep off after a renewal.
    @ivar regained: called when it was renewed after it had run out.
    @ivar lapsed: called when it ran out: what is held in memory may be somebody else's.
    @ivar is_lost: whether another process has taken this node's identity. There is no way back.
    """

    _log = Logger()
    clock: IReactorTime
    store: QueueStore
    gate: Gate
    lease_seconds: float
    regained: Callable[[], None]
    lapsed: Callable[[], None]
    is_lost: bool = field(default=False, init=False)
    _end: IDelayedCall | None = field(default=None, init=False)
    _alarm: Alarm = field(init=False)
    _is_stopping: bool = field(default=False, init=False)
    _is_lapsed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._alarm = Alarm(self.clock)

    async def keep(self) -> None:
        """Renew three times as often as needed, until told to stop or the lease is lost."""
        self._extend(self.clock.seconds())
        while not self._is_stopping and not self.is_lost:
            await self._alarm.wait(self.lease_seconds / 3)
            if not self._is_stopping:
                await self._renew()

    def stop(self) -> None:
        """Let the lease run out."""
        self._is_stopping = True
        self._forget_end()
        self._alarm.ring()

    async def _renew(self) -> None:
        now = self.clock.seconds()
        try:
            await self.store.renew(now)
        except StorageBusy:
            self._log.warn("the lease could not be renewed")
        except ClaimLost:
            self._lose()
        else:
            self._extend(now)

    def _extend(self, since: float) -> None:
        self._forget_end()
        if self._is_stopping:
            return
        left = since + self.lease_seconds - self.clock.seconds()
        if left > 0:
            self._end = self.clock.callLater(left, self._lapse)
            if self._is_lapsed:
                self._is_lapsed = False
                self.gate.open(LAPSED)
                self.regained()

    def _lapse(self) -> None:
        self._log.error("the lease has run out: sending stops until it is renewed")
        self._stand_back()

    def _lose(self) -> None:
        self.is_lost = True
        self._forget_end()
        self._log.critical("another process has taken the identity of this node: it sends no more mail; restart it")
        self._stand_back()

    def _stand_back(self) -> None:
        self._is_lapsed = True
        self.gate.close(LAPSED)
        self.gate.void_passes()
        self.lapsed()

    def _forget_end(self) -> None:
        if self._end is not None and self._end.active():
            self._end.cancel()
        self._end = None
