"""Tests of L{smtpeter.archive.upkeep}."""

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.chores import Chore
from smtpeter.archive.upkeep import ROUND_SECONDS, Upkeep
from smtpeter.boundaries.storage import StorageBusy


@define(eq=False)
class _Chore(Chore):
    """Answers what it is told, or fails with it."""

    answers: list[tuple[int, bool] | Exception | Deferred[tuple[int, bool]]]
    name: str = "things done"
    limits: list[int] = field(factory=list)

    @override
    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        self.limits.append(limit)
        answer = self.answers.pop(0) if self.answers else (0, False)
        if isinstance(answer, Exception):
            raise answer
        return await answer if isinstance(answer, Deferred) else answer


class UpkeepTests(SynchronousTestCase):
    """Rounds of chores."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()

    def started(self, *chores: _Chore) -> Upkeep:
        upkeep = Upkeep(clock=self.clock, chores=chores)
        upkeep.startService()
        return upkeep

    def pass_time(self, seconds: float) -> None:
        self.clock.pump([0.01] * int(seconds * 100))

    def test_rounds(self) -> None:
        """Each chore is done until nothing is left, again after a minute, and not at the start."""
        one, other = _Chore([(5, True), (5, True), (0, False)]), _Chore([])
        upkeep = self.started(one, other)
        self.pass_time(ROUND_SECONDS - 1)
        self.assertEqual(one.limits, [])
        self.pass_time(2)
        self.assertEqual((len(one.limits), len(other.limits)), (3, 1))
        self.pass_time(ROUND_SECONDS)
        self.assertEqual((len(one.limits), len(other.limits)), (4, 2))
        self.successResultOf(upkeep.stopService())

    def test_pauses(self) -> None:
        """Between two steps there is a pause, and the longer a step took the longer it is."""
        slow: Deferred[tuple[int, bool]] = Deferred()
        chore = _Chore([slow, (1, True)])
        upkeep = self.started(chore)
        self.clock.advance(ROUND_SECONDS)
        self.clock.advance(0.5)
        slow.callback((1, True))
        self.clock.advance(5.0)
        self.assertEqual(len(chore.limits), 1)
        self.clock.advance(5.0)
        self.assertEqual(len(chore.limits), 2)
        self.assertLess(chore.limits[1], chore.limits[0])
        self.successResultOf(upkeep.stopService())

    def test_failing(self) -> None:
        """A chore that cannot be done now, or fails, keeps no other from being done and is tried again."""
        busy, broken, good = _Chore([StorageBusy("locked")]), _Chore([RuntimeError("bug")]), _Chore([])
        upkeep = self.started(busy, broken, good)
        self.clock.advance(ROUND_SECONDS)
        self.assertEqual(len(good.limits), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.clock.advance(ROUND_SECONDS)
        self.assertEqual([len(chore.limits) for chore in (busy, broken, good)], [2, 2, 2])
        self.successResultOf(upkeep.stopService())

    def test_stop(self) -> None:
        """A stop waits for the step under way and lets no other begin."""
        slow: Deferred[tuple[int, bool]] = Deferred()
        chore, other = _Chore([slow]), _Chore([])
        upkeep = self.started(chore, other)
        self.clock.advance(ROUND_SECONDS)
        stopping = upkeep.stopService()
        self.assertNoResult(stopping)
        slow.callback((1, True))
        self.successResultOf(stopping)
        self.assertEqual((len(chore.limits), len(other.limits)), (1, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_in_a_pause(self) -> None:
        """A stop ends a pause at once; what was never started ends too."""
        upkeep = self.started(_Chore([]))
        self.successResultOf(upkeep.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(Upkeep(clock=self.clock, chores=()).stopService())
