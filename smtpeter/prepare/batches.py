"""
Work that goes to threads many pieces at a time.

A hop to a thread and back costs more than the signing of a small message. So what is asked for while all threads are
busy waits, and goes together: batches form by themselves, and grow with the load.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")

MAX_BATCH = 32


class Threads(Protocol):
    """Runs a function outside the reactor's thread."""

    async def run(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call it; its result or exception is the answer."""


@define(eq=False)
class Batches:
    """
    Hands out work.

    @ivar _lanes: how many batches may run at once.
    """

    _threads: Threads
    _lanes: int = 2
    _waiting: deque[tuple[Callable[[], Any], Deferred[Any]]] = field(factory=deque, init=False)
    _open: set[Deferred[None]] = field(factory=set, init=False)

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread; its result or exception is the answer."""
        done: Deferred[T] = Deferred()
        self._waiting.append((work, done))
        if len(self._open) < self._lanes:
            lane = Deferred.fromCoroutine(self._lane())
            self._open.add(lane)
            _ = lane.addBoth(lambda _: self._open.discard(lane))
        return await done

    async def _lane(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
            await self._run_batch(batch)

    async def _run_batch(self, batch: list[tuple[Callable[[], Any], Deferred[Any]]]) -> None:
        try:
            results = await self._threads.run(_do_all, [work for work, _ in batch])
        except Exception:
            # The threads are gone, as at the end of the process.
            results = [Failure()] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if isinstance(result, Failure):
                done.errback(result)
            else:
                done.callback(result)


def _do_all(works: list[Callable[[], Any]]) -> list[Any]:
    return [_do(work) for work in works]


def _do(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception:
        return Failure()
