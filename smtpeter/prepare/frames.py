"""
Frames on the pipes between the server and its worker processes: four octets of length, then JSON.

A request is C{{"html": …, "style_sheets": […]}}; a reply has the fields of an
L{InlineResult<smtpeter.boundaries.prepare.InlineResult>}, or C{error}, a sentence. Attributes that many elements have
alike are written once (C{kinds}), with the elements and, for each, the place among these. A worker's first reply, when
it is ready, is C{{}}.
"""

import json
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
    return len(content).to_bytes(4) + content


def packed_request(request: InlineRequest) -> bytes:
    """A request as the content of a frame."""
    return _packed({"html": request.html, "style_sheets": request.style_sheets})


def unpacked_request(content: bytes) -> InlineRequest:
    """The reverse."""
    values = json.loads(content)
    return InlineRequest(html=values["html"], style_sheets=tuple(values["style_sheets"]))


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
    attributes = {"kinds": kinds, "elements": list(result.attributes), "indices": indices}
    return _packed({"attributes": attributes, "remaining": result.remaining, "warnings": result.warnings})


def packed_error(sentence: str) -> bytes:
    """A refusal as the content of a frame."""
    return _packed({"error": sentence})


def unpacked_result(content: bytes) -> InlineResult:
    """
    The reverse of L{packed_result}.

    @raise InliningFailed: it is a refusal, or no reply at all.
    """
    try:
        values = json.loads(content)
        if "error" in values:
            raise InliningFailed(str(values["error"]))
        return InlineResult(
            attributes=_unpacked_attributes(**values["attributes"]),
            remaining=tuple(values["remaining"]),
            warnings=tuple(values["warnings"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError) as reason:
        raise InliningFailed("The CSS engine gave an answer that cannot be read.") from reason


def _unpacked_attributes(
    kinds: list[dict[str, str]], elements: list[int], indices: list[int]
) -> dict[int, dict[str, str]]:
    """
    What most elements share is read once: the server's thread does this.

    @raise ValueError: the lists do not belong together.
    @raise IndexError: an index leads nowhere.
    """
    if not all(isinstance(element, int) for element in elements):
        raise ValueError("an element is no number")
    return dict(zip(elements, map(kinds.__getitem__, indices), strict=True))


def _packed(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii")
