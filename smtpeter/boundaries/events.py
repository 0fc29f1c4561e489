"""Where facts about messages are written, and read for an operator."""

from collections.abc import Mapping
from typing import Literal, Protocol

from smtpeter.model.event import Event


class Journal(Protocol):
    """Records what happens to a message after it was sent."""

    async def record_visit(
        self, message_id: str, type: Literal["click", "open"], at: float, data: Mapping[str, str]
    ) -> None:
        """
        Write a click or an open durably; account, recipient and tags are the message's. A visit of a message that is
        not known (any more) is dropped.

        @raise StorageBusy: cannot be written now.
        """


class EventReader(Protocol):
    """The journal, in order."""

    async def events_after(
        self, cursor: int, limit: int, account_id: int | None = None, message_id: str | None = None
    ) -> list[Event]:
        """At most C{limit} events with an id over C{cursor}, oldest first."""
