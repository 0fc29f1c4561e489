"""What the queue gives the relay."""

from collections.abc import Awaitable, Callable

from attrs import field, frozen

from smtpeter.model.message import Recipient, Ret

Render = Callable[[bool], Awaitable[bytes]]
"""Gives the content as sent, CRLF line ends, dots not stuffed. C{True} asks for the seven-bit form (RFC 6152)."""


@frozen(kw_only=True, eq=False)
class Job:
    """One message, ready to be sent."""

    message_id: str
    account_id: int
    recipient: Recipient
    domain: str
    """What is looked up and routed: A-labels in lower case, or an address literal in brackets."""
    reverse_path: str
    """What MAIL FROM says: the bounce address, or the submitter's own; empty for a notice."""
    has_bounce_address: bool
    """With a bounce address of ours the next hop is always asked for NOTIFY=FAILURE."""
    ret: Ret | None
    envid: str | None
    needs_utf8: bool
    """Whether the next hop must have SMTPUTF8: an address or a header field is not ASCII."""
    is_eightbit: bool
    """Whether the content has octets over 127."""
    size_bytes: int
    """About how large the content is, for SIZE."""
    share_key: str | None
    """Jobs of one site with the same key have the same content and reverse-path, and may share a transaction."""
    attempts: int
    render: Render = field(repr=False)
