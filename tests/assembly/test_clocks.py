"""Tests of the two clocks."""

from typing import cast

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.assembly.clocks import DatedRelay, WallClock, keep_steady
from smtpeter.boundaries.relay import Report
from smtpeter.model.outcome import Outcome
from smtpeter.model.relay import Job
from tests.relay.support import make_job
from tests.support.relay import deferred


@define(eq=False)
class OneAnswer:
    """A relay that says the same of every job at once."""

    outcome: Outcome
    calls: list[str] = field(factory=list)

    def send(self, job: Job, report: Report) -> None:
        report(self.outcome)

    def retry_now(self, domain: str | None) -> None:
        self.calls.append(f"retry {domain}")

    async def drain(self) -> None:
        self.calls.append("drain")


class ClocksTests(SynchronousTestCase):
    """One that runs, one on the wall."""

    def test_wall(self) -> None:
        """The time of day may jump back; what waits does not wait longer for it."""
        clock, wall, rung = Clock(), [5000.0], list[int]()
        both = WallClock(clock, lambda: wall[0])
        both.callLater(10, rung.append, 1)
        wall[0] = 0.0
        clock.advance(10)
        self.assertEqual((both.seconds(), rung, both.getDelayedCalls()), (0.0, [1], []))

    def test_steady(self) -> None:
        """A reactor's clock begins at the time of day and does not go back."""
        reactor = Clock()
        keep_steady(reactor)
        first = reactor.seconds()
        self.assertGreater(first, 1_700_000_000)
        self.assertGreaterEqual(reactor.seconds(), first)

    def test_dated(self) -> None:
        """Outcomes have the date on the wall, and a retry is as far from it as the relay said."""
        steady, wall, seen = Clock(), Clock(), list[Outcome]()
        steady.advance(1000)
        wall.advance(50)
        inner = OneAnswer(deferred(at=990, retry_at=1200))
        relay = DatedRelay(inner, cast(IReactorTime, steady), cast(IReactorTime, wall))
        relay.send(make_job(), seen.append)
        self.assertEqual([(one.at, one.retry_at) for one in seen], [(40, 250)])
        relay.retry_now("a.org")
        self.successResultOf(relay.drain())
        self.assertEqual(inner.calls, ["retry a.org", "drain"])
