"""What a client hands in (draft), what is accepted of it (submission) and what goes to each recipient (message)."""

from enum import Enum
from typing import Literal

from attrs import field, frozen

from smtpeter.model.options import Features

Ret = Literal["FULL", "HDRS"]
Notify = Literal["NEVER", "SUCCESS", "FAILURE", "DELAY"]


class State(Enum):
    """Where a message is. All but C{QUEUED} and C{HELD} are final."""

    QUEUED = "queued"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


@frozen(kw_only=True)
class Recipient:
    """One accepted RCPT: the address and its DSN parameters (RFC 3461, 4.1 and 4.2)."""

    address: str
    notify: frozenset[Notify] | None = None
    """C{None} when the client said nothing, which means FAILURE, and DELAY at our choice."""
    orcpt: str | None = None
    """The original recipient as C{addr-type;address}, xtext decoded."""


@frozen(kw_only=True)
class Trace:
    """How a submission came in: what the Received field tells (RFC 5321, 4.4)."""

    protocol: str
    """The C{with} keyword (RFC 3848): ESMTPSA, HTTPS, …"""
    helo: str = ""
    peer: str = ""
    """The client's address as text."""
    tls: str = ""
    """Protocol and cipher, such as C{TLSv1.3 TLS_AES_256_GCM_SHA384}; empty without TLS."""


KEPT_SECONDS = 86_400.0
"""How long a key of a client counts."""


@frozen(kw_only=True)
class Once:
    """The key under which a client asks, so that asking again sends nothing again."""

    key: str
    fingerprint: bytes
    """Of the whole request: another one under the same key is a mistake."""


@frozen(kw_only=True)
class Draft:
    """What a door hands to intake: one envelope with its content."""

    account_id: int
    login_id: int | None
    features: Features
    """What the login asks for; headers of the content may still override it."""
    reverse_path: str
    """As injected, possibly empty."""
    recipients: tuple[Recipient, ...]
    content: bytes = field(repr=False)
    """The message with CRLF line ends, dots un-stuffed."""
    trace: Trace
    ret: Ret | None = None
    envid: str | None = None
    """Decoded from xtext."""
    is_utf8: bool = False
    """Whether the client declared SMTPUTF8 (RFC 6531)."""
    tags: tuple[str, ...] = ()
    """Those of the content come behind them."""
    expires_at: float | None = None
    """POSIX seconds; C{None} for the operator's limit."""
    once: Once | None = None
    """Stored with the messages."""


@frozen(kw_only=True)
class Message:
    """A submission for one recipient."""

    id: str
    recipient: Recipient
    domain: str
    """The recipient's domain as A-labels in lower case (or an address literal): what is looked up and routed."""


@frozen(kw_only=True)
class Submission:
    """An accepted draft."""

    id: str
    account_id: int
    login_id: int | None
    source: Literal["smtp", "rest", "dsn"]
    features: Features
    """Login and header already joined."""
    tags: tuple[str, ...]
    warnings: tuple[str, ...]
    """What was asked for and could not be understood, in words for the sender."""
    reverse_path: str
    sender_domain: str
    """The domain of From as A-labels in lower case: whose settings and key apply. Empty for mail of our own."""
    content: bytes = field(repr=False)
    trace: Trace
    ret: Ret | None
    envid: str | None
    is_utf8: bool
    received_at: float
    """POSIX seconds."""
    expires_at: float
    """POSIX seconds; not delivered after it."""
    messages: tuple[Message, ...]
    """One per recipient, or only those at hand when read back from storage."""


@frozen(kw_only=True)
class Queued:
    """A message that this node has claimed, with what its next attempt needs."""

    message: Message
    submission: Submission
    attempts: int
    """How many attempts have been made."""
    last_reply: str = ""
    """What the last attempt was told, for the notice of an expiry."""


@frozen(kw_only=True)
class Return:
    """Mail that came back to an address of ours: stored whole, understood later."""

    id: str
    message_id: str | None
    """The message that it came back for; C{None} for a role address."""
    recipient: str
    reverse_path: str
    content: bytes = field(repr=False)
    trace: Trace
    received_at: float
