"""A content as the archive keeps it: pieces that other contents share, and the rest."""

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

Form = Literal["plain", "zlib"]


@frozen(kw_only=True)
class Kept:
    """Bytes in the form in which they are stored."""

    form: Form
    stored: bytes = field(repr=False)
    size_bytes: int
    """Of what they stand for."""


@frozen(kw_only=True)
class Piece:
    """Bytes that are stored once, however many contents have them."""

    hash: bytes
    """BLAKE2b of 256 bits over what they stand for."""
    kept: Kept


@frozen(kw_only=True)
class Packed:
    """A content in its parts."""

    rest: Kept
    """All that is in no piece, in order."""
    places: tuple[tuple[int, Piece], ...] = ()
    """Where each piece begins in the content, in order."""

    @property
    def size_bytes(self) -> int:
        """Of the content."""
        return self.rest.size_bytes + sum(piece.kept.size_bytes for _, piece in self.places)


@frozen(kw_only=True)
class SentEnvelope:
    """From whom and to whom a message went."""

    reverse_path: str
    """As injected, possibly empty."""
    recipient: str


@frozen(kw_only=True)
class Finished:
    """Contents that can be packed: no message of their submission will be sent any more."""

    contents: Mapping[str, bytes] = field(repr=False)
    """By submission."""
    next: str | None
    """Where to go on; C{None} at the end."""


@frozen(kw_only=True)
class Swept:
    """What a step of retention has removed."""

    removed: int
    next: str | None
    """Where to go on; C{None} at the end."""
