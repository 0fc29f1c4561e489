"""Tests of the work threads."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.assembly.threads import WorkThreads


class LaterReactor(Clock):
    """Does what threads ask for in its next turn."""

    def callFromThread(self, function: Any, *arguments: Any) -> None:
        """In the next turn."""
        self.callLater(0, function, *arguments)


class MemoryPool:
    """A pool whose thread is the caller's."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, ...]] = []
        self.said: list[str] = []

    def callInThreadWithCallback(self, onResult: Any, function: Any, *arguments: Any) -> None:
        """Keep it for later."""
        self.waiting.append((onResult, function, *arguments))

    def go_on(self) -> None:
        """Run what waits."""
        for on_result, function, *arguments in self.waiting:
            on_result(True, function(*arguments))

    def start(self) -> None:
        """Begin."""
        self.said.append("start")

    def stop(self) -> None:
        """End."""
        self.said.append("stop")


class WorkThreadsTests(SynchronousTestCase):
    """L{WorkThreads}."""

    def test_run(self) -> None:
        """The function runs where the pool runs it, and its result comes back through the reactor."""
        reactor, pool = LaterReactor(), MemoryPool()
        threads = WorkThreads(reactor, pool)  # type: ignore[arg-type]
        running = Deferred.fromCoroutine(threads.run(divmod, 7, 2))
        pool.go_on()
        self.assertNoResult(running)
        reactor.advance(0)
        self.assertEqual(self.successResultOf(running), (3, 1))

    def test_life(self) -> None:
        """Nothing is started before the service is: twistd forks in between."""
        pool = MemoryPool()
        threads = WorkThreads(LaterReactor(), pool)  # type: ignore[arg-type]
        self.assertEqual(pool.said, [])
        threads.startService()
        threads.stopService()
        self.assertEqual(pool.said, ["start", "stop"])
