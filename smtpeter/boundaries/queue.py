"""What the queue needs of storage, and what intake needs of the queue."""

from collections.abc import Awaitable, Collection, Sequence
from typing import Protocol

from smtpeter.model.event import Event
from smtpeter.model.message import Once, Queued, Return, Submission
from smtpeter.model.queue import Command, DestinationCount, MessageView, Settlement


class ClaimLost(Exception):
    """The lease ended and somebody else may have the message: this settlement was not written."""


class Shelf(Protocol):
    """Where accepted mail is put: the only way in."""

    async def store(
        self, submission: Submission, events: Sequence[Event], is_claimed: bool, once: Once | None = None
    ) -> Collection[str]:
        """
        Commit a submission, its messages and their events together. Messages whose recipients are on the account's
        suppression list are stored in their final state, with the event that tells so, and are not to be sent.

        @param is_claimed: whether this node keeps the messages in memory, already claimed.
        @param once: the key of the request that they came with.
        @return: the ids of the messages that are not to be sent.
        @raise AlreadyAsked: the account has a request with that key; nothing was stored.
        @raise StorageFull: no space; nothing was stored.
        @raise StorageBusy: cannot be stored now; nothing was stored.
        """

    async def store_return(self, returned: Sequence[Return]) -> None:
        """
        Commit mail that came back.

        @raise StorageBusy: cannot be stored now; nothing was stored.
        """


class Handover(Protocol):
    """The fast path: what intake has just stored goes on in memory."""

    def reserve(
        self, messages: int, size_bytes: int, account_id: int, domains: Collection[str]
    ) -> bool | Awaitable[bool]:
        """
        Ask for room before storing. What was granted is either handed over or given back.

        @param account_id: whose share of the memory it counts against.
        @param domains: the recipient domains, each with a share of its own.
        @return: whether the memory bounds allow it; if not, store unclaimed. The answer may take a moment, when room is
            about to become free.
        """

    def hand_over(self, submission: Submission) -> None:
        """Take what was reserved and has been stored, claimed."""

    def give_back(self, messages: int, size_bytes: int) -> None:
        """Return what was reserved and could not be stored."""


class QueueStore(Protocol):
    """The durable queue, as one node sees it."""

    async def enlist(self, now: float) -> None:
        """Register this node with a higher epoch than before and free what its earlier self had claimed."""

    async def renew(self, now: float) -> None:
        """
        The heartbeat: extend this node's lease.

        @raise ClaimLost: another process has taken this node's identity; stop.
        """

    async def claim_due(
        self,
        now: float,
        limit: int,
        max_bytes: int,
        without_domains: Collection[str] = (),
        without_accounts: Collection[int] = (),
    ) -> list[Queued]:
        """
        Take messages that nobody else will get before this node's lease ends, most overdue first. Queued messages past
        their expiry are due as well. Those whose recipients have come on a suppression list are ended and not told.

        @param max_bytes: stop when the contents taken exceed it (one is always taken).
        @param without_domains: recipient domains of which enough are in memory.
        @param without_accounts: accounts of which enough are in memory.
        """

    async def next_due(self) -> float | None:
        """When the next unclaimed message falls due; C{None} when none is queued."""

    async def settle(self, settlement: Settlement) -> None:
        """
        Commit what an outcome changes, and end the claim.

        @raise ClaimLost: the claim is not ours any more; nothing was written.
        @raise StorageBusy: cannot be written now; nothing was written.
        """

    async def release(self, message_ids: Sequence[str]) -> None:
        """End claims without an attempt: due at once again."""

    async def take_commands(self, now: float) -> list[Command]:
        """Apply waiting commands to what is stored, remove them, and tell what they were."""


class QueueView(Protocol):
    """The queue for an operator."""

    async def destinations(self, account_id: int | None = None) -> list[DestinationCount]:
        """Queued messages by recipient domain, largest first."""

    async def message(self, message_id: str) -> MessageView | None:
        """One message with its events; C{None} when there is none."""

    async def add_command(self, command: Command, now: float) -> int:
        """
        Leave a command for the server.

        @return: how many queued messages it applies to now.
        """
