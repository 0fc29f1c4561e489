"""
Whole messages made outside the server's process, where another processor may do it.

Each process has a lane (L{smtpeter.prepare.lanes}). An order is refused at once where it would wait behind a long one,
when there are too many, and when its process breaks down over it: then the message is made in the server's process.
"""

import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Protocol

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from typing_extensions import override

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.prepare import InliningFailed
from smtpeter.prepare.lanes import BrokeDown, Lane, Task
from smtpeter.prepare.maker import NO_ENGINE
from smtpeter.prepare.orders import Made, NotMade, Order, packed_order, unpacked_made
from smtpeter.prepare.pipes import WorkerProcess
from smtpeter.prepare.workers import PATIENCE_SECONDS, spawner

MAX_WAITING = 1000
"""Orders that wait or run at one time."""
MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Octets of all those."""

BUSY = "the makers have too much to do"
CROWD = 24
"""Orders for one process, where each takes little."""
STARTING = "a maker has yet to start"


class Making(Protocol):
    """Makes messages elsewhere."""

    async def make(self, order: Order) -> Made:
        """
        Have a message made.

        @raise NotMade: there is too much to do, or it cannot be done there.
        @raise Overtaxed: a process broke down over it.
        @raise CancelledError: the server stops.
        """


class Overtaxed(NotMade):
    """A process broke down over it."""


def maker_spawner(
    reactor: IReactorProcess,
    timeout_seconds: float,
    memory_bytes: int,
    setup: bytes,
    engine: str = NO_ENGINE,
    python: str = sys.executable,
) -> Callable[[WorkerProcess], object]:
    """
    What starts a maker process and tells it what it must know.

    @param setup: the first frame, which holds keys: it goes through the pipe.
    """
    spawn = spawner(reactor, timeout_seconds, memory_bytes, python, engine, "smtpeter.prepare.maker")

    def spawn_and_tell(process: WorkerProcess) -> object:
        spawned = spawn(process)
        process.send(setup)
        return spawned

    return spawn_and_tell


@define(eq=False, slots=False)
class Makers(Service):
    """
    Some processes of one kind; they start at the first use after C{startService}.

    @ivar _spawn: starts a process that speaks frames with what it is given.
    @ivar _killed: counts processes that were ended over an order that took too long.
    @ivar _crowd: so many orders for one process let the next go to another one. Two that have little to do take more
        processor time than one that has much.
    @ivar _is_awaited: whether orders wait for a process that has yet to start; else they are refused meanwhile.
    """

    _clock: IReactorTime
    _spawn: Callable[[WorkerProcess], object]
    _count: int
    _timeout_seconds: float
    _killed: Tally = uncounted
    _crowd: int = 1
    _is_awaited: bool = True
    _lanes: list[Lane] = field(init=False, factory=list)
    _waiting: int = field(init=False, default=0)
    _waiting_bytes: int = field(init=False, default=0)

    @override
    def startService(self) -> None:
        super().startService()
        self._lanes = [
            Lane(
                self._clock,
                self._spawn,
                self._timeout_seconds,
                PATIENCE_SECONDS,
                self._conclude,
                self._clear,
                self._killed,
            )
            for _ in range(self._count)
        ]

    @override
    def stopService(self) -> Deferred[list[None]]:
        """End all processes. Who still waits is cancelled."""
        super().stopService()
        lanes, self._lanes = self._lanes, []
        return gatherResults([lane.stop() for lane in lanes])

    async def make(self, order: Order) -> Made:
        """Have a message made (L{Making.make})."""
        if not self._lanes:
            raise CancelledError()
        size_bytes = len(order.submission.content)
        if self._waiting >= MAX_WAITING or self._waiting_bytes + size_bytes > MAX_WAITING_BYTES:
            raise NotMade(BUSY)
        lane = self._chosen()
        task = Task(b"", packed_order(order), unpacked_made)
        waiter = task.wait()
        self._waiting += 1
        self._waiting_bytes += len(task.content)
        lane.add(task)
        try:
            made: Made = await waiter
        except BrokeDown as reason:
            raise Overtaxed(str(reason)) from None
        except InliningFailed as reason:
            raise NotMade(str(reason)) from None
        return made

    def _chosen(self) -> Lane:
        lanes = [lane for lane in self._lanes if not lane.is_overdue]
        if not lanes:
            raise NotMade(BUSY)
        lane = next((lane for lane in lanes if lane.unfinished < self._crowd), None) or min(lanes, key=_unfinished)
        if self._is_awaited or lane.is_ready:
            return lane
        lane.warm_up()
        ready = [lane for lane in lanes if lane.is_ready]
        if not ready:
            raise NotMade(STARTING)
        return min(ready, key=_unfinished)

    def _conclude(self, task: Task, outcome: object, size_bytes: int) -> None:
        self._waiting -= 1
        self._waiting_bytes -= len(task.content)
        task.finish(outcome)

    def _clear(self) -> None:
        """Nothing waits behind a long order: it is made elsewhere."""
        for lane in self._lanes:
            while lane.is_overdue and (task := lane.take()) is not None:
                self._conclude(task, NotMade(BUSY), 0)


_unfinished = attrgetter("unfinished")
