"""Tests of L{smtpeter.eager}."""

import gc
import sys

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.eager import begin


class BeginTests(SynchronousTestCase):
    """Coroutines that wait for this and that."""

    def test_at_once(self) -> None:
        """What need not wait has ended when the call returns, and there is no Deferred of it."""
        done: list[str] = []

        async def work() -> None:
            ready: Deferred[str] = Deferred()
            ready.callback("a")
            done.append(await ready)

        self.assertIsNone(begin(work()))
        self.assertEqual(done, ["a"])

    def test_failure_at_once(self) -> None:
        """What fails before it waits raises."""

        async def work() -> None:
            raise LookupError

        self.assertRaises(LookupError, begin, work())

    def test_waiting(self) -> None:
        """What waits goes on each time that its Deferred fires, and ends with the last."""
        first: Deferred[str] = Deferred()
        second: Deferred[str] = Deferred()
        done: list[str] = []

        async def work() -> None:
            done.append(await first)
            done.append(await second)

        running = begin(work())
        assert running is not None
        first.callback("a")
        self.assertEqual(done, ["a"])
        self.assertNoResult(running)
        second.callback("b")
        self.assertEqual(done, ["a", "b"])
        self.assertIsNone(self.successResultOf(running))

    def test_failures_come_in(self) -> None:
        """A failure of what is waited for is raised inside, where it can be met."""
        first: Deferred[str] = Deferred()
        second: Deferred[str] = Deferred()
        done: list[str] = []

        async def work() -> None:
            try:
                await first
            except LookupError:
                done.append("met")
            await second

        running = begin(work())
        assert running is not None
        first.errback(LookupError())
        self.assertEqual(done, ["met"])
        second.errback(ValueError())
        self.failureResultOf(running, ValueError)

    def test_cancelled(self) -> None:
        """Cancelling reaches what is waited for, and is raised inside."""
        cancelled: list[object] = []
        first: Deferred[str] = Deferred(cancelled.append)
        done: list[str] = []

        async def work() -> None:
            try:
                await first
            except CancelledError:
                done.append("cancelled")
                raise

        running = begin(work())
        assert running is not None
        running.cancel()
        self.assertEqual((cancelled, done), ([first], ["cancelled"]))
        self.failureResultOf(running, CancelledError)

    def test_forgotten(self) -> None:
        """What nobody waits for any more ends where it stands, and says nothing."""
        done: list[str] = []
        said: list[object] = []
        self.patch(sys, "unraisablehook", said.append)

        async def work() -> None:
            try:
                await Deferred()
            finally:
                done.append("ended")

        for _ in range(20):
            begin(work())
        gc.collect()
        self.assertEqual((done, said), (["ended"] * 20, []))
