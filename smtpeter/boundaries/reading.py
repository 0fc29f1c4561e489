"""What is asked of the journal for an account: its events, its days, its tags, its numbers."""

from typing import Protocol

from smtpeter.model.event import Event, EventType
from smtpeter.model.reading import Period, Place, Question, TagTotals, Tally


class EventSearch(Protocol):
    """The journal by what its events tell. All methods may raise L{smtpeter.boundaries.storage.StorageBusy}."""

    async def find(self, question: Question, after: Place | None, limit: int) -> list[Event]:
        """
        At most C{limit} events, oldest first.

        @param after: only those behind this place; C{None} for the first page.
        """

    async def sent_at(self, account_id: int, message_id: str) -> float | None:
        """When an account's message was accepted, POSIX seconds; C{None} when the account has no such message."""

    async def first_at(self, account_id: int, type: EventType, period: Period) -> float | None:
        """When an account had its first event of a type in a period; C{None} when it had none."""


class TagBook(Protocol):
    """What events come to by tag. All methods may raise L{smtpeter.boundaries.storage.StorageBusy}."""

    async def totals(self, account_id: int, tag: str) -> TagTotals | None:
        """One tag of an account; C{None} when no event has had it."""

    async def recent(self, account_id: int, limit: int) -> list[TagTotals]:
        """The tags that had an event last, the latest first."""


class EventCounts(Protocol):
    """How many events there were."""

    async def tallies(
        self, account_id: int, period: Period, step_seconds: int, tags: tuple[str, ...], domain: str | None
    ) -> list[Tally]:
        """
        Count events by type, for each part of a period that has any, oldest first.

        @param step_seconds: how long a part is; parts begin at the start of the period.
        @param tags: only events with all of them.
        @param domain: only those of recipients at this domain, in lower case.
        @raise StorageBusy: cannot be read now.
        """
