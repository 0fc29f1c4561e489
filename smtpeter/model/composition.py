"""What a message is composed of: the values that a client gave, unchecked."""

from attrs import field, frozen

Addresses = str | tuple[str, ...]
"""One string, or several as in an array. Each may hold several addresses, with names, divided by commas."""


@frozen(kw_only=True)
class Attachment:
    """A file that is attached, or, with a content id, embedded."""

    data: bytes = field(repr=False)
    name: str = ""
    type: str = ""
    """The media type; when it is empty, the name tells."""
    cid: str = ""
    """The content id by which HTML refers to it, with or without angle brackets."""


@frozen(kw_only=True)
class Unsubscribe:
    """How a reader can leave a list (RFC 2369; RFC 8058 with C{is_oneclick})."""

    email: str = ""
    url: str = ""
    is_oneclick: bool = False


@frozen(kw_only=True)
class Composition:
    """All that a composed message says. Date and Message-ID are added to every message later."""

    sender: Addresses = ()
    """From: exactly one address."""
    to: Addresses = ()
    cc: Addresses = ()
    replyto: Addresses = ()
    subject: str | None = None
    text: str | None = field(default=None, repr=False)
    html: str | None = field(default=None, repr=False)
    attachments: tuple[Attachment, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()
    """Names, which begin with C{x-}, and values of more header fields, in order."""
    unsubscribe: Unsubscribe | None = None
