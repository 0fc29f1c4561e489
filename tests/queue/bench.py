"""A pump on the real storage, with a relay and a preparer that tests direct, and a clock that they move."""

from collections.abc import Awaitable, Collection, Sequence
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from smtpeter.boundaries.queue import Handover, QueueStore
from smtpeter.model.message import Queued, State, Submission
from smtpeter.model.queue import Command, MessageView, Settlement
from smtpeter.queue.pump import Pump
from smtpeter.storage.database import Database
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from tests.queue.samples import NOW, an_id
from tests.support.database import memory_database
from tests.support.preparer import FakePreparer
from tests.support.relay import FakeRelay

T = TypeVar("T")


def now(work: Awaitable[T]) -> T:
    """The result of work that is done at once."""

    async def whole() -> T:
        return await work

    results: list[T | Failure] = []
    _ = Deferred.fromCoroutine(whole()).addBoth(results.append)
    if not results:
        raise AssertionError("it is not done at once")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


@define(eq=False)
class MoodyStore:
    """
    The real store, failing as told.

    @ivar faults: what an operation raises, by its name.
    @ivar held: operations by name that wait until L{let_go}.
    """

    _store: StoredQueue
    faults: dict[str, Exception] = field(factory=dict)
    held: set[str] = field(factory=set)
    settled: list[Settlement] = field(factory=list, init=False)
    calls: list[str] = field(factory=list, init=False)
    _waiting: "list[Deferred[None]]" = field(factory=list, init=False)

    async def enlist(self, now: float) -> None:
        """See the store."""
        await self._pass("enlist")
        await self._store.enlist(now)

    async def renew(self, now: float) -> None:
        """See the store."""
        await self._pass("renew")
        await self._store.renew(now)

    async def claim_due(
        self,
        now: float,
        limit: int,
        max_bytes: int,
        without_domains: Collection[str] = (),
        without_accounts: Collection[int] = (),
    ) -> list[Queued]:
        """See the store."""
        await self._pass("claim_due")
        return await self._store.claim_due(now, limit, max_bytes, without_domains, without_accounts)

    async def next_due(self) -> float | None:
        """See the store."""
        await self._pass("next_due")
        return await self._store.next_due()

    async def settle(self, settlement: Settlement) -> None:
        """See the store."""
        await self._pass("settle")
        await self._store.settle(settlement)
        self.settled.append(settlement)

    async def release(self, message_ids: Sequence[str]) -> None:
        """See the store."""
        await self._pass("release")
        await self._store.release(message_ids)

    async def take_commands(self, now: float) -> list[Command]:
        """See the store."""
        await self._pass("take_commands")
        return await self._store.take_commands(now)

    def let_go(self) -> None:
        """Let held operations go on."""
        self.held.clear()
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)

    async def _pass(self, name: str) -> None:
        self.calls.append(name)
        if name in self.held:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn
        if name in self.faults:
            raise self.faults[name]


@define(eq=False, kw_only=True)
class Bench:
    """Everything around a pump."""

    clock: Clock
    database: Database
    options: dict[str, float]
    shelf: StoredQueue
    store: MoodyStore
    view: StoredQueueView
    relay: FakeRelay
    preparer: FakePreparer
    pump: Pump

    def accept(self, submission: Submission) -> bool:
        """What intake does; whether the fast path was taken."""
        messages, size_bytes = len(submission.messages), len(submission.content)
        domains = {message.domain for message in submission.messages}
        is_claimed = self.pump.reserve(messages, size_bytes, submission.account_id, domains)
        assert isinstance(is_claimed, bool)
        now(self.shelf.store(submission, (), is_claimed))
        if is_claimed:
            self.pump.hand_over(submission)
        return is_claimed

    def store_unclaimed(self, submission: Submission) -> None:
        """Leave mail in storage only."""
        now(self.shelf.store(submission, (), False))

    def settle_down(self, seconds: float = 0.0) -> None:
        """Let time pass, in steps in which what is due at once is done."""
        self.clock.pump([0.0] * 6)
        passed = 0.0
        while passed < seconds:
            step = min(1.0, seconds - passed) if seconds < 120 else min(60.0, seconds - passed)
            self.clock.pump([step, 0.0, 0.0, 0.0])
            passed += step

    def stop(self) -> None:
        """Stop in good order; time passes if it must."""
        stopped: list[object] = []
        _ = self.pump.stopService().addBoth(stopped.append)
        for _second in range(60):
            if stopped:
                break
            self.clock.advance(1)
        if stopped != [None]:
            raise AssertionError(f"the pump did not stop: {stopped}")

    def message(self, message_id: str) -> MessageView:
        """All that storage knows of a message."""
        found = now(self.view.message(message_id))
        if found is None:
            raise AssertionError(f"message {message_id} is lost")
        return found

    def states(self, submission: Submission) -> list[State]:
        """The states of its messages."""
        return [self.message(message.id).state for message in submission.messages]

    def events(self, message_id: str) -> list[str]:
        """The types of a message's events."""
        return [event.type for event in self.message(message_id).events]

    def unclaimed(self) -> set[str]:
        """What another start would find; this node's claims end with it."""
        now(self.shelf.enlist(self.clock.seconds()))
        return {queued.message.id for queued in now(self.shelf.claim_due(9e9, 5000, 1 << 40))}


def bench(is_started: bool = True, **options: float) -> Bench:
    """
    Set everything up.

    @param options: sizes and times of the pump. Nobody waits for room unless they say so.
    """
    clock = Clock()
    clock.advance(NOW)
    database = memory_database()
    made = _on(database, clock, options)
    if is_started:
        made.pump.startService()
        made.settle_down()
    return made


def revived(before: Bench) -> Bench:
    """The next process on the same database; whatever the one before still does has no effect."""
    clock = Clock()
    clock.advance(before.clock.seconds())
    made = _on(before.database, clock, before.options)
    made.pump.startService()
    made.settle_down()
    return made


def _on(database: Database, clock: Clock, options: dict[str, float]) -> Bench:
    shelf = StoredQueue(database=database, node_id="node", lease_seconds=30.0)
    store, relay, preparer = MoodyStore(shelf), FakeRelay(clock.seconds), FakePreparer()
    _conforms: QueueStore = store
    pump = Pump(
        clock=clock,
        store=store,
        preparer=preparer,
        relay=relay,
        new_id=an_id,
        jitter=lambda: 0.5,
        hostname="mail.example.com",
        **{"wait_seconds": 0.0, **options},  # type: ignore[arg-type]
    )
    _takes: Handover = pump
    return Bench(
        clock=clock,
        database=database,
        options=options,
        shelf=shelf,
        store=store,
        view=StoredQueueView(database=database),
        relay=relay,
        preparer=preparer,
        pump=pump,
    )
