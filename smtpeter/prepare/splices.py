"""Changes to an HTML document as replacements of slices of its original bytes, whoever asks for them."""

from collections.abc import Iterable

from attrs import frozen

from smtpeter.tracking.seal import Seal

Piece = bytes | Seal
"""Bytes that are the same for all messages, or what a seal writes for one."""


class Overlapping(Exception):
    """Two changes claim the same bytes, or bytes outside the document."""


@frozen(kw_only=True)
class Splice:
    """
    A replacement of C{html[start:end]}; an insertion when both are equal.

    @ivar pieces: what comes instead.
    """

    start: int
    end: int
    pieces: tuple[Piece, ...]


def in_order(splices: Iterable[Splice], size: int) -> list[Splice]:
    """
    Sort; insertions at one place keep their order.

    @param size: of the document.
    @raise Overlapping: they cannot all be done.
    """
    ordered = sorted(splices, key=lambda splice: (splice.start, splice.end))
    position = 0
    for splice in ordered:
        if not position <= splice.start <= splice.end <= size:
            raise Overlapping(splice.start)
        position = splice.end
    return ordered


def spliced(html: bytes, ordered: Iterable[Splice]) -> list[Piece]:
    """The document with its changes, as pieces; neighbouring bytes are not joined."""
    pieces: list[Piece] = []
    position = 0
    for splice in ordered:
        pieces.append(html[position : splice.start])
        pieces.extend(splice.pieces)
        position = splice.end
    pieces.append(html[position:])
    return pieces
