"""What the archive needs of storage, and what others ask it for."""

from collections.abc import Mapping
from typing import Protocol

from smtpeter.model.archive import Finished, Packed, SentEnvelope, Swept
from smtpeter.model.message import Submission


class ContentReader(Protocol):
    """What was sent."""

    async def content(self, submission_id: str) -> bytes | None:
        """
        A submission's content, byte for byte as it was accepted; C{None} when it is kept no longer.

        @raise StorageBusy: cannot be read now.
        """


class SentStore(Protocol):
    """Messages of accounts, whatever became of them. All methods may raise L{StorageBusy}."""

    async def envelope(self, account_id: int, message_id: str) -> SentEnvelope | None:
        """Its addresses; C{None} when the account has no such message."""

    async def submission(self, account_id: int, message_id: str) -> Submission | None:
        """
        What it is a part of, with that message alone; C{None} when the account has no such message, or its content is
        kept no longer.
        """


class SentMessages(Protocol):
    """Messages as they went out. All methods may raise L{StorageBusy}."""

    async def envelope(self, account_id: int, message_id: str) -> SentEnvelope | None:
        """Its addresses; C{None} when the account has no such message."""

    async def content(self, account_id: int, message_id: str) -> bytes | None:
        """
        The message with all that was changed in it, CRLF line ends, dots not stuffed; C{None} when the account has no
        such message, or its content is kept no longer.
        """


class PackingStore(Protocol):
    """Contents on their way into the packed form. All methods may raise L{StorageBusy}; nothing was changed then."""

    async def find_finished(self, before: float, after: str, limit: int, max_bytes: int) -> Finished:
        """
        Read contents that are not packed, of submissions all of whose messages are in a final state, oldest first.

        @param before: POSIX seconds; younger submissions are left alone.
        @param after: C{next} of the step before, or C{""}.
        @param limit: how many submissions are looked at.
        @param max_bytes: how much is read at most; one is always read.
        """

    async def put_away(self, packed: Mapping[str, Packed]) -> bool:
        """
        Replace contents by their packed form in one transaction; a content that is gone meanwhile stays gone.

        @param packed: by submission.
        @return: whether it was done; not when another node does such work at the moment.
        """


class RetentionStore(Protocol):
    """
    What is removed when it is old. Each method does a bounded step in one transaction, oldest first, and leaves
    everything of a submission alone that has a queued or held message. All may raise L{StorageBusy}; nothing was
    changed then.

    C{before}: POSIX seconds, what is younger stays. C{after}: C{next} of the step before, or C{""}. C{limit}: how many
    rows are looked at.
    """

    async def drop_contents(self, before: float, after: str, limit: int) -> Swept:
        """Remove contents that are not packed."""

    async def drop_packed(self, before: float, after: str, limit: int) -> Swept:
        """Remove packed contents, and pieces that no content needs any more."""

    async def drop_returns(self, before: float, after: str, limit: int) -> Swept:
        """Remove mail that came back."""

    async def drop_events(self, before: float, after: str, limit: int) -> Swept:
        """Remove events."""

    async def drop_submissions(self, before: float, after: str, limit: int) -> Swept:
        """Remove submissions without content, and their messages."""
