"""What the queue is told and what it shows: settlements, commands, counts."""

from typing import Literal

from attrs import field, frozen

from smtpeter.model.event import Event
from smtpeter.model.message import State, Submission
from smtpeter.model.suppression import Suppression


@frozen(kw_only=True)
class Node:
    """A running server. Its claims are good while its row is renewed and its epoch is the newest."""

    id: str
    epoch: int


@frozen(kw_only=True)
class Settlement:
    """What an outcome changes: the message's state, its events and the notice that it causes, in one transaction."""

    message_id: str
    state: State
    attempts: int
    next_attempt_at: float | None
    """POSIX seconds; C{None} in a final state."""
    last_reply: str = ""
    events: tuple[Event, ...] = ()
    notice: Submission | None = None
    """A DSN to the sender (RFC 3464), queued unclaimed in the same transaction."""
    suppression: Suppression | None = None
    """What it puts on the account's suppression list, if the operator wants that."""


@frozen(kw_only=True)
class Command:
    """What an operator asked of the queue; the server carries it out within a second."""

    kind: Literal["retry"]
    message_id: str | None = None
    destination: str | None = None
    """A recipient domain."""
    account_id: int | None = None


@frozen(kw_only=True)
class DestinationCount:
    """A line of the queue's list."""

    domain: str
    messages: int
    oldest_at: float
    next_attempt_at: float | None
    reason: str = ""
    """The last reply of the message that is tried next."""


@frozen(kw_only=True)
class MessageView:
    """All that is known of a message, for an operator's eyes."""

    id: str
    submission_id: str
    account_id: int
    recipient: str
    reverse_path: str
    state: State
    attempts: int
    received_at: float
    expires_at: float
    next_attempt_at: float | None
    last_reply: str
    features: tuple[str, ...]
    tags: tuple[str, ...]
    warnings: tuple[str, ...]
    size_bytes: int
    events: tuple[Event, ...] = field(default=())
    """Oldest first; an attempt's dialogue stands in its data under C{transcript}."""
