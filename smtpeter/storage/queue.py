"""The durable queue of one node: puts accepted mail on the shelf, claims it, settles it."""

from collections.abc import Callable, Collection, Sequence
from typing import cast

from attrs import define, field
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.queue import QueueStore, Shelf
from smtpeter.boundaries.requests import AlreadyAsked
from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.model.event import Event
from smtpeter.model.message import Once, Queued, Return, State, Submission
from smtpeter.model.queue import Command, Node, Settlement
from smtpeter.model.suppression import SuppressionReason
from smtpeter.storage import commands, nodes
from smtpeter.storage.arrivals import insert_events, insert_submissions
from smtpeter.storage.claims import Claimed, Demand, claim
from smtpeter.storage.database import Database
from smtpeter.storage.failures import CommitInDoubt, is_duplicate
from smtpeter.storage.requests import insert_requests
from smtpeter.storage.returns import insert_returns
from smtpeter.storage.settlements import settle
from smtpeter.storage.suppressing import events_of_held_back, find_listed_of, held_back_values
from smtpeter.storage.tables import IS_WAITING, messages

_Arrival = tuple[Submission, Sequence[Event], Node | None, Once | None]


@define(eq=False, kw_only=True)
class StoredQueue(Shelf, QueueStore):
    """
    Mail that was accepted and is not settled.

    @ivar _node_id: this node's identity, from its state folder; one running process has it.
    @ivar _lease_seconds: how long a node's claims outlive its last heartbeat; the same on all nodes.
    @ivar _is_short: whether the rest of the disk is kept for settlements, so that no more mail is accepted. Called in a
        database thread.
    @ivar _reasons: what puts addresses on suppression lists.
    @ivar _settled: counts messages that are held back, by their final state.
    """

    _log = Logger()
    _database: Database
    _node_id: str
    _lease_seconds: float = 30.0
    _is_short: Callable[[], bool] = lambda: False
    _reasons: Collection[SuppressionReason] = tuple(SuppressionReason)
    _settled: Tally = uncounted
    _node: Node | None = None
    _swept_at: float | None = None
    _doubtful: set[str] = field(factory=set, init=False)
    """Messages that this node may have claimed without knowing: the commit was not confirmed."""

    @override
    async def store(
        self, submission: Submission, events: Sequence[Event], is_claimed: bool, once: Once | None = None
    ) -> Collection[str]:
        """Commit a submission, its messages and their events together (L{Shelf.store})."""
        arrival = (submission, events, self._enlisted() if is_claimed else None, once)
        try:
            held_back = await self._database.together(self._store, arrival, len(submission.content))
        except IntegrityError as failure:
            if once is not None and is_duplicate(failure):
                raise AlreadyAsked(once.key) from failure
            raise
        except CommitInDoubt:
            if is_claimed:
                self._doubtful.update(message.id for message in submission.messages)
            raise
        self._tell_suppressed(held_back)
        return held_back

    @override
    async def store_return(self, returned: Sequence[Return]) -> None:
        """Commit mail that came back (L{Shelf.store_return})."""
        size_bytes = sum(len(one.content) for one in returned)
        await self._database.together(self._store_returns, tuple(returned), size_bytes)

    @override
    async def enlist(self, now: float) -> None:
        """Begin a new epoch (L{QueueStore.enlist})."""
        self._node = await self._database.transaction(lambda connection: nodes.enlist(connection, self._node_id, now))
        self._swept_at = None

    @override
    async def renew(self, now: float) -> None:
        """The heartbeat (L{QueueStore.renew})."""
        node = self._enlisted()
        await self._database.transaction(lambda connection: nodes.renew(connection, node, now))

    @override
    async def claim_due(
        self,
        now: float,
        limit: int,
        max_bytes: int,
        without_domains: Collection[str] = (),
        without_accounts: Collection[int] = (),
    ) -> list[Queued]:
        """Take what is due; a few times in a lease also what dead nodes had claimed (L{QueueStore.claim_due})."""
        node = self._enlisted()
        demand = Demand(
            now=now,
            limit=limit,
            max_bytes=max_bytes,
            without_domains=frozenset(without_domains),
            without_accounts=frozenset(without_accounts),
        )
        is_sweeping = self._swept_at is None or not 0 <= now - self._swept_at < self._lease_seconds / 3
        doubtful = list(self._doubtful)

        def work(connection: Connection) -> Claimed:
            if doubtful:
                nodes.release_doubtful(connection, node, doubtful)
            if is_sweeping:
                nodes.free_lapsed(connection, node, now - self._lease_seconds)
            return claim(connection, node, demand) if nodes.may_claim(connection, node) else Claimed()

        taken = await self._claimed(work)
        self._doubtful.difference_update(doubtful)
        if is_sweeping:
            self._swept_at = now
        self._tell_suppressed(taken.suppressed)
        return taken.queued

    async def _claimed(self, work: Callable[[Connection], Claimed]) -> Claimed:
        try:
            return await self._database.transaction(work)
        except CommitInDoubt as doubt:
            self._doubtful.update(queued.message.id for queued in cast(Claimed, doubt.result).queued)
            raise

    @override
    async def next_due(self) -> float | None:
        """When the next unclaimed message falls due (L{QueueStore.next_due})."""
        query = select(func.min(messages.c.due_at)).where(IS_WAITING)
        return await self._database.read(lambda connection: connection.scalar(query))

    @override
    async def settle(self, settlement: Settlement) -> None:
        """Commit what an outcome changes (L{QueueStore.settle})."""
        await self._database.together(self._settle, settlement)

    @override
    async def release(self, message_ids: Sequence[str]) -> None:
        """End claims without an attempt (L{QueueStore.release})."""
        node = self._enlisted()
        await self._database.transaction(lambda connection: nodes.release(connection, node, list(message_ids)))

    @override
    async def take_commands(self, now: float) -> list[Command]:
        """Carry out what operators asked (L{QueueStore.take_commands}). Writes only when there is something."""
        node = self._enlisted()
        if not await self._database.read(lambda connection: commands.are_waiting(connection, node)):
            return []
        renewed_since = now - self._lease_seconds
        try:
            return await self._database.transaction(
                lambda connection: commands.take(connection, node, now, renewed_since)
            )
        except CommitInDoubt as doubt:
            # Told twice rather than never: if they were not taken they come again.
            return cast(list[Command], doubt.result)

    def _enlisted(self) -> Node:
        if self._node is None:
            raise RuntimeError("enlist before you claim")
        return self._node

    def _store(self, connection: Connection, arrivals: Sequence[_Arrival]) -> list[Collection[str]]:
        self._check_space()
        claims = {claimed for _, _, claimed, _ in arrivals if claimed is not None}
        if not all(nodes.may_claim(connection, node) for node in claims):
            raise StorageBusy(f"another process has taken the identity of node {self._node_id}")
        accepted = [submission for submission, _, _, _ in arrivals]
        listed = find_listed_of(connection, accepted)
        ended = {message_id: held_back_values(entry) for message_id, entry in listed.items()}
        insert_submissions(connection, [(submission, claimed) for submission, _, claimed, _ in arrivals], ended)
        told = [event for _, events, _, _ in arrivals for event in events]
        insert_events(connection, [*told, *events_of_held_back(accepted, listed)])
        insert_requests(connection, [(submission, once) for submission, _, _, once in arrivals if once is not None])
        return [listed.keys() & {message.id for message in submission.messages} for submission in accepted]

    def _store_returns(self, connection: Connection, returned: Sequence[tuple[Return, ...]]) -> None:
        self._check_space()
        insert_returns(connection, [one for some in returned for one in some])

    def _settle(self, connection: Connection, settlements: Sequence[Settlement]) -> None:
        settle(connection, self._enlisted(), settlements, self._reasons)

    def _tell_suppressed(self, message_ids: Collection[str]) -> None:
        for message_id in message_ids:
            self._log.info("{id} is suppressed: its recipient is on the list", id=message_id)
        if message_ids:
            self._settled(State.SUPPRESSED.value, len(message_ids))

    def _check_space(self) -> None:
        if self._is_short():
            raise StorageFull("the rest of the disk is kept for what was accepted before")
