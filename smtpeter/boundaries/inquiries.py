"""
What is asked of storage for data requests: by the door that takes them, and by the archive that answers them. All
methods may raise L{smtpeter.boundaries.storage.StorageBusy}; nothing was changed then.
"""

from collections.abc import Sequence
from typing import Protocol

from smtpeter.model.event import Event
from smtpeter.model.inquiry import Inquiry, Match, Progress, Telling
from smtpeter.model.message import Return, Submission
from smtpeter.model.suppression import Suppression


class TooManyInquiries(Exception):
    """The account has so many unanswered data requests that no more are taken."""


class NotHeld(Exception):
    """Another server has the inquiry by now, or it is gone; nothing was written."""


class InquiryBook(Protocol):
    """Takes data requests, and gives their answers."""

    async def ask(self, inquiry: Inquiry) -> None:
        """
        Keep a new data request durably.

        @raise TooManyInquiries: of this account.
        """

    async def find(self, account_id: int, inquiry_id: str) -> Inquiry | None:
        """A data request of the account; C{None} when it has no such one (any more)."""

    async def part(self, inquiry_id: str, number: int) -> bytes | None:
        """A part of an answer, as it was written, from zero; C{None} when it is gone."""


class InquiryShelf(Protocol):
    """Holds what is to be answered; one server at a time answers a data request."""

    async def hold(self, node_id: str, now: float) -> Inquiry | None:
        """
        An unanswered data request that no other server holds, the oldest of the account that has waited longest for an
        answer; C{None} when there is none. What this server held before a restart is among them.
        """

    async def write(self, node_id: str, inquiry: Inquiry, first: int, parts: Sequence[bytes], now: float) -> None:
        """
        Write parts of the answer, in place of all from C{first} on, and hold it for longer.

        @param inquiry: as L{hold} gave it, or L{advance} left it.
        @raise NotHeld: by this server.
        """

    async def advance(self, node_id: str, inquiry: Inquiry, progress: Progress, is_ready: bool, now: float) -> None:
        """
        Say how far the answer is, after its parts were written.

        @raise NotHeld: by this server.
        """


class MonitorShelf(Protocol):
    """Holds which monitors are to be told that an answer is there."""

    async def due(self, now: float, limit: int) -> list[Telling]:
        """Some that are to be told now, the longest overdue first, and of each account one."""

    async def claim(self, telling: Telling, until: float) -> bool:
        """
        Take one before it is told: nobody else does so until then.

        @param telling: as L{due} gave it.
        @return: whether nobody else was faster.
        """

    async def end(self, telling: Telling) -> None:
        """Forget the monitor: it was told, or is given up."""

    async def send(self, telling: Telling, letter: Submission) -> bool:
        """
        Forget the monitor and queue the letter to it, in one transaction.

        @return: whether it was queued: it is not when the monitor was forgotten before.
        """


class Findings(Protocol):
    """What there is about an address. Each method looks at a bounded number of rows."""

    async def messages(self, inquiry: Inquiry, after: str, rows: int, limit: int) -> tuple[list[Match], str | None]:
        """
        Messages of the account to the address, however it was written.

        @param rows: how many messages are looked at.
        @param limit: how many are given.
        @return: what was found, and where to go on; C{None} at the end.
        """

    async def events_of(self, match: Match, after: int, limit: int) -> list[Event]:
        """A page of what happened to a message."""

    async def returns_of(self, match: Match, limit: int) -> list[Return]:
        """Mail that came back for a message."""

    async def events(self, inquiry: Inquiry, after: str, rows: int, limit: int) -> tuple[list[Event], str | None]:
        """What happened to messages to the address that are kept no longer; as L{messages}."""

    async def suppression(self, inquiry: Inquiry) -> Suppression | None:
        """The address on the account's suppression list."""
