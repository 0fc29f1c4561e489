"""Changes to an HTML document as replacements of slices of its original bytes, whoever asks for them."""

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple, cast

from smtpeter.tracking.seal import Seal

Piece = bytes | Seal
"""Bytes that are the same for all messages, or what a seal writes for one."""


class Overlapping(Exception):
    """Two changes claim the same bytes, or bytes outside the document."""


class Splice(NamedTuple):
    """
    A replacement of C{html[start:end]}; an insertion when both are equal. A tuple, since there are hundreds of them.

    @ivar pieces: what comes instead.
    """

    start: int
    end: int
    pieces: tuple[Piece, ...]


place_of = itemgetter(0, 1)
"""Where a splice is; what to sort by."""


def in_order(splices: Iterable[Splice], size: int) -> list[Splice]:
    """
    Sort; insertions at one place keep their order.

    @param size: of the document.
    @raise Overlapping: they cannot all be done.
    """
    ordered = sorted(splices, key=place_of)
    position = 0
    for start, end, _ in ordered:
        if not position <= start <= end <= size:
            raise Overlapping(start)
        position = end
    return ordered


def spliced(html: bytes, ordered: Iterable[Splice]) -> list[Piece]:
    """The document with its changes, as pieces; neighbouring bytes are not joined."""
    pieces: list[Piece] = []
    position = 0
    for start, end, instead in ordered:
        pieces.append(html[position:start])
        pieces += instead
        position = end
    pieces.append(html[position:])
    return pieces


def joined(pieces: list[Piece]) -> list[Piece]:
    """With neighbouring bytes as one."""
    result: list[Piece] = []
    position = 0
    for place in [place for place, piece in enumerate(pieces) if not isinstance(piece, bytes)]:
        result += (_join(pieces[position:place]), pieces[place])
        position = place + 1
    return [*result, _join(pieces[position:])]


def _join(pieces: list[Piece]) -> bytes:
    """Of bytes alone."""
    return b"".join(cast("list[bytes]", pieces))
