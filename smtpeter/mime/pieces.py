"""
Divides a content into pieces that other contents may share, and puts it together again (pure).

A piece is the body of a part without parts of its own, as it stands in the message: the attachment, or the HTML, that a
thousand submissions have in common, while header fields and boundaries differ. The hash is over the bytes as they are;
nothing is decoded, so whatever was accepted comes back byte for byte.

zlib at level 1: of 47 KB of newsletters it leaves a sixth in .4 ms; level 6 takes twice as long and leaves a seventh.
"""

import zlib
from hashlib import blake2b

from smtpeter.mime.document import Part
from smtpeter.mime.scanner import TooDeep, scan
from smtpeter.model.archive import Kept, Packed, Piece

PIECE_BYTES = 1024
"""A smaller body is not worth the rows that a piece takes."""

MAX_PIECES = 64
"""Of one content: the largest bodies."""

HASH_BYTES = 32

_LEVEL = 1
_LEAST_COMPRESSED = 128
_WORTH = 0.9
"""What compresses to more than this share stays plain."""


class Damaged(Exception):
    """The parts do not make up a content of that size."""


def pack(content: bytes) -> Packed:
    """Divide and compress. Whatever the bytes are, L{unpack} gives them back."""
    rest: list[bytes] = []
    places: list[tuple[int, Piece]] = []
    position = 0
    for start, end in _bodies(content):
        rest.append(content[position:start])
        places.append((start, _piece(content[start:end])))
        position = end
    rest.append(content[position:])
    return Packed(rest=_kept(b"".join(rest)), places=tuple(places))


def unpack(packed: Packed) -> bytes:
    """
    Put a content together.

    @raise Damaged: the parts are not those of a content.
    """
    rest = _opened(packed.rest)
    found: list[bytes] = []
    size = position = 0
    for offset, piece in packed.places:
        between = rest[position : position + offset - size]
        if offset < size or len(between) != offset - size:
            raise Damaged("a piece stands outside of its content")
        body = _opened(piece.kept)
        found += (between, body)
        position, size = position + len(between), offset + len(body)
    return b"".join((*found, rest[position:]))


def _bodies(content: bytes) -> list[tuple[int, int]]:
    """Where the bodies stand that become pieces, in order."""
    try:
        spans = [(part.body_start, part.end) for part in scan(content).walk() if _is_worth_it(part)]
    except TooDeep:
        return []
    return sorted(sorted(spans, key=lambda span: span[0] - span[1])[:MAX_PIECES])


def _is_worth_it(part: Part) -> bool:
    return not part.children and part.end - part.body_start >= PIECE_BYTES


def _piece(body: bytes) -> Piece:
    return Piece(hash=blake2b(body, digest_size=HASH_BYTES).digest(), kept=_kept(body))


def _kept(content: bytes) -> Kept:
    size = len(content)
    if size >= _LEAST_COMPRESSED:
        compressed = zlib.compress(content, _LEVEL)
        if len(compressed) <= size * _WORTH:
            return Kept(form="zlib", stored=compressed, size_bytes=size)
    return Kept(form="plain", stored=content, size_bytes=size)


def _opened(kept: Kept) -> bytes:
    try:
        content = zlib.decompress(kept.stored) if kept.form == "zlib" else kept.stored
    except zlib.error as error:
        raise Damaged(f"compressed bytes cannot be read: {error}") from None
    if len(content) != kept.size_bytes:
        raise Damaged(f"{len(content)} bytes instead of {kept.size_bytes}")
    return content
