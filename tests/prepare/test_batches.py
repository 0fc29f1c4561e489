"""Tests of work in threads: batches, results in their places, and threads that are gone."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.prepare.batches import MAX_BATCH, Batches
from smtpeter.prepare.changes import Changes
from smtpeter.prepare.html_part import Change
from smtpeter.prepare.threads import PoolThreads
from tests.prepare.case import Waiting
from tests.prepare.rig import Inline


class BatchTests(SynchronousTestCase):
    """L{Batches}."""

    def test_results(self) -> None:
        """Each gets its own result or exception, and one that fails does not hurt the others of its batch."""
        threads = Waiting()
        batches = Batches(threads)
        works: list[Callable[[], float]] = [lambda: 1, lambda: 2, lambda: 3, lambda: 1 / 0, lambda: 5]
        waiting = [Deferred.fromCoroutine(batches.run(work)) for work in works]
        while threads.go_on():
            pass
        self.failureResultOf(waiting.pop(3), ZeroDivisionError)
        self.assertEqual([self.successResultOf(each) for each in waiting], [1, 2, 3, 5])

    def test_bounded(self) -> None:
        """A batch has a limit, and no more batches run at once than there are lanes."""
        threads = Waiting()
        batches = Batches(threads, 2)
        waiting = [Deferred.fromCoroutine(batches.run(lambda: None)) for _ in range(2 + MAX_BATCH + 1)]
        self.assertEqual([threads.go_on() for _ in range(3)], [2, 2, 0])
        for each in waiting:
            self.successResultOf(each)

    def test_gone(self) -> None:
        """When threads refuse, all who wait are told, and later work is tried again."""
        threads = Refusing()
        batches = Batches(threads)
        self.failureResultOf(Deferred.fromCoroutine(batches.run(lambda: 1)), RuntimeError)
        self.failureResultOf(Deferred.fromCoroutine(batches.run(lambda: 1)), RuntimeError)
        self.assertEqual(threads.calls, 2)


class Refusing(Inline):
    """Threads that are gone."""

    @override
    async def run(self, function: Any, /, *arguments: Any) -> Any:
        """Refuse."""
        self.calls += 1
        raise RuntimeError


class PoolTests(SynchronousTestCase):
    """L{PoolThreads}."""

    def test_pool(self) -> None:
        """The function runs where the pool runs it, and its result comes back through the reactor."""
        reactor, pool = LaterReactor(), MemoryPool()
        threads = PoolThreads(reactor, pool)  # type: ignore[arg-type]
        running = Deferred.fromCoroutine(threads.run(divmod, 7, 2))
        pool.go_on()
        self.assertNoResult(running)
        reactor.advance(0)
        self.assertEqual(self.successResultOf(running), (3, 1))


class LaterReactor(Clock):
    """Does what threads ask for in its next turn."""

    def callFromThread(self, function: Any, *arguments: Any) -> None:
        """In the next turn."""
        self.callLater(0, function, *arguments)


class MemoryPool:
    """A pool whose thread is the caller's."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, ...]] = []

    def callInThreadWithCallback(self, onResult: Any, function: Any, *arguments: Any) -> None:
        """Keep it for later."""
        self.waiting.append((onResult, function, *arguments))

    def go_on(self) -> None:
        """Run what waits."""
        for on_result, function, *arguments in self.waiting:
            on_result(True, function(*arguments))


class ChangesTests(SynchronousTestCase):
    """L{Changes}."""

    def test_joined(self) -> None:
        """Who asks for what is being made waits for it; all get it, or the exception."""
        for is_good in (True, False):
            changes, start, count = Changes(10_000, lambda: 0.0), Deferred[None](), [0]

            async def make(start: Deferred[None] = start, count: list[int] = count) -> tuple[Change, float]:
                count[0] += 1
                await start
                return Change(links=7), 1.0

            key: Any = "key"
            waiting = [Deferred.fromCoroutine(changes.get(key, make)) for _ in range(3)]
            if is_good:
                start.callback(None)
                self.assertEqual({self.successResultOf(each).links for each in waiting}, {7})
            else:
                start.errback(ValueError())
                for each in waiting:
                    self.failureResultOf(each, ValueError)
            self.assertEqual(count, [1])
