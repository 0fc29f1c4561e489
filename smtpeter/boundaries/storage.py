"""What every store may answer instead of a result, and what it asks to keep secrets."""

from typing import Protocol


class StorageBusy(Exception):
    """The database is locked, away or failing. Try again later; nothing was taken or changed."""


class StorageFull(StorageBusy):
    """No space is left. Nothing was taken or changed."""


class Vault(Protocol):
    """Keeps secrets unreadable in the database and in its copies."""

    def seal(self, clear: bytes) -> bytes:
        """Encrypt and authenticate. May be called in any thread."""

    def open(self, sealed: bytes) -> bytes:
        """
        What was sealed. May be called in any thread.

        @raise ValueError: it was not sealed with a key of ours, or was changed.
        """
