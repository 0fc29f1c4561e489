"""Tests of the loop that looks for work, with a storage that notes what it is asked."""

from collections.abc import Collection, Sequence

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.queue import QueueStore
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import Queued
from smtpeter.model.queue import Command, Settlement
from smtpeter.queue.budget import Budget
from smtpeter.queue.claims import BYTES_PART, FEW, POLL_SECONDS, RELEASE_AT_ONCE, Claims
from smtpeter.queue.gate import Gate
from smtpeter.queue.inflow import Ask, Inflow
from tests.queue.samples import NOW, queued
from tests.support.relay import FakeRelay


@define(eq=False)
class NotingStore:
    """
    Implements L{QueueStore} as far as claims need it.

    @ivar due: what the next claim finds.
    @ivar failure: what a claim raises.
    @ivar gate: while set, claims and releases wait for it.
    """

    due: list[Queued] = field(factory=list)
    failure: Exception | None = None
    gate: Deferred[None] | None = None
    claims: list[tuple[int, int]] = field(factory=list)
    without: list[tuple[list[str], list[int]]] = field(factory=list)
    released: list[list[str]] = field(factory=list)
    looks: list[float] = field(factory=list)

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
        """Note the bounds."""
        self.claims.append((limit, max_bytes))
        self.without.append((sorted(without_domains), sorted(without_accounts)))
        if self.gate is not None:
            await self.gate
        if self.failure is not None:
            raise self.failure
        found, self.due = self.due, []
        return found

    async def next_due(self) -> float | None:
        """Never."""
        return None

    async def settle(self, settlement: Settlement) -> None:
        """Unused."""

    async def release(self, message_ids: Sequence[str]) -> None:
        """Note them."""
        self.released.append(list(message_ids))
        if self.gate is not None:
            await self.gate

    async def take_commands(self, now: float) -> list[Command]:
        """None; note when."""
        self.looks.append(now)
        return []


FULL_SHARE = ["example.net"]
"""A domain that holds all that it may."""


class ClaimsTests(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.clock, self.store, self.gate = Clock(), NotingStore(), Gate()
        _store: QueueStore = self.store
        self.clock.advance(NOW)
        self.budget = Budget(100, 4000)
        self.taken: list[Queued] = []
        relay = FakeRelay(self.clock.seconds)
        self.inflow = Inflow(self.clock, 100.0, lambda ask: False)
        self.claims = Claims(self.clock, self.store, relay, self.gate, self.budget, 10, self.taken.extend, self.inflow)

    def run_for(self, seconds: float) -> None:
        """Let the loop run."""
        self.clock.pump([0.0] + [0.25] * int(seconds * 4))

    def test_caught_up(self) -> None:
        """That nothing is due in storage is known after a look at everything that found less than it may take."""
        self.assertFalse(self.claims.is_caught_up)
        self.store.due = [queued() for _ in range(10)]
        self.start()
        self.run_for(0.25)
        self.assertEqual(len(self.store.claims), 2, "the first look took all that it may, so there was another")
        self.assertTrue(self.claims.is_caught_up)
        self.claims.more_waits()
        self.assertFalse(self.claims.is_caught_up)
        self.run_for(1)
        self.assertTrue(self.claims.is_caught_up)
        self.store.due = [queued() for _ in range(10)]
        self.store.gate = Deferred()
        self.run_for(1)
        self.store.gate.callback(None)
        self.assertFalse(self.claims.is_caught_up, "it may have left some")

    def test_shares_unseen(self) -> None:
        """A look that leaves out those whose shares are full proves nothing."""
        self.budget.take(90, 0)
        self.budget.count_share(1, "example.net", 90, 0)
        self.start()
        self.assertEqual(self.store.without, [(FULL_SHARE, [1])])
        self.assertFalse(self.claims.is_caught_up)

    def test_beside_inflow(self) -> None:
        """While new mail waits that fills the shares again and again, what is due is claimed all the same, a little."""
        self.start()
        self.assertTrue(self.claims.is_caught_up)
        self.budget.take(50, 0)
        self.budget.count_share(1, "example.net", 50, 0)
        _ = self.inflow.wait(Ask(1, 1, 1, frozenset(FULL_SHARE))).addCallback(lambda granted: None)
        self.claims.limit = 45
        self.run_for(1)
        self.assertEqual((self.store.claims[-1][0], self.store.without[-1]), (FEW, ([], [])))
        self.assertTrue(self.claims.is_caught_up)
        self.claims.more_waits()
        self.run_for(1)
        self.assertEqual((self.store.claims[-1][0], self.store.without[-1]), (45, (FULL_SHARE, [1])))
        self.claims.is_caught_up = True
        self.inflow.clear()
        self.run_for(1)
        self.assertEqual((self.store.claims[-1][0], self.store.without[-1]), (45, (FULL_SHARE, [1])))

    def start(self) -> None:
        """Begin the loop."""
        running = Deferred.fromCoroutine(self.claims.run())
        self.addCleanup(self.run_for, 1)
        self.addCleanup(self.claims.stop)
        self.addCleanup(lambda: running.addErrback(self.fail))

    def test_part_of_the_memory(self) -> None:
        """A claim takes a part of the memory for contents, so that new mail finds room; that part is given back."""
        self.start()
        self.assertEqual(self.store.claims, [(10, 4000 // BYTES_PART)])
        self.assertEqual((self.budget.messages, self.budget.size_bytes), (0, 0))
        self.budget.take(95, 3500)
        self.run_for(POLL_SECONDS)
        self.assertEqual(self.store.claims[-1], (5, 500))

    def test_busy(self) -> None:
        """A storage that is busy is asked again a second later, without a word in the log."""
        self.store.failure = StorageBusy()
        self.start()
        self.run_for(3 * POLL_SECONDS)
        self.assertEqual(len(self.store.claims), 4)
        self.store.failure, self.store.due = None, [mail := queued()]
        self.run_for(POLL_SECONDS)
        self.assertEqual(self.taken, [mail])

    def test_closed_meanwhile(self) -> None:
        """What was claimed when the gate closed is given back: who knows what had become of the lease."""
        self.store.gate, self.store.due = Deferred(), [mail := queued()]
        self.start()
        self.gate.close("lease")
        gate, self.store.gate = self.store.gate, None
        gate.callback(None)
        self.assertEqual(self.taken, [])
        self.gate.open("lease")
        self.run_for(POLL_SECONDS)
        self.assertEqual(self.store.released, [[mail.message.id]])

    def test_interrupted(self) -> None:
        """A claim that is interrupted at the end is no fault."""
        self.store.gate = Deferred()
        running = Deferred.fromCoroutine(self.claims.run())
        self.claims.stop()
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual((self.budget.messages, self.budget.size_bytes), (0, 0))

    def test_released(self) -> None:
        """Claims are given back in portions, each once, those that come while one is written too."""
        ids = [f"id{number}" for number in range(RELEASE_AT_ONCE + 20)]
        self.claims.unsend(ids)
        self.store.gate = gate = Deferred[None]()
        self.start()
        self.claims.unsend(["late"])
        self.store.gate = None
        gate.callback(None)
        self.run_for(2 * POLL_SECONDS)
        self.assertEqual(self.store.released, [ids[:RELEASE_AT_ONCE], [*ids[RELEASE_AT_ONCE:], "late"]])

    def test_commands(self) -> None:
        """Operators are listened to once a second, also when the clock was set back."""
        self.start()
        self.run_for(3)
        self.assertEqual([round(at - NOW) for at in self.store.looks], [0, 1, 2, 3])
        self.clock.advance(-3600)
        self.claims.more_waits()
        for _ in range(self.claims.limit):
            self.claims.note_freed(0)
        self.clock.advance(0)
        self.assertEqual(round(self.store.looks[-1] - NOW), 3 - 3600)
