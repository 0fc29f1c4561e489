"""
Shortens header fields whose lines are over 998 octets (RFC 5322, 2.1.1).

Where a line has white space it is folded in front of it, which changes no value (2.2.3). Where it has none, what the
field means decides: lists and parameters are folded between their items, where white space says nothing (3.2.2); any
other field is text, and is written in encoded words (RFC 2047, 5). A field that neither helps is left.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from smtpeter.mime.wire import MAX_LINE, has_long_line
from smtpeter.mime.words import decode_text, write_field

_STRUCTURED = re.compile(
    r"(?:resent-)?(?:from|sender|reply-to|to|cc|bcc|message-id|date)|return-path|received|references|in-reply-to"
    r"|mime-version|mail-followup-to|disposition-notification-.*|return-receipt-to|errors-to|auto-submitted|feedback-id"
    r"|(?:content|list|arc|dkim|authentication|received|x-message|x-smtpeter)-.*"
)
"""Names of fields whose values have a grammar: there an encoded word would be no text."""

# Strings in quotes and what stands in angle brackets are passed whole. Possessive: nothing is tried twice.
_ITEM_END = re.compile(rb'"(?:[^"\\]|\\.)*+"?|<[^>]*+>(?=(<))|<[^>]*+>?|([,;])', re.DOTALL)


def shortened(name: str, field: bytes) -> bytes:
    """
    A field with short lines, if that can be done.

    @param name: as written.
    @param field: all of it, its line end included.
    """
    is_structured = _STRUCTURED.fullmatch(name.lower()) is not None
    folded = b"\n".join([_folded(line, is_structured) for line in field.split(b"\n")])
    if is_structured or not has_long_line(folded):
        return folded
    return write_field(name, decode_text(field.partition(b":")[2]))


def _folded(line: bytes, is_structured: bool) -> bytes:
    """A line with line ends in it as far as it is too long."""
    size = len(line.removesuffix(b"\r"))
    if size <= MAX_LINE:
        return line
    ends = [found.end() for found in _ITEM_END.finditer(line) if found.lastindex] if is_structured else []
    pieces: list[bytes] = []
    start = 0
    # A piece that begins behind an item gets a space in front.
    while size - start > MAX_LINE - 1:
        at = _place(line, start, size, ends)
        if at is None:
            break
        pieces.append(line[start:at] + (b"\r\n" if line[at] in b" \t" else b"\r\n "))
        start = at
    return b"".join([*pieces, line[start:]])


def _place(line: bytes, start: int, size: int, ends: Sequence[int]) -> int | None:
    """
    Where to fold what begins at C{start}: the last white space within reach, else behind the last item.

    No line of white space alone may come of it: some programs take that for the end of the fields.
    """
    stop = start + MAX_LINE - 1
    at = max(line.rfind(b" ", start + 1, stop + 1), line.rfind(b"\t", start + 1, stop + 1))
    is_behind_name = line[at - 1 : at] == b":" and size - at > MAX_LINE
    if at > 0 and not is_behind_name and line[start:at].strip() and line[at:].strip():
        return at
    index = bisect_right(ends, stop) - 1
    if index < 0 or ends[index] <= start or not line[ends[index] :].strip():
        return None
    return ends[index]
