"""
Threads with a line before them.

A thread takes whatever has queued up while it was busy as one batch, so that batches grow with the load and an idle
database answers at once. A batch's answers come back to the reactor by one C{callFromThread}.

Who got an answer comes back with the next operation a moment later: a thread that ran with the first of them would
pay an fsync for it alone. So it waits until as many have come as the last time, or nobody comes for C{GAP_SECONDS}.
A batch of one at 10 clients costs 690 µs of processor time a message, a batch of ten 125 µs.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads

from smtpeter.storage.groups import Operation

Deliver = Callable[[], None]
"""Hands out a batch's answers; to be called in the reactor's thread."""

Run = Callable[[list[Operation]], Deliver]
"""Executes a batch, in a thread; never raises."""

BATCH_BYTES = 16 * 1024 * 1024
"""A batch ends when it is to write this much."""

GAP_SECONDS = 0.001
"""How long the next operation of a batch is waited for, while more are expected."""


class Lane(Protocol):
    """Where operations wait for their thread."""

    def start(self) -> None:
        """Make the threads."""

    def put(self, operation: Operation) -> None:
        """Stand in line."""

    async def stop(self) -> None:
        """Execute what stands in line, then end the threads. Nothing may be put afterwards."""


class MakeLane(Protocol):
    """Makes a lane of C{threads} threads that takes at most C{limit} operations at a time."""

    def __call__(self, *, reactor: IReactorFromThreads, name: str, threads: int, limit: int, run: Run) -> Lane: ...


@define(eq=False, kw_only=True)
class ThreadLane:
    """The lane of a running server."""

    _reactor: IReactorFromThreads
    _name: str
    _threads: int
    _limit: int
    _run: Run
    _line: SimpleQueue[Operation | None] = field(factory=SimpleQueue)
    _ends: list[Deferred[None]] = field(factory=list)

    def start(self) -> None:
        """Make the threads."""
        for number in range(self._threads):
            end: Deferred[None] = Deferred()
            self._ends.append(end)
            Thread(target=self._work, args=(end,), name=f"{self._name}-{number}", daemon=True).start()

    def put(self, operation: Operation) -> None:
        """Stand in line."""
        self._line.put(operation)

    async def stop(self) -> None:
        """Execute what stands in line, then end the threads."""
        for _ in self._ends:
            self._line.put(None)
        await gatherResults(self._ends)

    def _work(self, end: Deferred[None]) -> None:
        is_last, expected = False, 1
        while not is_last:
            batch, is_last = self._next_batch(expected)
            expected = len(batch)
            if batch:
                self._reactor.callFromThread(self._run(batch))
        self._reactor.callFromThread(end.callback, None)

    def _next_batch(self, expected: int) -> tuple[list[Operation], bool]:
        """
        Wait for an operation and take those behind it.

        @param expected: how many are worth waiting for.
        @return: C{True} with them when the thread is to end.
        """
        batch: list[Operation] = []
        operation = self._line.get()
        size = 0
        while operation is not None:
            batch.append(operation)
            size += operation.size_bytes
            if len(batch) >= self._limit or size >= BATCH_BYTES:
                return batch, False
            try:
                is_expected = len(batch) < expected
                operation = self._line.get(is_expected, GAP_SECONDS if is_expected else None)
            except Empty:
                return batch, False
        return batch, True
