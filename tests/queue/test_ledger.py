"""Tests of results on their way to a storage that is directed by the test."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.queue import QueueStore
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import Queued
from smtpeter.model.queue import Command, Settlement
from smtpeter.queue.gate import Gate
from smtpeter.queue.ledger import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, UNWRITTEN, Ledger
from tests.conformance.samples import delivered


@define(eq=False)
class SlowStore:
    """
    Implements L{QueueStore} as far as results need it: each write waits to be answered.

    @ivar tried: the ids of all writes, in order.
    """

    tried: list[str] = field(factory=list)
    waiting: list[Deferred[None]] = field(factory=list)

    async def enlist(self, now: float) -> None:
        """Unused."""

    async def renew(self, now: float) -> None:
        """Unused."""

    async def claim_due(
        self,
        now: float,
        limit: int,
        max_bytes: int,
        without_domains: Collection[str] = (),
        without_accounts: Collection[int] = (),
    ) -> list[Queued]:
        """Unused."""
        return []

    async def next_due(self) -> float | None:
        """Unused."""
        return None

    async def settle(self, settlement: Settlement) -> None:
        """Wait."""
        self.tried.append(settlement.message_id)
        turn: Deferred[None] = Deferred()
        self.waiting.append(turn)
        await turn

    async def release(self, message_ids: Sequence[str]) -> None:
        """Unused."""

    async def take_commands(self, now: float) -> list[Command]:
        """Unused."""
        return []

    def answer(self, failure: Exception | None = None) -> int:
        """Answer all that wait alike; how many there were."""
        waiting, self.waiting = self.waiting, []
        for turn in waiting:
            if failure is None:
                turn.callback(None)
            else:
                turn.errback(failure)
        return len(waiting)


class LedgerTests(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.clock, self.store, self.gate = Clock(), SlowStore(), Gate()
        _store: QueueStore = self.store
        self.opened = 0
        self.written: list[str] = []
        self.ledger = Ledger(self.clock, self.store, self.gate, self.note_opened)

    def note_opened(self) -> None:
        """Count."""
        self.opened += 1

    def write(self, *ids: str) -> None:
        """Hand in results."""
        for id in ids:
            self.ledger.write(delivered(id), lambda id=id: self.written.append(id))  # type: ignore[misc]

    def be_busy(self, *ids: str) -> None:
        """Hand in results that storage is too busy for."""
        self.write(*ids)
        self.store.answer(StorageBusy())

    def test_closed_until_written(self) -> None:
        """The gate is closed from the first result that cannot be written until all are; then it is told, once."""
        self.be_busy("a", "b")
        self.assertFalse(self.gate.is_open)
        self.clock.advance(FIRST_WAIT_SECONDS)
        self.store.answer()
        self.assertEqual((self.written, self.gate.is_open, self.opened), (["a"], False, 0))
        self.store.answer()
        self.assertEqual((self.written, self.gate.is_open, self.opened), (["a", "b"], True, 1))

    def test_new_ones_wait(self) -> None:
        """While storage is busy, results that come are not tried at once: they wait behind the others."""
        self.be_busy("a")
        self.write("b")
        self.assertEqual(self.store.tried, ["a"])
        self.clock.advance(FIRST_WAIT_SECONDS)
        self.store.answer()
        self.assertEqual(self.store.tried, ["a", "a", "b"])

    def test_one_first(self) -> None:
        """Whether storage is back is tried with one result; then all others go together."""
        self.be_busy("a", "b", "c", "d")
        self.clock.advance(FIRST_WAIT_SECONDS)
        self.assertEqual(self.store.answer(StorageBusy()), 1)
        self.clock.advance(2 * FIRST_WAIT_SECONDS)
        self.assertEqual(self.store.answer(), 1)
        self.assertEqual(self.store.answer(), 3)
        self.assertEqual(sorted(self.written), ["a", "b", "c", "d"])

    def test_longest_wait(self) -> None:
        """However long storage is away, it is tried every half minute."""
        self.be_busy("a")
        tries = []
        for second in range(600):
            self.clock.advance(1)
            if self.store.answer(StorageBusy()):
                tries.append(second + 1)
        self.assertEqual(tries[:5], [1, 3, 7, 15, 31])
        gaps = {after - before for before, after in pairwise(tries[5:])}
        self.assertEqual(gaps, {LONGEST_WAIT_SECONDS})

    def test_finish(self) -> None:
        """The end waits for what is being written, so long as it may."""
        self.write("a")
        finishing = Deferred.fromCoroutine(self.ledger.finish(10))
        self.clock.advance(9)
        self.assertNoResult(finishing)
        self.store.answer()
        self.assertTrue(self.successResultOf(finishing))
        self.assertEqual(self.written, ["a"])

    def test_finish_in_vain(self) -> None:
        """Then it says how many could not be recorded, whether they waited or were being written; none counts twice."""
        self.be_busy("a")
        self.clock.advance(FIRST_WAIT_SECONDS)
        self.write("b")
        finishing = Deferred.fromCoroutine(self.ledger.finish(10))
        self.clock.advance(10)
        self.assertFalse(self.successResultOf(finishing))
        self.assertEqual(len(self.ledger._unwritten), 2)

    def test_interrupted_write(self) -> None:
        """A write that is interrupted at the end is a result that could not be recorded; it is not tried again."""
        self.write("a")
        finishing = Deferred.fromCoroutine(self.ledger.finish(10))
        self.clock.advance(10)
        self.assertFalse(self.successResultOf(finishing))
        self.clock.advance(LONGEST_WAIT_SECONDS)
        self.assertEqual((self.written, self.store.tried), ([], ["a"]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_reasons(self) -> None:
        """Another reason to be closed keeps the gate closed."""
        self.gate.close("lease")
        self.be_busy("a")
        self.clock.advance(FIRST_WAIT_SECONDS)
        self.store.answer()
        self.assertFalse(self.gate.is_open)
        self.gate.close(UNWRITTEN)
        self.gate.open(UNWRITTEN)
        self.gate.open("lease")
        self.assertTrue(self.gate.is_open)
