"""Tests of L{smtpeter.prepare.measuring}."""

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.prepare import Inliner, InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare import lanes, workers
from smtpeter.prepare.compiler import NOT_INLINED
from smtpeter.prepare.measuring import MeasuredInliner, MeasuredMaking
from smtpeter.prepare.orders import Made, NotMade, Order
from smtpeter.prepare.workers import InlineWorkers
from tests.prepare.test_orders import MADE, order
from tests.prepare.test_workers import TIMEOUT, WorkersCase
from tests.support.tally import KeptTally

REQUEST = InlineRequest(html="<p>", style_sheets=())
RESULT = InlineResult(attributes={}, remaining=())


@define(eq=False)
class _Engine(Inliner):
    """Takes two seconds, and fails when it is told to."""

    clock: Clock
    failure: Exception | None = None

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        self.clock.advance(2.0)
        if self.failure is not None:
            raise self.failure
        return RESULT


class MeasuredInlinerTests(SynchronousTestCase):
    """Another engine, measured."""

    @override
    def setUp(self) -> None:
        clock = Clock()
        self.engine = _Engine(clock)
        self.times: list[float] = []
        self.failed = KeptTally()
        self.inliner = MeasuredInliner(self.engine, clock, self.times.append, self.failed)

    async def ask(self) -> InlineResult:
        return await self.inliner.inline(REQUEST)

    def test_result(self) -> None:
        """The result is passed on, and what it took is told."""
        self.assertIs(self.successResultOf(self.ask()), RESULT)
        self.assertEqual((self.times, self.failed.counts), ([2.0], {}))

    def test_failures(self) -> None:
        """Failures are passed on and counted by reason, of which there are few."""
        sentences = (
            workers.BUSY,
            workers.TOO_LARGE,
            lanes.NOT_RUNNING,
            lanes.ENDED,
            lanes.TIMED_OUT.format(5.0),
            "The style sheet has 12345 rules.",
        )
        for sentence in sentences:
            self.engine.failure = InliningFailed(sentence)
            self.assertEqual(str(self.failureResultOf(self.ask(), InliningFailed).value), sentence)
        reasons = ("busy", "too_large", "not_running", "broke_down", "timeout", "refused")
        self.assertEqual(self.failed.counts, dict.fromkeys(reasons, 1))
        self.assertEqual(self.times, [2.0] * 6)


class MakingTests(SynchronousTestCase):
    """Makers that are measured."""

    @override
    def setUp(self) -> None:
        self.clock, self.failed = Clock(), KeptTally()
        self.times: list[float] = []
        self.made: Made | NotMade = MADE
        self.measured = MeasuredMaking(self, self.clock, self.times.append, self.failed)

    async def make(self, order: Order) -> Made:
        """Takes two seconds."""
        self.clock.advance(2)
        if isinstance(self.made, NotMade):
            raise self.made
        return self.made

    def ask(self) -> "Deferred[Made]":
        """Order a message."""
        return Deferred.fromCoroutine(self.measured.make(order()))

    def test_made(self) -> None:
        """The message is passed on, and what it took is told."""
        self.assertIs(self.successResultOf(self.ask()), MADE)
        self.assertEqual((self.times, self.failed.counts), ([2.0], {}))

    def test_left(self) -> None:
        """A message whose style sheets were left as they were is counted."""
        self.made = evolve(MADE, warnings=("x", f"{NOT_INLINED}: No."))
        self.successResultOf(self.ask())
        self.assertEqual((self.times, self.failed.counts), ([2.0], {"refused": 1}))

    def test_not_made(self) -> None:
        """What was not made counts where it is made."""
        self.made = NotMade("busy")
        self.failureResultOf(self.ask(), NotMade)
        self.assertEqual((self.times, self.failed.counts), ([], {}))


class KilledTests(WorkersCase):
    """Processes that had to be ended."""

    def test_killed(self) -> None:
        """A process that is killed over a task counts, one that ends by itself does not."""
        tally = KeptTally()
        self.workers = InlineWorkers(self.clock, self.spawn, 1, TIMEOUT, tally)
        self.workers.startService()
        slow = self.ask("slow")
        self.processes[0].get_ready()
        self.clock.advance(TIMEOUT + 0.1)
        self.failureResultOf(slow, InliningFailed)
        self.processes[0].end()
        self.assertEqual(tally.counts, {"": 1})
        broken = self.ask("broken")
        self.processes[1].get_ready()
        self.processes[1].end()
        self.failureResultOf(broken, InliningFailed)
        self.assertEqual(tally.counts, {"": 1})
