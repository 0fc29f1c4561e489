"""
Bytes in, command lines and message bodies out (pure).

Both are cut from the raw buffer in bulk. Only CR LF ends a line and only CR LF C{.} CR LF ends a body, wherever the
stream was cut into segments; what is too long is swallowed with bounded memory.
"""

from typing import Protocol

from attrs import define, field

from smtpeter.smtpd.commands import is_http
from smtpeter.smtpd.replies import LINE_TOO_LONG, NOT_CRLF, NOT_HTTP, Rejected, Reply

MAX_LINE = 12_288
"""Octets with line end, the most that AUTH takes (RFC 4954, 4)."""

HEAD_OCTETS = 16
"""How much is kept of a line that is too long: enough to know the method of an HTTP request."""

_END = b"\r\n.\r\n"
_DOT = _END[:3]


class Room(Protocol):
    """The memory that all sessions share for bodies in reception."""

    def take(self, octets: int) -> bool:
        """Whether there is room for so many more; if so they are taken."""

    def give_back(self, octets: int) -> None:
        """They are free again."""


@define(eq=False)
class Input:
    """What was received and has not been looked at."""

    _buffer: bytes = b""
    _start: int = 0
    _is_skipping: bool = False
    _skipped_head: bytes = b""

    def __len__(self) -> int:
        """How many octets wait."""
        return len(self._buffer) - self._start

    def receive(self, octets: bytes) -> None:
        """Append."""
        self._buffer = self._buffer[self._start :] + octets if len(self) else octets
        self._start = 0

    def take_all(self) -> bytes:
        """Whatever waits, lines or not."""
        taken = self._buffer[self._start :] if self._start else self._buffer
        self._buffer, self._start = b"", 0
        return taken

    def take_line(self) -> bytes | None:
        """
        The next line without its CR LF; C{None} while there is no whole line.

        @raise Rejected: the line was too long or ended with a bare LF; it is gone, the next call takes the next. A
            request of HTTP is told as such, however long it is and however it ends.
        """
        end = self._buffer.find(b"\n", self._start)
        if end < 0:
            self._skip_if_long()
            return None
        line = self._buffer[self._start : end]
        self._start = end + 1
        if self._is_skipping or len(line) >= MAX_LINE:
            head = self._skipped_head or line
            self._is_skipping, self._skipped_head = False, b""
            raise Rejected(_verdict(head, LINE_TOO_LONG))
        if not line.endswith(b"\r"):
            raise Rejected(_verdict(line, NOT_CRLF))
        return line[:-1]

    def _skip_if_long(self) -> None:
        if self._is_skipping:
            self.take_all()
        elif len(self) >= MAX_LINE:
            self._is_skipping = True
            self._skipped_head = self.take_all()[:HEAD_OCTETS]


def _verdict(line: bytes, otherwise: Reply) -> Reply:
    return NOT_HTTP if is_http(line) else otherwise


@define(eq=False)
class Body:
    """
    One message as DATA brings it.

    @ivar octets: how many came so far, the end included.
    @ivar is_too_large: it went over C{limit} octets of content; only its end is still looked for.
    @ivar is_crowded_out: there was no room; only its end is still looked for.
    @ivar has_dots: whether a line before its end may begin with a dot.
    """

    _limit: int
    _room: Room
    octets: int = 0
    is_too_large: bool = False
    is_crowded_out: bool = False
    has_dots: bool = False
    # A body begins at the start of a line: the CR LF is that of the command DATA.
    _held: bytearray = field(factory=lambda: bytearray(b"\r\n"), repr=False)
    _taken: int = 0
    _stuffed: int = 0
    _counted: int = 0

    def receive(self, octets: bytes) -> bytes | None:
        """
        Take more.

        @return: what stood behind the end; C{None} while the end has not come.
        """
        search_from = max(0, len(self._held) - len(_END) + 1)
        self._held += octets
        end = self._find_end(search_from)
        rest = None
        if end >= 0:
            rest = bytes(memoryview(self._held)[end + len(_END) :])
            del self._held[end + len(_END) :]
        came = len(octets) - len(rest or b"")
        self.octets += came
        self._bound(came)
        return rest

    def _find_end(self, search_from: int) -> int:
        """The first line that begins with a dot nearly always is the end, so no other search is needed."""
        dot = self._held.find(_DOT, search_from)
        if dot < 0 or self._held.startswith(_END, dot):
            return dot
        self.has_dots = True
        return self._held.find(_END, dot)

    def take_content(self) -> bytes:
        """What came, dots still stuffed; to be called once, when the end has come and nothing was left out."""
        held, self._held = self._held, bytearray()
        return bytes(memoryview(held)[2 : -len(_END) + 2])

    def discard(self) -> None:
        """Hold nothing more."""
        self._room.give_back(self._taken)
        self._taken = 0
        self._held = bytearray()

    def _bound(self, octets: int) -> None:
        """Keep to the limits: from the first octet over them on, nothing is held but what may be part of the end."""
        if self.is_too_large or self.is_crowded_out:
            del self._held[: -len(_END) + 1]
        elif self._is_over_limit():
            self.is_too_large = True
            self._shed()
        elif self._room.take(octets):
            self._taken += octets
        else:
            self.is_crowded_out = True
            self._shed()

    def _shed(self) -> None:
        tail = self._held[-len(_END) + 1 :]
        self.discard()
        self._held = tail

    def _is_over_limit(self) -> bool:
        """Whether the content without stuffed dots is too large; dots are counted only when it depends on them."""
        size = len(self._held) - len(_END)
        if size <= self._limit:
            return False
        # The last five octets may be the end, whose dot is none of the content's.
        count_to = len(self._held) - 3
        self._stuffed += self._held.count(b"\r\n.", self._counted, count_to)
        self._counted = max(0, count_to - 2)
        return size - self._stuffed > self._limit
