"""What would be sent, shown to the sender."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class Signature:
    """Where the key of a DKIM signature is found (RFC 6376, 3.6.2.1): C{<selector>._domainkey.<domain>}."""

    domain: str
    selector: str


@frozen(kw_only=True)
class Preview:
    """A message as one recipient would get it."""

    recipient: str
    reverse_path: str
    """What MAIL FROM would say."""
    content: bytes = field(repr=False)
    """All of it, signed; CRLF line ends."""
    html: str | None = field(repr=False)
    """The HTML that a reader would see; C{None} without one."""
    links: Mapping[str, str] = field(repr=False)
    """Where links lead: what stands in the HTML, to the address that a reader gets to. Only links through us."""
    signature: Signature | None
    """C{None} when it would go unsigned."""
    warnings: tuple[str, ...]
    """In words for the sender."""
