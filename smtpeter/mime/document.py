"""
The parts of a message as offsets into its bytes (RFC 2045, RFC 2046): nothing is decoded, nothing is rebuilt.

Changes are spliced into the original bytes, so that all else survives as it was. Which parts there are is found by
L{smtpeter.mime.scanner}.
"""

from collections.abc import Iterable, Iterator, Sequence

from attrs import field, frozen

IDENTITY_ENCODINGS = frozenset(("", "7bit", "8bit", "binary"))
"""Transfer encodings under which the body is the content itself (RFC 2045, 6.2)."""

KNOWN_ENCODINGS = IDENTITY_ENCODINGS | {"quoted-printable", "base64"}


@frozen(kw_only=True)
class Part:
    """A part of a message, or the message itself."""

    start: int
    """Where its header fields start."""
    header_end: int
    """Behind its last field."""
    body_start: int
    end: int
    """Behind its body; the line end in front of a delimiter belongs to the delimiter."""
    content_type: str
    """Type and subtype in lower case; the default where none is given."""
    parameters: dict[str, str]
    """Of the content type, names in lower case."""
    encoding: str
    """The transfer encoding in lower case; empty when none is given."""
    encoding_span: tuple[int, int] | None = None
    """Where the Content-Transfer-Encoding field stands, line end included."""
    disposition: str = ""
    """In lower case: C{inline}, C{attachment}; empty when none is given."""
    filename: str = ""
    """Of the disposition, or the C{name} of the content type."""
    children: tuple["Part", ...] = field(default=(), repr=False)
    is_protected: bool = False
    """Whether it is signed or encrypted, or inside such a part: a change would break it."""
    is_attached: bool = False
    """Whether it is inside an attached message (C{message/rfc822})."""

    @property
    def charset(self) -> str:
        """As given, in lower case; empty when not given."""
        return self.parameters.get("charset", "").strip().lower()

    @property
    def is_multipart(self) -> bool:
        """Whether its type says that it has parts, found or not."""
        return self.content_type.startswith("multipart/")

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order of the message."""
        yield self
        for child in self.children:
            yield from child.walk()


def splice(content: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    """
    Replace slices of a content.

    @param edits: start, end and replacement, in any order; insertions at one place keep their order.
    @raise ValueError: two edits overlap, or one lies outside.
    """
    pieces: list[bytes] = []
    position = 0
    for start, end, replacement in sorted(edits, key=lambda edit: edit[:2]):
        if not position <= start <= end <= len(content):
            raise ValueError("edits overlap or lie outside")
        pieces += (content[position:start], replacement)
        position = end
    if not pieces:
        return content
    pieces.append(content[position:])
    return b"".join(pieces)


def editable_html_parts(document: Part) -> Sequence[Part]:
    """
    The HTML parts which a reader sees and which may be changed.

    Not files (attached, or with a file name), not parts of attached messages, nothing signed or encrypted, nothing in
    an unknown transfer encoding.
    """
    return [
        part
        for part in document.walk()
        if part.content_type == "text/html"
        and not part.is_protected
        and not part.is_attached
        and part.disposition in ("", "inline")
        and not part.filename
        and part.encoding in KNOWN_ENCODINGS
    ]
