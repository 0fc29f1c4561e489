"""Fills free memory with messages that are due, and carries out what operators asked of the queue."""

from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.queue import QueueStore
from smtpeter.boundaries.relay import Relay
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import Queued
from smtpeter.model.queue import Command
from smtpeter.queue.budget import Budget
from smtpeter.queue.gate import Gate
from smtpeter.queue.inflow import Inflow
from smtpeter.queue.tasks import Alarm

POLL_SECONDS = 1.0
SOONEST_SECONDS = 0.05
FAULT_SECONDS = 5.0
BYTES_PART = 4
"""A claim takes a quarter of the memory for contents at most, so that new mail finds room meanwhile."""
FREED_PART = 32
"""As soon as so small a part of the memory for contents is free again, more is claimed: some large messages."""
FEW = 32
"""How much is claimed at once beside new mail that waits for room."""
RELEASE_AT_ONCE = 500
MAX_URGENT = 1000


@define(eq=False)
class Claims:
    """
    The loop that looks for work.

    @ivar limit: how many messages are claimed at once.
    @ivar claimed: takes what was claimed; its memory is not counted yet.
    @ivar inflow: new mail that waits for room; it comes before what is claimed.
    """

    _log = Logger()
    clock: IReactorTime
    store: QueueStore
    relay: Relay
    gate: Gate
    budget: Budget
    limit: int
    claimed: Callable[[Sequence[Queued]], None]
    inflow: Inflow
    is_caught_up: bool = field(default=False, init=False)
    """Whether nothing is due in storage: as far as is known, all that is due is in memory."""
    urgent: dict[str, None] = field(factory=dict, init=False)
    """
    Messages that an operator wants tried at once, whatever is known of their destination, in the order of asking. Those
    that are not queued any more never come, and give way to later ones.
    """
    _unsent: list[str] = field(factory=list, init=False)
    _alarm: Alarm = field(init=False)
    _is_stopping: bool = field(default=False, init=False)
    _is_hungry: bool = field(default=False, init=False)
    _freed: int = field(default=0, init=False)
    _freed_bytes: int = field(default=0, init=False)
    _obeyed_at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._alarm = Alarm(self.clock)

    async def run(self) -> None:
        """Look every second, when the next message falls due, and when memory is free again, until told to stop."""
        while not self._is_stopping:
            await self._alarm.wait(await self._round())

    def stop(self) -> None:
        """End after the round that is under way."""
        self._is_stopping = True
        self._alarm.ring()

    def unsend(self, message_ids: Sequence[str]) -> None:
        """Give claimed messages back unattempted, soon."""
        self._unsent.extend(message_ids)

    def more_waits(self) -> None:
        """There is mail in storage that found no room in memory."""
        self._is_hungry = True
        self.is_caught_up = False

    def note_freed(self, size_bytes: int) -> None:
        """A message has left the memory, with its part of a content."""
        self.inflow.freed()
        self._freed += 1
        self._freed_bytes += size_bytes
        if self._is_hungry and self._is_worth_while():
            self._is_hungry = False
            self._alarm.ring()

    def _is_worth_while(self) -> bool:
        budget = self.budget
        are_enough = self._freed >= min(self.limit, budget.max_messages // 8 + 1)
        return are_enough or self._freed_bytes >= budget.max_bytes // FREED_PART

    async def release(self) -> None:
        """
        Write down which messages were given back.

        @raise StorageBusy: not now; they are kept in mind.
        """
        while self._unsent:
            batch = self._unsent[:RELEASE_AT_ONCE]
            await self.store.release(batch)
            del self._unsent[: len(batch)]

    async def _round(self) -> float:
        try:
            if not self.gate.is_open:
                return POLL_SECONDS
            await self._obey()
            await self.release()
            return await self._claim()
        except StorageBusy:
            return POLL_SECONDS
        except CancelledError:
            raise
        except Exception:
            self._log.failure("the queue could not be read")
            return FAULT_SECONDS

    async def _claim(self) -> float:
        budget = self.budget
        self._freed = self._freed_bytes = 0
        limit = min(self.limit, budget.free_messages)
        room = min(budget.free_bytes, max(budget.max_bytes // BYTES_PART, 1))
        if not limit or not room:
            self._is_hungry = True
            return POLL_SECONDS
        domains, accounts = budget.full_domains(), budget.full_accounts()
        if self.is_caught_up and self.inflow.is_waiting:
            # Shares that new mail fills again and again: what is due again must not wait for its end.
            limit, domains, accounts = min(limit, FEW), [], []
        budget.take(limit, room)
        try:
            found = await self.store.claim_due(self.clock.seconds(), limit, room, domains, accounts)
        finally:
            budget.give_back(limit, room)
        self._take(found)
        # The next content may not have fitted into what was left of the room.
        if len(found) >= limit or sum(len(queued.submission.content) for queued in found) * 2 >= room:
            self.is_caught_up = False
            return 0.0
        self._is_hungry = bool(domains or accounts)
        self.is_caught_up = self.is_caught_up or not self._is_hungry
        return POLL_SECONDS if self._is_hungry else await self._until_next()

    def _take(self, found: Sequence[Queued]) -> None:
        if self._is_stopping or not self.gate.is_open:
            self.unsend([queued.message.id for queued in found])
        elif found:
            self.claimed(found)

    async def _until_next(self) -> float:
        due = await self.store.next_due()
        left = POLL_SECONDS if due is None else due - self.clock.seconds()
        return min(max(left, SOONEST_SECONDS), POLL_SECONDS) if left > 0 else POLL_SECONDS

    async def _obey(self) -> None:
        now = self.clock.seconds()
        if 0 <= now - self._obeyed_at < POLL_SECONDS:
            return
        self._obeyed_at = now
        for command in await self.store.take_commands(now):
            self._retry(command)

    def _retry(self, command: Command) -> None:
        """Storage has made the messages due; what the relay remembers of their destinations must not hold them up."""
        self._log.info("retry asked for", command=command)
        if command.destination is not None:
            self.relay.retry_now(command.destination)
        elif command.message_id is None:
            self.relay.retry_now(None)
        else:
            self.urgent[command.message_id] = None
            if len(self.urgent) > MAX_URGENT:
                del self.urgent[next(iter(self.urgent))]
