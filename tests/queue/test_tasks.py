"""Tests of tracked background work and of the alarm."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.queue.tasks import Alarm, Tasks


class TaskTests(SynchronousTestCase):
    """Work in the background."""

    def test_awaited(self) -> None:
        """The end of all work can be awaited; work that is begun meanwhile counts too."""
        tasks, first, second = Tasks(Clock()), Deferred[None](), Deferred[None]()

        async def later() -> None:
            await second

        async def work() -> None:
            await first
            tasks.start(later())

        tasks.start(work())
        ended = Deferred.fromCoroutine(tasks.ended(10))
        first.callback(None)
        self.assertNoResult(ended)
        second.callback(None)
        self.assertIs(self.successResultOf(ended), True)

    def test_bounded(self) -> None:
        """After the time allowed it is interrupted, and that is told."""
        clock = Clock()
        tasks, never = Tasks(clock), Deferred[None]()
        interrupted: list[bool] = []

        async def work() -> None:
            try:
                await never
            finally:
                interrupted.append(True)

        tasks.start(work())
        ended = Deferred.fromCoroutine(tasks.ended(10))
        clock.advance(9)
        self.assertNoResult(ended)
        clock.advance(1)
        self.assertIs(self.successResultOf(ended), False)
        self.assertEqual(interrupted, [True])
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_fault(self) -> None:
        """A fault is logged and harms nothing else."""
        tasks = Tasks(Clock())

        async def work() -> None:
            raise ZeroDivisionError

        tasks.start(work())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIs(self.successResultOf(Deferred.fromCoroutine(tasks.ended(1))), True)


class AlarmTests(SynchronousTestCase):
    """Sleeping loops."""

    def test_time(self) -> None:
        """It sleeps for so long."""
        clock = Clock()
        sleep = Deferred.fromCoroutine(Alarm(clock).wait(5))
        clock.advance(4.9)
        self.assertNoResult(sleep)
        clock.advance(0.1)
        self.successResultOf(sleep)

    def test_ring(self) -> None:
        """It is woken, in the next turn, and a ring while nobody sleeps is not forgotten."""
        clock = Clock()
        alarm = Alarm(clock)
        sleep = Deferred.fromCoroutine(alarm.wait(5))
        alarm.ring()
        alarm.ring()
        self.assertNoResult(sleep)
        clock.advance(0)
        self.successResultOf(sleep)
        alarm.ring()
        sleep = Deferred.fromCoroutine(alarm.wait(5))
        clock.advance(0)
        self.successResultOf(sleep)
        sleep = Deferred.fromCoroutine(alarm.wait(5))
        clock.advance(4)
        self.assertNoResult(sleep)
        sleep.cancel()
        self.failureResultOf(sleep)
        self.assertEqual(clock.getDelayedCalls(), [])
