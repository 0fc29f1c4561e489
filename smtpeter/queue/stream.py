"""The way of claimed messages through memory: prepared, sent, settled, forgotten."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.prepare import Prepared
from smtpeter.boundaries.relay import Relay
from smtpeter.model.identity import NewId
from smtpeter.model.message import Queued
from smtpeter.model.outcome import Kind, Outcome
from smtpeter.model.queue import Settlement
from smtpeter.model.relay import Render
from smtpeter.queue.budget import Budget
from smtpeter.queue.gate import Gate
from smtpeter.queue.ledger import Ledger
from smtpeter.queue.loads import Load, job_of
from smtpeter.queue.settle import expire, is_expired, settle

STORAGE_PAUSE_SECONDS = 30.0
"""How long a submission waits whose keys could not be read."""


@define(eq=False)
class Stream:
    """
    Takes loads whose messages are counted in the memory, and counts each off when it leaves.

    @ivar jitter: gives an even choice from 0 to 1.
    @ivar hostname: who we are, for notices.
    @ivar unsend: takes the ids of messages that are given back unattempted.
    @ivar freed: called for each message that has left the memory, with the bytes that it counted for.
    @ivar urgent: the ids of messages for which what is known of their destination is to be forgotten.
    """

    _log = Logger()
    clock: IReactorTime
    relay: Relay
    gate: Gate
    budget: Budget
    ledger: Ledger
    new_id: NewId
    jitter: Callable[[], float]
    hostname: str
    unsend: Callable[[Sequence[str]], None]
    freed: Callable[[int], None]
    urgent: dict[str, None]
    _held: set[str] = field(factory=set, init=False)
    _ready: deque[tuple[Load, Prepared]] = field(factory=deque, init=False)

    def holds(self, message_id: str) -> bool:
        """Whether a message is in memory."""
        return message_id in self._held

    def count(self, load: Load) -> None:
        """Count the messages of a load in the shares of their account and domains."""
        account_id, count_share = load.submission.account_id, self.budget.count_share
        for queued in load.queued:
            self._held.add(queued.message.id)
            count_share(account_id, queued.message.domain, 1, load.weight)

    def expire(self, load: Load) -> bool:
        """
        Give a load up if its time is over.

        @return: whether it was.
        """
        now = self.clock.seconds()
        if not is_expired(load.queued[0], now):
            return False
        for queued in load.queued:
            settlement = self._decided(lambda each: expire(each, now, self.hostname, self.new_id), queued)
            _ = self._write(load, queued, settlement)
        return True

    def prepared(self, load: Load, prepared: Prepared) -> None:
        """Send a load, or keep it until sending is allowed."""
        if self.gate.is_void(load.era):
            self.drop(load)
        elif not self.gate.is_open:
            self._ready.append((load, prepared))
        elif not self.expire(load):
            for queued in load.queued:
                self._send(load, queued, prepared)

    def not_prepared(self, load: Load, is_busy: bool) -> None:
        """
        Defer a load.

        @param is_busy: whether storage was, which counts against no message.
        """
        for queued in load.queued:
            self._defer(load, queued, is_busy)

    def resume(self) -> None:
        """Send what was kept."""
        waiting, self._ready = self._ready, deque()
        for load, prepared in waiting:
            self.prepared(load, prepared)

    def clear(self) -> list[Load]:
        """Take out all that was kept."""
        waiting, self._ready = self._ready, deque()
        return [load for load, _ in waiting]

    def drop(self, load: Load) -> None:
        """Give a load back that the relay has not seen."""
        self.unsend([queued.message.id for queued in load.queued])
        for queued in load.queued:
            self._forget(load, queued)

    def _send(self, load: Load, queued: Queued, prepared: Prepared) -> None:
        message_id = queued.message.id
        try:
            render: Render = partial(self._render, load.era, prepared, message_id)
            job = job_of(queued, prepared, render)
        except Exception:
            self._log.failure("message {id} could not be prepared", id=message_id)
            self._defer(load, queued, is_busy=False)
            return
        if message_id in self.urgent:
            del self.urgent[message_id]
            self.relay.retry_now(queued.message.domain)
        self.relay.send(job, partial(self._report, load, queued, prepared.warnings))

    def _defer(self, load: Load, queued: Queued, is_busy: bool) -> None:
        now = self.clock.seconds()
        outcome = Outcome(
            message_id=queued.message.id,
            kind=Kind.DEFERRED,
            at=now,
            stage="prepare",
            description="storage is busy" if is_busy else "the message could not be prepared: a fault of ours",
            is_shared=is_busy,
            retry_at=now + STORAGE_PAUSE_SECONDS if is_busy else None,
        )
        self._report(load, queued, (), outcome)

    async def _render(self, era: int, prepared: Prepared, message_id: str, seven_bit: bool) -> bytes:
        if not self.gate.is_open or self.gate.is_void(era):
            await self.gate.passed(era)
        return await prepared.render(message_id, seven_bit)

    def _report(
        self, load: Load, queued: Queued, warnings: tuple[str, ...], outcome: Outcome
    ) -> "Deferred[None] | None":
        was_stopped = outcome.stage == "prepare" and self.gate.is_void(load.era)
        if outcome.kind is Kind.RELEASED or was_stopped:
            self.unsend([queued.message.id])
            self._forget(load, queued)
            return None
        jitter = self.jitter()
        settlement = self._decided(
            lambda each: settle(each, outcome, self.hostname, jitter, self.new_id, warnings), queued
        )
        return self._write(load, queued, settlement)

    def _decided(self, decide: Callable[[Queued], Settlement], queued: Queued) -> Settlement:
        """A notice that cannot be composed must not cost us the knowledge of what became of the message."""
        try:
            return decide(queued)
        except Exception:
            self._log.failure("no notice could be made for {id}", id=queued.message.id)
            return decide(evolve(queued, submission=evolve(queued.submission, source="dsn")))

    def _write(self, load: Load, queued: Queued, settlement: Settlement) -> "Deferred[None]":
        recorded: Deferred[None] = Deferred()

        def written() -> None:
            self._forget(load, queued)
            recorded.callback(None)

        self.ledger.write(settlement, written)
        return recorded

    def _forget(self, load: Load, queued: Queued) -> None:
        budget, load.remaining = self.budget, load.remaining - 1
        self._held.discard(queued.message.id)
        budget.count_share(load.submission.account_id, queued.message.domain, -1, -load.weight)
        budget.give_back(1, 0 if load.remaining else load.size_bytes)
        self.freed(load.weight)
