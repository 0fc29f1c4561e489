"""
A compiled message: the bytes that are the same for all its recipients, and between them the places for tokens.

Rendering is joining. A place always takes the same number of octets, so all renderings have one size.
"""

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from smtpeter.model.identity import ID_BYTES
from smtpeter.prepare.splices import Piece
from smtpeter.prepare.transfer import STAND_IN, Base64Lines, Segment
from smtpeter.tracking.seal import Seal

ANY_MESSAGE = bytes(ID_BYTES)
"""For a rendering for no message in particular: of the same size and kind as all others."""

Edit = tuple[int, int, Sequence[Segment]]
"""Instead of C{content[start:end]} come these segments."""


@frozen
class Tail:
    """
    The end of a content, not copied: a body that stays as it is takes no more memory than it did.

    @ivar start: where it begins.
    """

    content: bytes = field(repr=False)
    start: int

    def write(self, message: bytes) -> bytes:
        """The same for all messages."""
        return self.content[self.start :]


@frozen(kw_only=True)
class Recipe:
    """
    What a message consists of.

    @ivar header: the header block with the empty line that ends it.
    @ivar body: all that follows.
    """

    header: tuple[Segment, ...] = field(repr=False)
    body: tuple[Segment | Tail, ...] = field(repr=False)

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same for all messages."""
        return self.is_body_fixed and all(isinstance(segment, bytes) for segment in self.header)

    @property
    def is_body_fixed(self) -> bool:
        """Whether the body is the same for all messages."""
        return all(isinstance(segment, bytes | Tail) for segment in self.body)

    def measure(self) -> tuple[int, bool, bool]:
        """The size of any rendering, whether its header block is ASCII, and whether its body is."""
        header, body = _sample(self.header), _sample(self.body)
        return len(header) + len(body), header.isascii(), body.isascii()

    def write_header(self, message: bytes = ANY_MESSAGE) -> bytes:
        """
        The header block for one message, not signed.

        @param message: the id's bytes (L{smtpeter.tracking.tokens.raw_id}).
        """
        return _write(self.header, message)

    def write_body(self, message: bytes = ANY_MESSAGE) -> bytes:
        """The body for one message."""
        return _write(self.body, message)


def _write(segments: Iterable[Segment | Tail], message: bytes) -> bytes:
    return b"".join([segment if isinstance(segment, bytes) else segment.write(message) for segment in segments])


def _sample(segments: Iterable[Segment | Tail]) -> bytes:
    """What is like every rendering, without the MACs."""
    return b"".join(
        [STAND_IN if isinstance(segment, Seal) else _write((segment,), ANY_MESSAGE) for segment in segments]
    )


def make_recipe(header: Sequence[Piece], content: bytes, body_start: int, edits: Iterable[Edit]) -> Recipe:
    """
    Put a message together.

    @param header: its new header block.
    @param content: the original; what stands before C{body_start} is left out.
    @param edits: of the body, in order, not overlapping.
    """
    body: list[Segment] = []
    position = body_start
    for start, end, instead in edits:
        body.append(content[position:start])
        body.extend(instead)
        position = end
    if not body:
        return Recipe(header=_joined(header), body=(Tail(content, body_start),))
    body.append(content[position:])
    return Recipe(header=_joined(header), body=_joined(body))


def _joined(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Neighbouring bytes as one, and base64 that holds no token written once and for all."""
    result: list[Segment] = []
    waiting: list[bytes] = []
    for segment in segments:
        if isinstance(segment, Base64Lines) and all(isinstance(piece, bytes) for piece in segment.pieces):
            waiting.append(segment.write(b""))
        elif isinstance(segment, bytes):
            waiting.append(segment)
        else:
            result += [b"".join(waiting), segment]
            waiting = []
    return (*result, b"".join(waiting))
