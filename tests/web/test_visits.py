"""Tests of the recording of visits."""

from collections.abc import Sequence
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.visit import Visit
from smtpeter.web.visits import CROWD, GATHER_SECONDS, MAX_WAITING, RETRY_SECONDS, Visits


class SlowJournal:
    """A journal whose writes end when the test says so."""

    def __init__(self) -> None:
        self.written: list[list[str]] = []
        self.pending: list[Deferred[None]] = []

    async def record_visits(self, visits: Sequence[Visit]) -> None:
        done: Deferred[None] = Deferred()
        self.pending.append(done)
        await done
        self.written.append([visit.message_id for visit in visits])


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

    def test_gathered(self) -> None:
        """Visits of a moment are written together."""
        for message_id in ("a", "b", "c"):
            self.record(message_id)
        self.assertEqual(self.journal.pending, [])
        self.clock.advance(GATHER_SECONDS)
        self.journal.pending.pop().callback(None)
        self.assertEqual(self.journal.written, [["a", "b", "c"]])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_waits(self) -> None:
        """A stop waits for what is being written, and for what was only gathered."""
        self.record("a")
        self.clock.advance(GATHER_SECONDS)
        self.record("b")
        stopped = self.visits.stopService()
        self.assertEqual(len(self.journal.pending), 2)
        self.journal.pending.pop().callback(None)
        self.assertNoResult(stopped)
        self.journal.pending.pop().callback(None)
        self.successResultOf(stopped)
        self.assertEqual(sorted(self.journal.written), [["a"], ["b"]])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_busy(self) -> None:
        """While the database is busy the visits are kept and tried again."""
        self.record()
        self.clock.advance(GATHER_SECONDS)
        self.journal.pending.pop().errback(StorageBusy())
        self.assertEqual(self.journal.pending, [])
        self.clock.advance(RETRY_SECONDS)
        self.journal.pending.pop().callback(None)
        self.assertEqual(self.journal.written, [["m"]])

    def test_held(self) -> None:
        """Requests beyond what the journal keeps up with wait for it, in order."""
        answered: list[int] = []

        def answer(number: int) -> None:
            answered.append(number)
            self.record(str(number))

        for number in range(CROWD + 3):
            self.visits.when_room(partial(answer, number))
        self.assertEqual(len(answered), CROWD)
        self.clock.advance(GATHER_SECONDS)
        self.journal.pending.pop().callback(None)
        self.assertEqual(answered, list(range(CROWD + 3)))

    def test_not_held_while_failing(self) -> None:
        """A database that fails holds no visitor up."""
        answered: list[int] = []
        for number in range(CROWD):
            self.record(str(number))
        self.visits.when_room(lambda: answered.append(1))
        self.assertEqual(answered, [])
        self.clock.advance(GATHER_SECONDS)
        self.journal.pending.pop().errback(StorageBusy())
        self.assertEqual(answered, [1])
        self.visits.when_room(lambda: answered.append(2))
        self.assertEqual(answered, [1, 2])

    def test_not_held_at_the_end(self) -> None:
        """A stop lets everybody go, and writes what comes of it."""
        for number in range(CROWD):
            self.record(str(number))
        self.visits.when_room(lambda: self.record("last"))
        stopped = self.visits.stopService()
        for pending in self.journal.pending:
            pending.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(sum(len(group) for group in self.journal.written), CROWD + 1)

    def test_bounded(self) -> None:
        """What waits is bounded: more is dropped, not kept."""
        for number in range(MAX_WAITING + 10):
            self.record(str(number))
        self.clock.advance(GATHER_SECONDS)
        self.record("too many")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.journal.pending.pop().callback(None)
        self.assertEqual([len(group) for group in self.journal.written], [MAX_WAITING])
        self.record("again")
        self.clock.advance(GATHER_SECONDS)
        self.journal.pending.pop().callback(None)
        self.assertEqual(self.journal.written[1:], [["again"]])
