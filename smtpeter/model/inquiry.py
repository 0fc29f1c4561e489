"""A data request: what an account asks about an address, and how far its answer is."""

from typing import Literal

from attrs import field, frozen

Stage = Literal["messages", "events", "suppressions"]
"""What is looked through, in this order: messages with all that belongs to them; events of messages that are gone; the
suppression list."""

STAGES: tuple[Stage, ...] = ("messages", "events", "suppressions")


@frozen(kw_only=True)
class Progress:
    """How far an answer is."""

    stage: Stage = "messages"
    after: str = ""
    """Where in the stage to go on."""
    parts: int = 0
    """How many parts of the answer are written."""
    size_bytes: int = 0
    """Of these parts."""


@frozen(kw_only=True)
class Inquiry:
    """What was asked."""

    id: str
    account_id: int
    address: str
    created_at: float
    """POSIX seconds."""
    is_ready: bool = False
    progress: Progress = Progress()
    monitor: str | None = field(default=None, repr=False)
    """A URL or an e-mail address that is told the answer; C{None} when there is none (any more)."""

    @property
    def is_told_by_post(self) -> bool:
        """Whether the monitor is a URL."""
        return self.monitor is not None and self.monitor.startswith(("https://", "http://"))


@frozen(kw_only=True)
class Telling:
    """An answer whose monitor has not been told yet."""

    inquiry: Inquiry
    ready_at: float
    """POSIX seconds."""
    tries: int
    """How often it was tried."""


@frozen(kw_only=True)
class Match:
    """A message to the address."""

    message_id: str
    recipient: str
    reverse_path: str
    state: str
    tags: tuple[str, ...]
    received_at: float
