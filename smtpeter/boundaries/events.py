"""Where facts about messages are written, and read for an operator."""

from collections.abc import Sequence
from typing import Protocol

from smtpeter.model.event import Event
from smtpeter.model.visit import Visit


class Journal(Protocol):
    """Records what happens to a message after it was sent."""

    async def record_visits(self, visits: Sequence[Visit]) -> None:
        """
        Write clicks and opens durably, all or none; account, recipient and tags are the messages'. A visit of a message
        that is not known (any more) is dropped.

        @raise StorageBusy: cannot be written now.
        """


class EventReader(Protocol):
    """The journal, in order."""

    async def events_after(
        self, cursor: int, limit: int, account_id: int | None = None, message_id: str | None = None
    ) -> list[Event]:
        """At most C{limit} events with an id over C{cursor}, oldest first."""
