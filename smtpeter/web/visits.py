"""
Records clicks and opens after they were answered.

The visitor never waits for the database: the redirect is on its way when this begins. What cannot be written now is
kept, within bounds, and tried again; a stop waits for it.
"""

from collections.abc import Mapping
from typing import Literal

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.events import Journal
from smtpeter.boundaries.storage import StorageBusy

MAX_WAITING = 20_000
"""Visits in memory that are not written yet; more are dropped, with a warning."""

RETRY_SECONDS = 2.0


@frozen(kw_only=True)
class Visit:
    """A click or an open."""

    message_id: str
    type: Literal["click", "open"]
    at: float
    data: Mapping[str, str]


@define(eq=False)
class Visits(Service):
    """Writes visits to the journal, in the background."""

    _journal: Journal
    _clock: IReactorTime
    _waiting: dict[int, Deferred[None]] = field(factory=dict, init=False)
    _serial: int = field(default=0, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _log = Logger()

    def record(self, visit: Visit) -> None:
        """Write it soon; never fails."""
        if len(self._waiting) >= MAX_WAITING:
            self._log.warn("dropped a {visit.type} of {visit.message_id}: too many wait", visit=visit)
            return
        self._serial += 1
        writing = Deferred.fromCoroutine(self._write(self._serial, visit))
        if not writing.called:
            self._waiting[self._serial] = writing

    async def _write(self, serial: int, visit: Visit) -> None:
        try:
            await self._write_or_retry(visit)
        except Exception:
            self._log.failure("a {visit.type} of {visit.message_id} could not be recorded", visit=visit)
        finally:
            self._waiting.pop(serial, None)

    async def _write_or_retry(self, visit: Visit) -> None:
        while True:
            try:
                return await self._journal.record_visit(visit.message_id, visit.type, visit.at, visit.data)
            except StorageBusy:
                if self._is_stopping:
                    raise
                await deferLater(self._clock, RETRY_SECONDS)

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
        return DeferredList(list(self._waiting.values())).addCallback(lambda _: None)
