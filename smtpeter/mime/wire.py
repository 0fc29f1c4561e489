"""
Whole contents between the wire and the store: line ends, dots, line lengths, in bulk.

A dot in front of a line is doubled on the wire and a lone dot ends the content (RFC 5321, 4.5.2). Everything here
works on a whole content at once: chunk by chunk, a line end that falls between two chunks gets lost. L{unstuffed} alone
goes by pieces, cut where that cannot happen.
"""

from collections.abc import Iterator
from io import IncrementalNewlineDecoder

MAX_LINE = 998
"""Octets in a line without its line end (RFC 5322, 2.1.1)."""

PIECE = 512 * 1024
"""Octets of which nothing here takes more than some milliseconds, whatever they are."""

TERMINATOR = b".\r\n"
"""What ends a stuffed content on the wire."""


def has_bare_newline(content: bytes) -> bool:
    """Whether a CR or an LF stands alone."""
    # The reader of text files notes which line ends it meets: one pass, a quarter of the time
    # of counting CRLF, CR and LF.
    ends = IncrementalNewlineDecoder(None, translate=False)
    ends.decode(content.decode("latin-1"), final=True)
    return ends.newlines not in (None, "\r\n")


def normalise_newlines(content: bytes) -> bytes:
    """Make every bare CR and every bare LF a CRLF; the very object when there is nothing to do."""
    if not has_bare_newline(content):
        return content
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def stuff_dots(content: bytes) -> bytes:
    """
    Make a content ready for DATA. L{TERMINATOR} is to follow.

    @param content: with CRLF line ends only: after a bare LF a dot would not be doubled, and some receivers take such
        a line for the end.
    @return: dots doubled, and with CRLF at its end unless it is empty.
    """
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return stuffed if not stuffed or stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def unstuffed(data: bytes, size: int = PIECE, has_dots: bool = True) -> Iterator[bytes]:
    """
    Undo L{stuff_dots} in pieces of about C{size} octets, each made when it is asked for. No piece ends between the CR
    and the LF of a line end, so line ends can be looked at piece by piece.

    @param data: as it came, up to and without L{TERMINATOR}.
    @param has_dots: whether a line may begin with a dot; it saves a search to know that none does.
    """
    start = 0
    while start < len(data):
        end = start + size
        if data[end - 1 : end + 1] == b"\r\n":
            end += 1
        piece = data[start:end]
        if has_dots:
            piece = piece.replace(b"\r\n.", b"\r\n")
            is_stuffed = data.startswith(b".", start) and (start == 0 or data.endswith(b"\r\n", 0, start))
            piece = piece[1:] if is_stuffed else piece
        yield piece
        start = end


def has_long_line(content: bytes, limit: int = MAX_LINE) -> bool:
    """
    Whether a line is longer than C{limit} octets.

    It jumps from the last line end within reach to the next, so that two steps pass at least C{limit} octets.
    """
    start, size = 0, len(content)
    while size - start > limit:
        end = content.rfind(b"\n", start, start + limit + 2)
        if end < 0:
            return True
        start = end + 1
    return False


def is_eightbit(content: bytes) -> bool:
    """Whether an octet is over 127."""
    return not content.isascii()
