"""Looks now and then how much mail is queued, so that a scrape asks the database nothing."""

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.metrics import QueueCounts
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.web.figures import MAX_LABELS, OTHER

LOOK_SECONDS = 5.0
REST = 20
"""A look that takes long is followed by a rest of so many times that."""


@define(eq=False)
class QueueFigures(Service):
    """
    The queue of all nodes, as it was a moment ago.

    @ivar by_domain: queued messages by recipient domain, the rest as C{other}; empty while it cannot be told.
    @ivar due_at: when the message that waits longest fell due.
    """

    _log = Logger()
    _counts: QueueCounts
    _clock: IReactorTime
    by_domain: dict[str, float] = field(factory=dict, init=False)
    due_at: float | None = field(default=None, init=False)
    _rest_until: float = field(default=0.0, init=False)
    _loop: LoopingCall = field(init=False)
    _ended: Deferred[LoopingCall] | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._look)
        self._loop.clock = self._clock

    @property
    def lag_seconds(self) -> float:
        """For how long a message has been due; 0 when none is."""
        return 0.0 if self.due_at is None else max(0.0, self._clock.seconds() - self.due_at)

    @override
    def startService(self) -> None:
        """Look, and again and again."""
        super().startService()
        self._ended = self._loop.start(LOOK_SECONDS)

    @override
    def stopService(self) -> Deferred[LoopingCall] | None:
        """Let the look under way end."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        return self._ended

    def _look(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._count())

    async def _count(self) -> None:
        started = self._clock.seconds()
        if started < self._rest_until:
            return
        try:
            domains, total = await self._counts.by_domain(MAX_LABELS)
            self.due_at = await self._counts.next_due()
        except StorageBusy:
            self.by_domain, self.due_at = {}, None
        except Exception:
            self._log.failure("the queue could not be counted")
            self.by_domain, self.due_at = {}, None
        else:
            rest = total - sum(domains.values())
            self.by_domain = {**domains, **({OTHER: rest} if rest else {})}
        self._rest_until = started + REST * (self._clock.seconds() - started)
