"""What the REST API asks of storage about what was sent before: under a key of the client, or to be sent again."""

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from smtpeter.model.message import Draft


class AlreadyAsked(Exception):
    """A request with that key was stored before; nothing was stored now."""


@frozen(kw_only=True)
class Earlier:
    """A request that was granted."""

    fingerprint: bytes
    """Of the whole request."""
    recipients: Mapping[str, str]
    """By the ids of their messages, as it was answered."""


class RequestLog(Protocol):
    """Finds earlier requests."""

    async def find_request(self, account_id: int, key: str, since: float) -> Earlier | None:
        """
        What was asked under a key.

        @param since: POSIX seconds; older requests do not count.
        @raise StorageBusy: cannot be told now.
        """


class SentMail(Protocol):
    """Finds mail that was accepted."""

    async def find_draft(self, account_id: int, message_id: str) -> Draft | None:
        """
        What was handed in, for the one recipient of a message: content, features and tags as they were. Its trace is
        that of the first time.

        @return: C{None} when the account has no such message, or its content is kept no longer.
        @raise StorageBusy: cannot be told now.
        """
