"""
A message's own header block: its fields as slices of the content (RFC 5322, 2.2 and 4.5).

The block ends at the first empty line, or where a line can be no field: what follows is body, even if it looks like
fields further down. An mbox line (C{From sender date}) in front is skipped. Whoever passes a message on writes an empty
line behind the block (L{HeaderBlock.rewritten}), so that nobody after us reads more fields than we did.

Names of fields are compared in lower case.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from attrs import field, frozen

REMEMBERED = 64
"""Blocks that are kept: a message is read when it is accepted and, a moment later, when it is prepared."""
REMEMBERED_BYTES = 16_384
"""Contents up to this size."""

# A name never begins with "--", so that no delimiter line of a multipart is taken for a field. White space before the
# colon is obsolete syntax and read. Possessive: nothing is tried twice.
_NAME = rb"(?!--)[!-9;-~]++"
_FIELD = re.compile(rb"(" + _NAME + rb")[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_FIELDS = re.compile(rb"(?:" + _NAME + rb"[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z))*+")
_SPLIT_FIELD = re.compile(rb"((" + _NAME + rb")[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z))")
_MBOX_LINE = re.compile(rb">?From [^\n]*+\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_COLON = ord(":")
_EMPTY_LINE = re.compile(rb"\r?\n")


@frozen
class Field:
    """One header field, where it stands in the content."""

    name: str
    """As written."""
    key: str
    """The name in lower case."""
    raw: bytes = field(repr=False)
    """The value as written: what follows the colon, folding included, without the last line end."""
    start: int
    end: int
    """Behind its last line end."""

    @property
    def value(self) -> bytes:
        """The value unfolded, white space around it removed."""
        return _FOLD.sub(b"", self.raw).strip()


@frozen(kw_only=True)
class HeaderBlock:
    """The fields of a message, in order, and where its body starts."""

    content: bytes = field(repr=False)
    fields: tuple[Field, ...]
    start: int
    """Where the first field starts: behind an mbox line."""
    end: int
    """Behind the last field."""
    body_start: int

    def named(self, name: str) -> tuple[Field, ...]:
        """All fields of a name, of whatever case."""
        key = name.lower()
        return tuple(field for field in self.fields if field.key == key)

    def first(self, name: str) -> Field | None:
        """The topmost field of a name."""
        key = name.lower()
        return next((field for field in self.fields if field.key == key), None)

    def has(self, name: str) -> bool:
        """Whether there is a field of that name."""
        return self.first(name) is not None

    @property
    def body(self) -> bytes:
        """What follows the block and its empty line (a copy)."""
        return self.content[self.body_start :]

    def rewritten(self, prepend: bytes = b"", is_dropped: Callable[[Field], bool] = lambda field: False) -> bytes:
        """
        The block with fields in front and without others.

        Every other field keeps its bytes, but for white space between name and colon: it is obsolete, and some programs
        (verifiers of DKIM too) take such a line for no field at all.

        @param prepend: whole fields, each with its line end.
        @return: the fields and the empty line that ends them.
        """
        pieces, kept_from = [prepend], self.start
        for each in self.fields:
            name_end = each.start + len(each.name)
            if is_dropped(each):
                pieces.append(self.content[kept_from : each.start])
                kept_from = each.end
            elif self.content[name_end] != _COLON:
                pieces.append(self.content[kept_from:name_end])
                kept_from = self.content.index(b":", name_end)
        pieces.append(self.content[kept_from : self.end])
        block = b"".join(pieces)
        return block + (b"\r\n" if not block or block.endswith(b"\n") else b"\r\n\r\n")


def read_headers(content: bytes, limit: int | None = None) -> HeaderBlock:
    """
    Find the fields of a message.

    @param content: with CRLF line ends.
    @param limit: read no further than this many octets; a block which reaches that far is longer than it seems.
    """
    if len(content) <= (REMEMBERED_BYTES if limit is None else min(limit, REMEMBERED_BYTES)):
        return _read_remembered(content)
    return _read(content, len(content) if limit is None else min(limit, len(content)))


@lru_cache(maxsize=REMEMBERED)
def _read_remembered(content: bytes) -> HeaderBlock:
    return _read(content, len(content))


def _read(content: bytes, stop: int) -> HeaderBlock:
    start = position = skip_mbox_line(content)
    match = _FIELDS.match(content, start, stop)
    end = start if match is None else match.end()
    fields: list[Field] = []
    # One call for all fields, without an object for each match, takes half the time.
    for whole, octets, raw in _SPLIT_FIELD.findall(content, start, end):
        name = octets.decode("ascii")
        field_end = position + len(whole)
        fields.append(Field(name, name.lower(), raw[:-1] if raw[-1:] == b"\r" else raw, position, field_end))
        position = field_end
    return HeaderBlock(
        content=content, fields=tuple(fields), start=start, end=end, body_start=_body_start(content, end)
    )


def find_body(content: bytes, start: int = 0) -> tuple[int, int]:
    """
    Where the fields which start at C{start} end, and where the body behind them starts.

    The same as L{read_headers} finds, without the fields; it serves the parts of a message too.
    """
    match = _FIELDS.match(content, start)
    end = start if match is None else match.end()
    return end, _body_start(content, end)


def skip_mbox_line(content: bytes) -> int:
    """Where the first field of a message is to be sought: behind an mbox line, if there is one."""
    if _FIELD.match(content) is not None:
        return 0
    match = _MBOX_LINE.match(content)
    return 0 if match is None else match.end()


def _body_start(content: bytes, end: int) -> int:
    match = _EMPTY_LINE.match(content, end)
    return end if match is None else match.end()
