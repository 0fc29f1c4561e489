"""Tests of work in threads: batches, results in their places, and threads that are gone."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.prepare.batches import MAX_BATCH, Batches
from smtpeter.prepare.changes import Changes
from smtpeter.prepare.html_part import Change
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
