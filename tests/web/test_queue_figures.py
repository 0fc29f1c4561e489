"""Tests of L{smtpeter.web.queue_figures}."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.metrics import QueueCounts
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.web.figures import MAX_LABELS
from smtpeter.web.queue_figures import LOOK_SECONDS, REST, QueueFigures


@define(eq=False)
class _Counts(QueueCounts):
    """Says what it is told, now or later."""

    domains: dict[str, int] = field(factory=dict)
    total: int = 0
    due_at: float | None = None
    failure: Exception | None = None
    wait: "Deferred[None] | None" = None
    asked: list[int] = field(factory=list)

    @override
    async def by_domain(self, limit: int) -> tuple[dict[str, int], int]:
        self.asked.append(limit)
        if self.wait is not None:
            await self.wait
        if self.failure is not None:
            raise self.failure
        return self.domains, self.total

    @override
    async def next_due(self) -> float | None:
        return self.due_at


class QueueFiguresTests(SynchronousTestCase):
    """Looking at the queue."""

    @override
    def setUp(self) -> None:
        self.clock, self.counts = Clock(), _Counts()
        self.clock.advance(1000.0)
        self.figures = QueueFigures(self.counts, self.clock)
        self.addCleanup(self.figures.stopService)

    def test_shown(self) -> None:
        """The largest destinations stand by themselves, the rest together; the most overdue message tells the lag."""
        self.counts.domains, self.counts.total, self.counts.due_at = {"a.example": 7, "b.example": 2}, 12, 990.0
        self.figures.startService()
        self.assertEqual(self.figures.by_domain, {"a.example": 7, "b.example": 2, "other": 3})
        self.assertEqual(self.figures.lag_seconds, 10.0)
        self.assertEqual(self.counts.asked, [MAX_LABELS])

    def test_again(self) -> None:
        """It is looked again and again; nothing queued is nothing shown, and what is due later is no lag."""
        self.counts.domains, self.counts.total, self.counts.due_at = {"a.example": 7}, 7, 5000.0
        self.figures.startService()
        self.assertEqual((self.figures.by_domain, self.figures.lag_seconds), ({"a.example": 7}, 0.0))
        self.counts.domains, self.counts.total, self.counts.due_at = {}, 0, None
        self.clock.advance(LOOK_SECONDS)
        self.assertEqual((self.figures.by_domain, self.figures.lag_seconds), ({}, 0.0))

    def test_failing(self) -> None:
        """When the queue cannot be counted no old figures are shown, and it is tried again."""
        self.counts.domains, self.counts.total = {"a.example": 7}, 7
        self.figures.startService()
        for failure in (StorageBusy("locked"), RuntimeError("bug")):
            self.counts.failure = failure
            self.clock.advance(LOOK_SECONDS)
            self.assertEqual(self.figures.by_domain, {})
            self.counts.failure = None
            self.clock.advance(LOOK_SECONDS)
            self.assertEqual(self.figures.by_domain, {"a.example": 7})
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_slow(self) -> None:
        """A look that takes long is followed by a long rest."""
        self.counts.wait = Deferred()
        self.figures.startService()
        self.clock.advance(3.0)
        self.counts.wait.callback(None)
        self.counts.wait = None
        self.clock.pump([LOOK_SECONDS] * 3)
        self.assertEqual(len(self.counts.asked), 1)
        self.clock.advance(1000.0 + 3.0 * REST + LOOK_SECONDS - self.clock.seconds())
        self.assertEqual(len(self.counts.asked), 2)

    def test_stop(self) -> None:
        """A stop waits for the look under way."""
        self.counts.wait = Deferred()
        self.figures.startService()
        stopping = self.figures.stopService()
        assert stopping is not None
        self.assertNoResult(stopping)
        self.counts.wait.callback(None)
        self.successResultOf(stopping)
        self.assertEqual(self.clock.getDelayedCalls(), [])
