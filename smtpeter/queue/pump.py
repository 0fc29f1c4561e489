"""
Keeps accepted mail moving: takes what is due into memory, has it prepared, gives it to the relay, records the outcomes.

What intake has just stored arrives here already claimed and with its content (L{Pump.hand_over}); everything else is
claimed from storage while memory is free. A message leaves the memory when its settlement is committed. The database
stays the truth: whatever happens to this process, a claim ends with its epoch and the message is tried again.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.prepare import Preparer
from smtpeter.boundaries.queue import QueueStore
from smtpeter.boundaries.relay import Relay
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.identity import NewId
from smtpeter.model.message import Queued, Submission
from smtpeter.queue.budget import Budget
from smtpeter.queue.claims import Claims
from smtpeter.queue.gate import Gate
from smtpeter.queue.inflow import Ask, Inflow
from smtpeter.queue.lanes import Lane, Lanes
from smtpeter.queue.lease import Lease
from smtpeter.queue.ledger import Ledger
from smtpeter.queue.loads import Load, by_submission, fresh, load_of
from smtpeter.queue.stream import Stream
from smtpeter.queue.tasks import Alarm, Tasks

ENLIST_AGAIN_SECONDS = 2.0


@define(eq=False, kw_only=True)
class Pump(Service):
    """
    The moving part of the queue; L{smtpeter.boundaries.queue.Handover} for intake.

    @ivar jitter: gives an even choice from 0 to 1.
    @ivar hostname: who we are, for notices.
    @ivar lease_seconds: after how long without a heartbeat other nodes take over what this one has claimed; the same
        as storage believes.
    @ivar max_messages: how many messages are held in memory.
    @ivar max_bytes: how much of their content, as accepted; what is made of it takes as much again.
    @ivar claim_limit: how many messages are claimed at once.
    @ivar quick_places: how many submissions without costly features are prepared at once.
    @ivar costly_places: how many with them.
    @ivar stop_seconds: how long a stop waits for results to be recorded.
    @ivar wait_seconds: how long new mail waits for room at most; 0: not at all.
    @ivar settled: counts what becomes of messages: a final state, or C{deferred}.
    """

    _log = Logger()
    clock: IReactorTime
    store: QueueStore
    preparer: Preparer
    relay: Relay
    new_id: NewId
    jitter: Callable[[], float]
    hostname: str
    lease_seconds: float = 30.0
    max_messages: int = 6_000
    max_bytes: int = 33_554_432
    claim_limit: int = 256
    quick_places: int = 32
    costly_places: int = 4
    stop_seconds: float = 10.0
    wait_seconds: float = 1.0
    settled: Tally = uncounted
    budget: Budget = field(init=False)
    _gate: Gate = field(factory=Gate, init=False)
    _is_moving: bool = field(default=False, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _alarm: Alarm = field(init=False)
    _tasks: Tasks = field(init=False)
    _ledger: Ledger = field(init=False)
    _lease: Lease = field(init=False)
    _lanes: Lanes = field(init=False)
    _claims: Claims = field(init=False)
    _inflow: Inflow = field(init=False)
    _stream: Stream = field(init=False)

    def __attrs_post_init__(self) -> None:
        clock, store, relay, gate = self.clock, self.store, self.relay, self._gate
        self.budget = budget = Budget(self.max_messages, self.max_bytes)
        self._alarm, self._tasks = Alarm(clock), Tasks(clock)
        self._ledger = ledger = Ledger(clock, store, gate, self._go_on, self.settled)
        self._lease = Lease(clock, store, gate, self.lease_seconds, regained=self._go_on, lapsed=self._drop_waiting)
        self._inflow = inflow = Inflow(clock, self.wait_seconds, self._reserve)
        self._claims = claims = Claims(clock, store, relay, gate, budget, self.claim_limit, self._take, inflow)
        self._stream = stream = Stream(
            clock=clock,
            relay=relay,
            gate=gate,
            budget=budget,
            ledger=ledger,
            new_id=self.new_id,
            jitter=self.jitter,
            hostname=self.hostname,
            unsend=claims.unsend,
            freed=claims.note_freed,
            urgent=claims.urgent,
        )
        self._lanes = Lanes(
            clock=clock,
            preparer=self.preparer,
            gate=gate,
            ready=stream.prepared,
            failed=stream.not_prepared,
            dropped=stream.drop,
            quick=Lane(self.quick_places),
            costly=Lane(self.costly_places),
        )

    def reserve(
        self, messages: int, size_bytes: int, account_id: int, domains: Collection[str]
    ) -> bool | Awaitable[bool]:
        """See L{smtpeter.boundaries.queue.Handover.reserve}; nothing is granted while mail is not moving."""
        ask = Ask(messages, size_bytes, account_id, frozenset(domains))
        if not self._inflow.has_line(ask) and self._reserve(ask):
            return True
        if self.is_moving and self._claims.is_caught_up and self._inflow.may_wait(messages):
            return self._inflow.wait(ask).addCallback(self._note_room)
        return self._note_room(False)

    def _reserve(self, ask: Ask) -> bool:
        budget = self.budget
        is_granted = (
            self.is_moving
            and budget.has_room(ask.messages, ask.size_bytes)
            and budget.may_add(ask.account_id, ask.domains)
        )
        if is_granted:
            budget.take(ask.messages, ask.size_bytes)
        return is_granted

    def _note_room(self, is_granted: bool) -> bool:
        if not is_granted:
            self._claims.more_waits()
        return is_granted

    def hand_over(self, submission: Submission) -> None:
        """See L{smtpeter.boundaries.queue.Handover.hand_over}."""
        load = load_of(submission, fresh(submission), self._gate.era)
        self._stream.count(load)
        self._move(load)

    def give_back(self, messages: int, size_bytes: int) -> None:
        """See L{smtpeter.boundaries.queue.Handover.give_back}."""
        self.budget.give_back(messages, size_bytes)

    @property
    def is_moving(self) -> bool:
        """Whether mail goes out: this node is registered, and what happens can be recorded."""
        return self._is_moving and self._gate.is_open

    @override
    def startService(self) -> None:
        """Register this node, then begin to move mail."""
        super().startService()
        self._tasks.start(self._run())

    @override
    def stopService(self) -> "Deferred[None]":
        """
        Stop claiming, let the relay end what is open, record all outcomes, give the rest back.

        @return: fires when nothing is under way any more. Storage must run until then.
        """
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _run(self) -> None:
        while not self._is_stopping and not await self._enlist():
            await self._alarm.wait(ENLIST_AGAIN_SECONDS)
        if not self._is_stopping:
            self._is_moving = True
            self._tasks.start(self._lease.keep())
            self._tasks.start(self._claims.run())

    async def _enlist(self) -> bool:
        try:
            await self.store.enlist(self.clock.seconds())
        except StorageBusy:
            self._log.warn("this node could not be registered yet: storage is busy")
            return False
        return True

    async def _stop(self) -> None:
        self._is_moving, self._is_stopping = False, True
        self._inflow.clear()
        self._alarm.ring()
        self._claims.stop()
        self._gate.give_up()
        self._drop_waiting()
        await self._lanes.stop(self.stop_seconds)
        await self.relay.drain()
        await self._ledger.finish(self.stop_seconds)
        self._drop_waiting()
        self._lease.stop()
        await self._tasks.ended(self.stop_seconds)
        await self._release()

    async def _release(self) -> None:
        if self._lease.is_lost:
            return
        try:
            await self._claims.release()
        except StorageBusy:
            self._log.warn("unsent messages could not be released; the next start takes them back")

    def _take(self, found: Sequence[Queued]) -> None:
        """
        Count and move what was claimed.

        A message that is still in memory was freed by somebody while our lease had run out: its open attempt will
        settle the new claim.
        """
        new = [queued for queued in found if not self._stream.holds(queued.message.id)]
        for load in by_submission(new, self._gate.era):
            self.budget.take(len(load.queued), load.size_bytes)
            self._stream.count(load)
            self._move(load)

    def _move(self, load: Load) -> None:
        if not self._is_moving or self._gate.is_void(load.era):
            self._stream.drop(load)
        elif not self._stream.expire(load):
            self._lanes.add(load)

    def _go_on(self) -> None:
        if self._gate.is_open:
            self._stream.resume()
            self._lanes.wake()

    def _drop_waiting(self) -> None:
        for load in self._lanes.clear() + self._stream.clear():
            self._stream.drop(load)
