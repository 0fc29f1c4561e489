"""
Writes what attempts led to, and keeps at it until storage takes it.

A result that cannot be written stays in memory and closes the gate: nothing more is sent that could not be recorded,
and nothing whose result is waiting is sent again.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.queue import ClaimLost, QueueStore
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import State
from smtpeter.model.queue import Settlement
from smtpeter.queue.gate import Gate
from smtpeter.queue.tasks import Alarm, Tasks

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
AT_ONCE = 256
"""How many results are written together when storage is back: they share its commits."""
UNWRITTEN = "unwritten"
"""The reason under which the gate is closed."""

_DEFERRED = "deferred"


class _Result(Enum):
    ENDED = "ended"
    BUSY = "busy"
    FAULT = "fault"
    CUT = "cut"
    """It was interrupted, since the server stops: nobody knows."""


@frozen(eq=False)
class _Entry:
    settlement: Settlement
    written: Callable[[], None]


@define(eq=False)
class Ledger:
    """Settlements on their way to storage."""

    _log = Logger()
    clock: IReactorTime
    store: QueueStore
    gate: Gate
    opened: Callable[[], None]
    """Called when settlements can be written again."""
    settled: Tally = uncounted
    """Counts what was written, by what became of the message."""
    _unwritten: deque[_Entry] = field(factory=deque, init=False)
    _is_busy: bool = field(default=False, init=False)
    _is_retrying: bool = field(default=False, init=False)
    _tasks: Tasks = field(init=False)
    _alarm: Alarm = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tasks = Tasks(self.clock)
        self._alarm = Alarm(self.clock)

    def write(self, settlement: Settlement, written: Callable[[], None]) -> None:
        """
        Commit a settlement, now or as soon as storage can.

        @param written: called when it is committed, or refused because the claim is lost: the message may be forgotten.
        """
        entry = _Entry(settlement, written)
        if self._is_busy:
            self._unwritten.append(entry)
        else:
            self._tasks.start(self._write(entry))

    async def finish(self, seconds: float) -> bool:
        """
        Wait for all settlements, at most so long.

        @return: whether all are written.
        """
        self._alarm.ring()
        await self._tasks.ended(seconds)
        if self._unwritten:
            self._log.error("{count} results could not be recorded", count=len(self._unwritten))
        return not self._unwritten

    async def _write(self, entry: _Entry) -> None:
        result = await self._try(entry)
        if result is _Result.ENDED:
            return
        self._unwritten.append(entry)
        if result is _Result.CUT:
            return
        if result is _Result.BUSY and not self._is_busy:
            self._is_busy = True
            self.gate.close(UNWRITTEN)
            self._log.error("results cannot be recorded: sending stops until they can")
        if not self._is_retrying:
            self._is_retrying = True
            self._tasks.start(self._retry())

    async def _try(self, entry: _Entry) -> _Result:
        try:
            await self.store.settle(entry.settlement)
        except StorageBusy:
            return _Result.BUSY
        except ClaimLost:
            self._log.warn("the claim of {id} is lost: its result is dropped", id=entry.settlement.message_id)
        except CancelledError:
            return _Result.CUT
        except Exception:
            self._log.failure("the result of {id} could not be recorded", id=entry.settlement.message_id)
            return _Result.FAULT
        else:
            self.settled(_DEFERRED if entry.settlement.state is State.QUEUED else entry.settlement.state.value)
        entry.written()
        return _Result.ENDED

    async def _retry(self) -> None:
        wait = FIRST_WAIT_SECONDS
        try:
            while self._unwritten:
                await self._alarm.wait(wait)
                before = len(self._unwritten)
                if not await self._rewrite() and self._is_busy:
                    self._recovered()
                wait = FIRST_WAIT_SECONDS if len(self._unwritten) < before else min(wait * 2, LONGEST_WAIT_SECONDS)
        finally:
            self._is_retrying = False

    async def _rewrite(self) -> bool:
        """
        Try what waits, in order: first one alone, then many at once, until storage is busy again.

        @return: whether it is.
        """
        waiting, at_once = len(self._unwritten), 1
        while waiting > 0:
            batch = [self._unwritten[place] for place in range(min(at_once, waiting))]
            results = await gatherResults([Deferred.fromCoroutine(self._try(entry)) for entry in batch])
            for entry, result in zip(batch, results, strict=True):
                self._unwritten.popleft()
                if result is not _Result.ENDED:
                    self._unwritten.append(entry)
            if _Result.CUT in results:
                raise CancelledError
            if _Result.BUSY in results:
                return True
            waiting, at_once = waiting - len(batch), AT_ONCE
        return False

    def _recovered(self) -> None:
        self._is_busy = False
        self._log.info("results can be recorded again")
        self.gate.open(UNWRITTEN)
        self.opened()
