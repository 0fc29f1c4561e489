"""
Frames on the pipes between the server and its worker processes: four octets of length, then the content.

A request is a row of texts, each behind its length: the HTML and its style sheets. A reply is a JSON object behind its
length, with the fields of an L{InlineResult<smtpeter.boundaries.prepare.InlineResult>} or C{error}, a sentence; behind
it two rows of numbers: the elements, and for each the place of its attributes among C{kinds}, since what many elements
have alike is written once. A worker's first reply, when it is ready, is empty.
"""

import json
from array import array
from typing import Any

from attrs import define, field

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed

MAX_FRAME = 32 * 1024 * 1024
"""Octets; a longer frame is refused."""


class FrameTooLong(ValueError):
    """The other side announced a frame over L{MAX_FRAME}."""


@define(eq=False)
class FrameReader:
    """Cuts a stream into frames, however it is segmented."""

    _pieces: list[bytes] = field(init=False, factory=list)
    _held: int = field(init=False, default=0)
    _wanted: int = field(init=False, default=4)

    def feed(self, data: bytes) -> list[bytes]:
        """
        Take octets.

        @return: the frames that are complete now.
        @raise FrameTooLong: the stream is of no use any more.
        """
        self._pieces.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return []
        buffer = b"".join(self._pieces)
        frames, position = [], 0
        while (end := self._end(buffer, position)) <= len(buffer):
            frames.append(buffer[position + 4 : end])
            position = end
        rest = buffer[position:]
        self._pieces, self._held, self._wanted = [rest], len(rest), self._end(buffer, position) - position
        return frames

    def _end(self, buffer: bytes, position: int) -> int:
        """Where the frame at a position ends, or its length, when that is not whole yet."""
        length = buffer[position : position + 4]
        if len(length) < 4:
            return position + 4
        size = int.from_bytes(length)
        if size > MAX_FRAME:
            raise FrameTooLong(f"a frame of {size} octets")
        return position + 4 + size


def frame(content: bytes) -> bytes:
    """Put its length before it."""
    return _length(content) + content


def packed_request(request: InlineRequest) -> bytes:
    """A request as the content of a frame."""
    texts = [text.encode("utf-8", "surrogatepass") for text in (request.html, *request.style_sheets)]
    return b"".join([piece for text in texts for piece in (_length(text), text)])


def unpacked_request(content: bytes) -> InlineRequest:
    """
    The reverse.

    @raise ValueError: it is no request.
    """
    texts: list[str] = []
    position = 0
    while position < len(content):
        text, position = behind_length(content, position)
        texts.append(text.decode("utf-8", "surrogatepass"))
    if not texts:
        raise ValueError("no HTML")
    return InlineRequest(html=texts[0], style_sheets=tuple(texts[1:]))


def packed_result(result: InlineResult) -> bytes:
    """A result as the content of a frame."""
    places: dict[int, int] = {}
    kinds: list[dict[str, str]] = []
    indices: list[int] = []
    for values in result.attributes.values():
        place = places.setdefault(id(values), len(kinds))
        if place == len(kinds):
            kinds.append(values)
        indices.append(place)
    words = {"kinds": kinds, "remaining": result.remaining, "warnings": result.warnings}
    return packed_json(words) + array("I", result.attributes).tobytes() + array("I", indices).tobytes()


def packed_error(sentence: str) -> bytes:
    """A refusal as the content of a frame."""
    return packed_json({"error": sentence})


def unpacked_result(content: bytes) -> InlineResult:
    """
    The reverse of L{packed_result}.

    @raise InliningFailed: it is a refusal, or no reply at all.
    """
    try:
        words, position = behind_length(content, 0)
        values = json.loads(words)
        if "error" in values:
            raise InliningFailed(str(values["error"]))
        return InlineResult(
            attributes=_unpacked_attributes(values["kinds"], content[position:]),
            remaining=tuple(map(_text, values["remaining"])),
            warnings=tuple(map(_text, values["warnings"])),
        )
    except (ValueError, TypeError, LookupError, AttributeError) as reason:
        raise InliningFailed("The CSS engine gave an answer that cannot be read.") from reason


def _unpacked_attributes(kinds: list[dict[str, str]], rows: bytes) -> dict[int, dict[str, str]]:
    """
    What most elements share is read once: the server's thread does this.

    @param rows: of numbers.
    @raise ValueError: these are no two rows of one length.
    @raise TypeError: a kind is no kind.
    @raise IndexError: an index leads nowhere.
    """
    checked = [{name: _text(value) for name, value in kind.items()} for kind in kinds]
    numbers = array("I", rows)
    elements, indices = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    return dict(zip(elements, map(checked.__getitem__, indices), strict=True))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _length(content: bytes) -> bytes:
    return len(content).to_bytes(4)


def with_length(content: bytes) -> bytes:
    """Octets behind their number."""
    return _length(content) + content


def behind_length(content: bytes, position: int) -> tuple[bytes, int]:
    """
    What stands behind its length, and where it ends.

    @raise ValueError: it is not whole.
    """
    begin = position + 4
    end = begin + int.from_bytes(content[position:begin])
    if begin > len(content) or end > len(content):
        raise ValueError("cut off")
    return content[begin:end], end


def packed_json(values: Any) -> bytes:
    """Values as JSON, behind its length."""
    written = json.dumps(values, separators=(",", ":")).encode("ascii")
    return _length(written) + written
