"""Does the archive's chores in the background, a step at a time, with pauses that leave the database to the mail."""

from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.archive.chores import Chore
from smtpeter.archive.pace import Pace
from smtpeter.boundaries.storage import StorageBusy

ROUND_SECONDS = 60.0
"""Between the end of a round and the next one."""


@define(eq=False, kw_only=True)
class Upkeep(Service):
    """
    Rounds of all chores.

    @ivar chores: in this order, one after the other.
    @ivar round_seconds: between the end of a round and the next one.
    @ivar interrupt: called when it stops, to make a step short that waits for others.
    """

    _log = Logger()
    clock: IReactorTime
    chores: Sequence[Chore]
    round_seconds: float = ROUND_SECONDS
    interrupt: Callable[[], None] = lambda: None
    _running: Deferred[None] | None = field(default=None, init=False)
    _pause: Deferred[None] | None = field(default=None, init=False)
    _is_stopping: bool = field(default=False, init=False)

    @override
    def startService(self) -> None:
        """Begin with a pause: a server that starts has other things to do."""
        super().startService()
        self._is_stopping = False
        self._running = Deferred.fromCoroutine(self._run())

    @override
    def stopService(self) -> Deferred[None]:
        """Finish the step that is under way."""
        super().stopService()
        self._is_stopping = True
        self.interrupt()
        if self._pause is not None:
            self._pause.cancel()
        return succeed(None) if self._running is None else self._running

    async def _run(self) -> None:
        while await self._rest(self.round_seconds):
            for chore in self.chores:
                await self._do(chore)

    async def _do(self, chore: Chore) -> None:
        """Do all that there is to do now."""
        pace, done, is_more = Pace(), 0, True
        while is_more and not self._is_stopping:
            started = self.clock.seconds()
            count, is_more = await self._step(chore, started, pace.limit)
            done += count
            is_more = is_more and await self._rest(pace.pause_after(self.clock.seconds() - started))
        if done:
            self._log.info("{done} {chore.name}", done=done, chore=chore)

    async def _step(self, chore: Chore, now: float, limit: int) -> tuple[int, bool]:
        """A step that fails is tried again in the next round."""
        try:
            return await chore.step(now, limit)
        except StorageBusy:
            return 0, False
        except Exception:
            self._log.failure("a step of the archive failed: {chore.name}", chore=chore)
            return 0, False

    async def _rest(self, seconds: float) -> bool:
        """@return: whether to go on."""
        if self._is_stopping:
            return False
        self._pause = deferLater(self.clock, seconds)
        try:
            await self._pause
        except CancelledError:
            return False
        finally:
            self._pause = None
        return True
