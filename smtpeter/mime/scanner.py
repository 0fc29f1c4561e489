"""
Finds the parts of a message in one pass (RFC 2046, 5.1).

Only lines that begin with two hyphens are looked at, each once, against the boundaries of all open multiparts. So the
time is linear in the size, whatever the nesting. Broken MIME raises nothing: what cannot be divided has no children.
"""

import re

from attrs import define, field

from smtpeter.mime.document import IDENTITY_ENCODINGS, Part
from smtpeter.mime.headers import find_body, skip_mbox_line
from smtpeter.mime.parameters import parse_value

MAX_DEPTH = 100
MAX_PARTS = 10_000
"""A message of more parts is not divided at all."""

MAX_LINES = 1_000_000
"""Lines that begin with two hyphens; with more of them a message is not divided either."""

MAX_BOUNDARY = 250
"""Octets. RFC 2046 allows 70; some programs write more."""

_CONTENT_FIELD = re.compile(
    rb"^content-(type|transfer-encoding|disposition)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)
_TYPE = re.compile(r"[^\s/;()<>@,:\"\[\]?=]+/[^\s/;()<>@,:\"\[\]?=]+")
_FIRST_TOKEN = re.compile(rb"\s*([^\s;()]*)")
_PGP = b"\n-----BEGIN PGP "
_PGP_IN_BASE64 = b"LS0tLS1CRUdJTiBQR1"

_MESSAGES = frozenset(("message/rfc822", "message/global"))
_PROTECTING = frozenset(("multipart/signed", "multipart/encrypted"))
_SEALED = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"))


class TooDeep(Exception):
    """Parts are nested deeper than is allowed."""


def scan(content: bytes, max_depth: int = MAX_DEPTH) -> Part:
    """
    Find the parts of a message.

    @param content: with CRLF line ends.
    @param max_depth: how many containers (multiparts, attached messages) may stand inside one another.
    @raise TooDeep: there are more.
    """
    return _Scan(content=content, max_depth=max_depth).run()


@define(kw_only=True, eq=False)
class _Open:
    """A part whose end is not found yet."""

    start: int
    header_end: int
    body_start: int
    content_type: str
    parameters: dict[str, str] = field(factory=dict)
    encoding: str = ""
    encoding_span: tuple[int, int] | None = None
    disposition: str = ""
    filename: str = ""
    boundary: bytes = b""
    """What it is divided by; empty for one that is not."""
    is_protected: bool = False
    is_attached: bool = False
    children: list[Part] = field(factory=list)

    @property
    def is_message(self) -> bool:
        return self.content_type in _MESSAGES and self.encoding in IDENTITY_ENCODINGS


@define(eq=False)
class _Scan:
    """The pass over one content."""

    content: bytes = field(kw_only=True)
    max_depth: int = field(kw_only=True)
    _stack: list[_Open] = field(init=False, factory=list)
    _boundaries: dict[bytes, int] = field(init=False, factory=dict)
    """Boundaries of open multiparts, and where those stand in the stack."""
    _parts: int = field(init=False, default=0)

    def run(self) -> Part:
        content = self.content
        self._begin(skip_mbox_line(content))
        position, lines = max(self._stack[0].body_start - 2, 0), 0
        while self._boundaries and (position := content.find(b"\r\n--", position)) >= 0:
            line_end = content.find(b"\r\n", position + 4)
            line_end = len(content) if line_end < 0 else line_end
            if line_end - position <= MAX_BOUNDARY:
                self._read_line(position, content[position + 4 : line_end].rstrip(b" \t"), line_end)
            position, lines = line_end, lines + 1
            if self._parts > MAX_PARTS or lines > MAX_LINES:
                return self._undivided()
        self._close_down_to(0, len(content))
        return self._finished(self._stack[0], len(content))

    def _read_line(self, position: int, text: bytes, line_end: int) -> None:
        """A line that begins with two hyphens: perhaps it ends a part and begins the next."""
        index = self._boundaries.get(text)
        if index is not None:
            self._close_down_to(index, position)
            self._begin(min(line_end + 2, len(self.content)))
        elif text.endswith(b"--") and (index := self._boundaries.get(text[:-2])) is not None:
            self._close_down_to(index, position)
            del self._boundaries[text[:-2]]

    def _begin(self, start: int) -> None:
        """Open the part that starts here, and what an attached message in it consists of."""
        while True:
            part = self._read_part(start)
            self._parts += 1
            if part.boundary or part.is_message:
                if len(self._stack) >= self.max_depth:
                    raise TooDeep(f"parts are nested deeper than {self.max_depth} levels")
                if part.boundary:
                    self._boundaries[part.boundary] = len(self._stack)
            self._stack.append(part)
            if not part.is_message or part.boundary:
                return
            start = part.body_start

    def _read_part(self, start: int) -> _Open:
        header_end, body_start = find_body(self.content, start)
        parent = self._stack[-1] if self._stack else None
        is_digest = parent is not None and parent.content_type == "multipart/digest"
        part = _Open(
            start=start,
            header_end=header_end,
            body_start=body_start,
            content_type="message/rfc822" if is_digest else "text/plain",
        )
        self._read_fields(part)
        if part.content_type.startswith("multipart/") and part.encoding in IDENTITY_ENCODINGS:
            boundary = part.parameters.get("boundary", "").rstrip().encode()
            # A boundary that an outer multipart has already divides that one.
            if boundary not in self._boundaries and len(boundary) <= MAX_BOUNDARY:
                part.boundary = boundary
        if parent is not None:
            part.is_protected = parent.is_protected
            part.is_attached = parent.is_attached or parent.is_message
        part.is_protected = part.is_protected or part.content_type in _PROTECTING or part.content_type in _SEALED
        return part

    def _read_fields(self, part: _Open) -> None:
        """Of two fields with one name the first counts."""
        seen: set[bytes] = set()
        for match in _CONTENT_FIELD.finditer(self.content, part.start, part.header_end):
            name = match[1].lower()
            if name in seen:
                continue
            seen.add(name)
            if name == b"transfer-encoding":
                token = _FIRST_TOKEN.match(match[2])
                part.encoding = token[1].decode("latin-1").lower() if token else ""
                part.encoding_span = match.span()
                continue
            value, parameters = parse_value(match[2])
            if name == b"disposition":
                part.disposition = value
                part.filename = parameters.get("filename", "") or part.filename
            elif _TYPE.fullmatch(value):
                part.content_type, part.parameters = value, parameters
                part.filename = part.filename or parameters.get("name", "")

    def _close_down_to(self, index: int, position: int) -> None:
        """End every part above a place in the stack."""
        while len(self._stack) > index + 1:
            part = self._stack.pop()
            if self._boundaries.get(part.boundary) == len(self._stack):
                del self._boundaries[part.boundary]
            self._stack[-1].children.append(self._finished(part, position))

    def _finished(self, part: _Open, position: int) -> Part:
        end = max(position, part.body_start)
        return Part(
            start=part.start,
            header_end=part.header_end,
            body_start=part.body_start,
            end=end,
            content_type=part.content_type,
            parameters=part.parameters,
            encoding=part.encoding,
            encoding_span=part.encoding_span,
            disposition=part.disposition,
            filename=part.filename,
            children=tuple(part.children),
            is_protected=part.is_protected or self._is_pgp(part, end),
            is_attached=part.is_attached,
        )

    def _is_pgp(self, part: _Open, end: int) -> bool:
        """PGP inside a text, without a MIME type of its own (RFC 9580, 6.2)."""
        if not part.content_type.startswith("text/"):
            return False
        if part.encoding == "base64":
            return self.content.startswith(_PGP_IN_BASE64, part.body_start, end)
        starts = self.content.startswith(_PGP[1:], part.body_start, end)
        return starts or self.content.find(_PGP, part.body_start, end) >= 0

    def _undivided(self) -> Part:
        root = self._stack[0]
        root.children.clear()
        return self._finished(root, len(self.content))
