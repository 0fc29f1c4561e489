"""
Two clocks: one that only runs, for whatever waits, and the one on the wall, for whatever is written down.

The reactor asks the clock on the wall when timers are due: set that back by an hour, and nothing that waits happens for
an hour. So the reactor gets a clock that goes on by itself from where the server started, and so does everything that
counts seconds. Only times that leave the process, in the database and in messages, are read from the wall.
"""

from collections.abc import Callable
from time import monotonic, time
from typing import Any

from attrs import define, evolve
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from typing_extensions import override
from zope.interface import implementer

from smtpeter.boundaries.relay import Relay, Report
from smtpeter.model.outcome import Outcome
from smtpeter.model.relay import Job

NEGLIGIBLE_SECONDS = 0.001
"""Clocks that are no further apart tell the same time."""


def keep_steady(reactor: Any) -> None:
    """Let a reactor's time go on whatever happens to the clock on the wall; to be called before it runs."""
    begun, since = time(), monotonic()
    reactor.seconds = lambda: begun + monotonic() - since


@implementer(IReactorTime)
@define(eq=False)
class WallClock:
    """Tells the time of day; what waits is left to the reactor."""

    _reactor: Any
    _wall: Callable[[], float] = time

    def seconds(self) -> float:
        """POSIX seconds; they jump when somebody sets the clock."""
        return self._wall()

    def callLater(self, delay: float, callable: Callable[..., Any], *args: object, **kwargs: object) -> IDelayedCall:
        """See C{IReactorTime}."""
        delayed: IDelayedCall = self._reactor.callLater(delay, callable, *args, **kwargs)
        return delayed

    def getDelayedCalls(self) -> Any:
        """See C{IReactorTime}."""
        return self._reactor.getDelayedCalls()


@define(eq=False)
class DatedRelay(Relay):
    """A relay that counts on the steady clock, and whose outcomes are dated by the one on the wall."""

    _relay: Relay
    _steady: IReactorTime
    _wall: IReactorTime

    @override
    def send(self, job: Job, report: Report) -> None:
        """See L{Relay.send}."""
        self._relay.send(job, lambda outcome: report(self._dated(outcome)))

    @override
    def retry_now(self, domain: str | None) -> None:
        """See L{Relay.retry_now}."""
        self._relay.retry_now(domain)

    @override
    async def drain(self) -> None:
        """See L{Relay.drain}."""
        await self._relay.drain()

    def _dated(self, outcome: Outcome) -> Outcome:
        ahead = self._wall.seconds() - self._steady.seconds()
        if abs(ahead) < NEGLIGIBLE_SECONDS:
            return outcome
        retry_at = None if outcome.retry_at is None else outcome.retry_at + ahead
        return evolve(outcome, at=outcome.at + ahead, retry_at=retry_at)
