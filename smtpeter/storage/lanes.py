"""
Threads with a line before them.

A thread takes whatever has queued up while it was busy as one batch, so that batches grow with the load and an idle
database answers at once. A batch's answers come back to the reactor by one C{callFromThread}. Only the first operation
of a batch wakes a thread: every further waking would take the interpreter's lock from the reactor and give it back.

Who got an answer comes back with the next operation a moment later: a thread that ran with the first of them would
pay an fsync for it alone. So it waits until as many have come as the last time, or nobody comes for C{GAP_SECONDS}.
A batch of one at 10 clients costs 690 µs of processor time a message, a batch of ten 125 µs.
"""

from collections import deque
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
"""How long more operations of a batch are waited for at a time, while more are expected."""


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
    _line: deque[Operation] = field(factory=deque)
    _calls: SimpleQueue[bool] = field(factory=SimpleQueue)
    """Each wakes a thread; the last ones, C{True}, end them."""
    _is_called: bool = False
    """Whether a thread comes for what is in the line."""
    _never: SimpleQueue[None] = field(factory=SimpleQueue)
    _ends: list[Deferred[None]] = field(factory=list)

    def start(self) -> None:
        """Make the threads."""
        for number in range(self._threads):
            end: Deferred[None] = Deferred()
            self._ends.append(end)
            Thread(target=self._work, args=(end,), name=f"{self._name}-{number}", daemon=True).start()

    def put(self, operation: Operation) -> None:
        """Stand in line."""
        self._line.append(operation)
        if not self._is_called:
            self._is_called = True
            self._calls.put(False)

    async def stop(self) -> None:
        """Execute what stands in line, then end the threads."""
        for _ in self._ends:
            self._calls.put(True)
        await gatherResults(self._ends)

    def _work(self, end: Deferred[None]) -> None:
        is_last, expected = False, 1
        while not is_last:
            is_last = self._calls.get()
            batch = self._next_batch(expected)
            while batch:
                expected = len(batch)
                self._reactor.callFromThread(self._run(batch))
                batch = self._take() if is_last else []
        self._reactor.callFromThread(end.callback, None)

    def _next_batch(self, expected: int) -> list[Operation]:
        """
        Take what stands in line, and call a thread for what is left.

        @param expected: how many are worth waiting for.
        @return: none when another thread has taken them.
        """
        self._await(min(expected, self._limit))
        batch = self._take()
        self._is_called = False
        if self._line:
            # Also what was put between the last two steps, and called nobody.
            self._is_called = True
            self._calls.put(False)
        return batch

    def _await(self, expected: int) -> None:
        waiting = -1
        while waiting < len(self._line) < expected:
            waiting = len(self._line)
            try:
                self._never.get(timeout=GAP_SECONDS)
            except Empty:
                pass

    def _take(self) -> list[Operation]:
        batch: list[Operation] = []
        size = 0
        try:
            while len(batch) < self._limit and size < BATCH_BYTES:
                operation = self._line.popleft()
                batch.append(operation)
                size += operation.size_bytes
        except IndexError:
            pass
        return batch
