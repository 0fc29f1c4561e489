"""What the page at which readers unsubscribe asks of storage."""

from typing import Protocol


class UnsubscribeBook(Protocol):
    """Keeps who wants no more mail."""

    async def unsubscribe(self, message_id: str, now: float) -> bool:
        """
        Put the recipient of a message on the suppression list of the account that sent it, and write the event, both or
        neither. What repeats itself and changes nothing writes nothing.

        @param now: POSIX seconds.
        @return: whether the message is known (any more); nothing was done else.
        @raise StorageBusy: nothing was done.
        """
