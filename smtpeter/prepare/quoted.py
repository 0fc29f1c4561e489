"""
Quoted-printable (RFC 2045, 6.7) that is changed in place: what is replaced is encoded anew, all else keeps its bytes.
"""

import re
from array import array
from binascii import a2b_qp
from bisect import bisect_right
from itertools import pairwise

from attrs import define, field, frozen

from smtpeter.mime.wire import normalise_newlines
from smtpeter.prepare.splices import Piece, Splice
from smtpeter.tracking.seal import SEAL_CHARACTERS

MAX_LINE = 76
"""Characters in a line, the C{=} of a soft line break among them."""

_ESCAPE = re.compile(rb"=(?:[0-9A-Fa-f]{2}|\r?\n)")
_UNSAFE = re.compile(rb"[^\t\r\n -~]|=|[ \t](?=\r\n|\Z)")
_BEHIND_BREAK = re.compile(rb"[-.]|From ")
_LF = 10
_WINDOW = 1000
_FAR = 1 << 30


class Malformed(Exception):
    """The bytes are not quoted-printable; readers differ about what they say."""


@frozen(kw_only=True)
class Quoted:
    """An encoded body, what it says, and where each byte of that stands."""

    encoded: bytes = field(repr=False)
    decoded: bytes = field(repr=False)
    _ends: "array[int]" = field(repr=False)
    _shifts: "array[int]" = field(repr=False)

    def offset(self, decoded_offset: int) -> int:
        """Where a byte of the decoded body stands in the encoded one: behind soft line breaks in front of it."""
        return decoded_offset + self._shifts[bisect_right(self._ends, decoded_offset)]


def read_quoted(encoded: bytes) -> Quoted:
    """
    Decode.

    @raise Malformed: a C{=} begins no escape.
    """
    ends, shifts, shift = array("L"), array("L", (0,)), 0
    for found in _ESCAPE.finditer(encoded):
        end = found.end()
        shift += end - found.start() - (encoded[end - 1] != _LF)
        ends.append(end - shift)
        shifts.append(shift)
    if len(ends) != encoded.count(b"="):
        raise Malformed
    return Quoted(encoded=encoded, decoded=a2b_qp(encoded), ends=ends, shifts=shifts)


@define(eq=False)
class QuotedWriter:
    """
    Encodes pieces one behind the other, in lines of at most C{MAX_LINE}.

    @ivar column: how long the line is that is being written.
    """

    column: int = 0
    pieces: list[Piece] = field(factory=list)
    _escaped: dict[bytes, tuple[bytes, bool]] = field(factory=dict, init=False)

    def write(self, piece: Piece) -> None:
        """Encode a piece; a seal needs no encoding and is never divided. What is written often is escaped once."""
        if not isinstance(piece, bytes):
            self.make_room(SEAL_CHARACTERS)
            self.pieces.append(piece)
            self.column += SEAL_CHARACTERS
            return
        known = self._escaped.get(piece)
        if known is None:
            text = _UNSAFE.sub(_escape, normalise_newlines(piece))
            is_short = len(text) < MAX_LINE and b"\n" not in text and _BEHIND_BREAK.match(text) is None
            known = self._escaped[piece] = text, is_short
        text, is_short = known
        if is_short:
            self.make_room(len(text))
            self.pieces.append(text)
            self.column += len(text)
        else:
            self._write_text(text)

    def copy(self, encoded: bytes) -> None:
        """Append bytes that are encoded already."""
        self.pieces.append(encoded)
        self.column = line_length_before(encoded, len(encoded), self.column)

    def make_room(self, length: int) -> None:
        """Break the line if what comes next, of that length, would make it too long."""
        if self.column and self.column + length > MAX_LINE - 1:
            self.pieces.append(b"=\r\n")
            self.column = 0

    def _write_text(self, text: bytes) -> None:
        first = True
        for line in text.split(b"\r\n"):
            if not first:
                self.pieces.append(b"\r\n")
                self.column = 0
            first = False
            self._write_line(line)

    def _write_line(self, line: bytes) -> None:
        position = 0
        while len(line) - position + self.column > MAX_LINE - 1:
            cut = _cut(line, position, position + MAX_LINE - 1 - self.column)
            self.pieces.append(line[position:cut] + b"=\r\n")
            self.column, position = 0, cut
            found = _BEHIND_BREAK.match(line, position)
            if found is not None:
                self.pieces.append(_escape(found)[:3])
                self.column, position = 3, position + 1
        self.pieces.append(line[position:])
        self.column += len(line) - position


def _escape(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found.group()[0]


def _cut(line: bytes, start: int, cut: int) -> int:
    """The last place up to C{cut} that is not inside an escape."""
    for back in (1, 2):
        if cut - back >= start and line[cut - back : cut - back + 1] == b"=":
            return cut - back
    return max(cut, start)


def line_length_before(encoded: bytes, offset: int, before: int = 0) -> int:
    """How long the line is up to C{offset}, with C{before} in front of the first line; not measured when very long."""
    found = encoded.rfind(b"\n", max(0, offset - _WINDOW), offset)
    if found >= 0:
        return offset - found - 1
    return before + offset if offset <= _WINDOW else _FAR


def line_length_after(encoded: bytes, offset: int, end: int) -> int:
    """How long the line goes on, up to C{end} at most."""
    found = encoded.find(b"\n", offset, min(end, offset + _WINDOW))
    if found < 0:
        return min(end - offset, _WINDOW)
    return found - offset - (encoded[found - 1 : found] == b"\r")


def splice_quoted(quoted: Quoted, ordered: list[Splice]) -> list[Piece]:
    """
    The encoded body with its changes.

    @param ordered: of the decoded body, sorted and without overlaps.
    """
    encoded, writer, position = quoted.encoded, QuotedWriter(), 0
    starts = [*[quoted.offset(start) for start, _, _ in ordered], len(encoded)]
    for (begin, end, instead), (start, following) in zip(ordered, pairwise(starts), strict=True):
        writer.copy(encoded[position:start])
        for piece in instead:
            writer.write(piece)
        position = start if begin == end else max(start, quoted.offset(end))
        rest = line_length_after(encoded, position, following)
        writer.make_room(rest if rest and following != len(encoded) else max(rest - 1, 0))
    writer.copy(encoded[position:])
    return writer.pieces


def write_quoted(pieces: list[Piece]) -> list[Piece]:
    """Encode a whole body. White space in front of a seal may end a piece; it is escaped, which is always right."""
    writer = QuotedWriter()
    for piece in pieces:
        writer.write(piece)
    return writer.pieces
