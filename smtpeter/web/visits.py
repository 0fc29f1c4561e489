"""
Records clicks and opens after they were answered.

The visitor never waits for the database: the redirect is on its way when this begins. Visits of a moment are written
together. What cannot be written now is kept, within bounds, and tried again; a stop waits for it.

Redirects are cheaper than their records. When more of them come than can be recorded, further requests are held until
the journal has caught up; not while it fails, since a visitor must get to the destination without our database.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.events import Journal
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.visit import Visit

MAX_WAITING = 20_000
"""Visits in memory that are not written yet; more are dropped, with a warning."""

CROWD = 2000
"""So many visits that are not written yet let further requests wait."""

GATHER_SECONDS = 0.01
"""How long a visit waits for others: a transaction for each would be most of its cost."""

RETRY_SECONDS = 2.0


@define(eq=False)
class Visits(Service):
    """Writes visits to the journal, in the background."""

    _journal: Journal
    _clock: IReactorTime
    _gathered: list[Visit] = field(factory=list, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)
    _writing: dict[int, Deferred[None]] = field(factory=dict, init=False)
    _serial: int = field(default=0, init=False)
    _waiting: int = field(default=0, init=False)
    _held: deque[Callable[[], None]] = field(factory=deque, init=False)
    _retries: int = field(default=0, init=False)
    _dropped: int = field(default=0, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _log = Logger()

    def when_room(self, answer: Callable[[], None]) -> None:
        """
        Let a request be answered: at once, or when the journal has caught up.

        @param answer: called once; it may lead to L{record}.
        """
        self._held.append(answer)
        self._let_go()

    def _let_go(self) -> None:
        while self._held and (self._waiting < CROWD or self._retries or self._is_stopping):
            self._held.popleft()()

    def record(self, visit: Visit) -> None:
        """Write it soon; never fails."""
        if self._waiting >= MAX_WAITING:
            if not self._dropped:
                self._log.warn("visits are dropped: {count} wait for the database", count=self._waiting)
            self._dropped += 1
            return
        self._waiting += 1
        self._gathered.append(visit)
        if self._is_stopping:
            self._begin()
        elif self._call is None:
            self._call = self._clock.callLater(GATHER_SECONDS, self._begin)

    def _begin(self) -> None:
        """Write what was gathered."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        visits, self._gathered, self._call = self._gathered, [], None
        if not visits:
            return
        self._serial += 1
        writing = Deferred.fromCoroutine(self._write(self._serial, visits))
        if not writing.called:
            self._writing[self._serial] = writing

    async def _write(self, serial: int, visits: list[Visit]) -> None:
        try:
            await self._write_or_retry(visits)
        except Exception:
            self._log.failure("{count} visits could not be recorded", count=len(visits))
        finally:
            self._waiting -= len(visits)
            self._writing.pop(serial, None)
            if self._dropped:
                self._log.warn("{count} visits were dropped", count=self._dropped)
                self._dropped = 0
            self._let_go()

    async def _write_or_retry(self, visits: list[Visit]) -> None:
        while True:
            try:
                return await self._journal.record_visits(visits)
            except StorageBusy:
                if self._is_stopping:
                    raise
                await self._pause()

    async def _pause(self) -> None:
        self._retries += 1
        self._let_go()
        await deferLater(self._clock, RETRY_SECONDS)
        self._retries -= 1

    @override
    def startService(self) -> None:
        """Begin."""
        super().startService()
        self._is_stopping = False

    @override
    def stopService(self) -> Deferred[object]:
        """Wait until all that was answered is written."""
        super().stopService()
        self._is_stopping = True
        self._let_go()
        self._begin()
        return DeferredList(list(self._writing.values())).addCallback(lambda _: None)
