"""Tests of the recording of visits."""

from collections.abc import Mapping
from typing import Literal

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.web.visits import MAX_WAITING, RETRY_SECONDS, Visit, Visits


class SlowJournal:
    """A journal whose writes end when the test says so."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.pending: list[Deferred[None]] = []

    async def record_visit(
        self, message_id: str, type: Literal["click", "open"], at: float, data: Mapping[str, str]
    ) -> None:
        done: Deferred[None] = Deferred()
        self.pending.append(done)
        await done
        self.written.append(message_id)


class VisitsTests(SynchronousTestCase):
    """A visit that was answered is written."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.journal = SlowJournal()
        self.visits = Visits(self.journal, self.clock)
        self.visits.startService()

    def record(self, message_id: str = "m") -> None:
        self.visits.record(Visit(message_id=message_id, type="click", at=1.0, data={}))

    def test_stop_waits(self) -> None:
        """A stop waits for what is being written."""
        self.record()
        stopped = self.visits.stopService()
        self.assertNoResult(stopped)
        self.journal.pending.pop().callback(None)
        self.successResultOf(stopped)
        self.assertEqual(self.journal.written, ["m"])

    def test_busy(self) -> None:
        """While the database is busy the visit is kept and tried again."""
        self.record()
        self.journal.pending.pop().errback(StorageBusy())
        self.assertEqual(self.journal.pending, [])
        self.clock.advance(RETRY_SECONDS)
        self.journal.pending.pop().callback(None)
        self.assertEqual(self.journal.written, ["m"])

    def test_bounded(self) -> None:
        """What waits is bounded: more is dropped, not kept."""
        for number in range(MAX_WAITING + 10):
            self.record(str(number))
        self.assertEqual(len(self.journal.pending), MAX_WAITING)
        self.journal.pending[0].callback(None)
        self.record("again")
        self.assertEqual(len(self.journal.pending), MAX_WAITING + 1)
