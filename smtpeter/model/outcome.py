"""What an attempt to deliver led to."""

from enum import Enum
from typing import Literal

from attrs import field, frozen
from typing_extensions import override

Stage = Literal[
    "connect", "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message", "expired", "prepare"
]
"""Where in SMTP it ended; the C{state} of a failure event."""

Reason = Literal[
    "user_unknown",
    "domain_unknown",
    "mailbox_full",
    "mailbox_disabled",
    "rejected",
    "policy",
    "spam",
    "too_large",
    "expired",
    "network",
    "protocol",
    "loop",
    "undefined",
]


class Kind(Enum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    RELEASED = "released"
    """Never attempted, because the server stops: the message stays queued and no attempt is counted."""


@frozen(kw_only=True)
class Reply:
    """An SMTP reply (RFC 5321, 4.2; RFC 2034): decoded, control characters replaced, lines joined by a newline."""

    code: int
    enhanced: str = ""
    """Such as C{5.1.1}; empty when the peer sent none."""
    text: str = ""
    _shown: str = field(init=False, eq=False, repr=False)

    @_shown.default
    def _show(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text.replace("\n", " ")) if part)

    @override
    def __str__(self) -> str:
        return self._shown


@frozen(kw_only=True)
class Outcome:
    """The end of one attempt for one message."""

    message_id: str
    kind: Kind
    at: float
    """POSIX seconds."""
    stage: Stage
    reply: Reply | None = None
    description: str = ""
    """In words, when there is no reply: C{connection refused by mx.example.com [192.0.2.1]}."""
    reason: Reason = "undefined"
    is_hard: bool = False
    """Whether the address itself is at fault, so that it may be suppressed."""
    is_shared: bool = False
    """Counts against the destination and not against the message: its attempts stay as they were."""
    retry_at: float | None = None
    """When to try again (a hint of the peer, or the end of the destination's pause); C{None}: as the schedule says."""
    site: str = ""
    """The destination: its name in logs and figures."""
    local: str = ""
    """Our address."""
    remote: str = ""
    """Their address and host."""
    tls: str = ""
    """Protocol and cipher; empty when the attempt went in clear."""
    transcript: tuple[str, ...] = ()
    """The dialogue without the content, a line each, C{C: } and C{S: } in front; no password."""
    peer_has_dsn: bool = False
    """Whether the next hop took over the DSN parameters (RFC 3461, 5.2.1)."""
