"""Background work that is tracked until it ends, and an alarm for loops that sleep."""

from collections.abc import Coroutine

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpeter.eager import begin

_FAILED = "background work of the queue failed"


@define(eq=False)
class Tasks:
    """Work under way. What fails here is a fault of ours: it is logged and stops nothing else."""

    _log = Logger()
    clock: IReactorTime
    _running: set["Deferred[None]"] = field(factory=set, init=False)

    def start(self, work: Coroutine["Deferred[object]", object, None]) -> None:
        """Begin a piece of work."""
        try:
            running = begin(work)
        except CancelledError:
            return
        except Exception:
            self._log.failure(_FAILED)
            return
        if running is not None:
            self._running.add(running)
            _ = running.addErrback(self._failed)
            _ = running.addCallback(self._ended, running)

    async def ended(self, seconds: float) -> bool:
        """
        Wait until nothing is under way, and cancel what still is after that time.

        @return: whether all ended by itself.
        """
        call = self.clock.callLater(seconds, self.cancel)
        while self._running and call.active():
            await DeferredList(list(self._running))
        in_time = call.active()
        if in_time:
            call.cancel()
        return in_time

    def cancel(self) -> None:
        """Interrupt all that is under way."""
        for running in list(self._running):
            running.cancel()

    def _ended(self, result: None, running: "Deferred[None]") -> None:
        self._running.discard(running)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure(_FAILED, failure)


@define(eq=False)
class Alarm:
    """Lets one loop sleep until a time, or until somebody rings."""

    clock: IReactorTime
    _sleeper: "Deferred[None] | None" = field(default=None, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)
    _is_rung: bool = field(default=False, init=False)

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds, or at once when it rings or has rung since the last wait."""
        if self._is_rung:
            seconds = 0
        self._is_rung = False
        self._sleeper = Deferred()
        self._call = self.clock.callLater(seconds, self._wake)
        try:
            await self._sleeper
        finally:
            self._sleeper = None
            if self._call.active():
                self._call.cancel()

    def ring(self) -> None:
        """End the sleep, soon."""
        self._is_rung = True
        if self._sleeper is not None and self._call is not None:
            try:
                self._call.reset(0)
            except (AlreadyCalled, AlreadyCancelled):
                pass

    def _wake(self) -> None:
        self._is_rung = False
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None:
            sleeper.callback(None)
