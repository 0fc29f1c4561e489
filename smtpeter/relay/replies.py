"""
Reads SMTP replies from a stream (RFC 5321, 4.2; enhanced codes: RFC 2034).

Every line, every reply and their number of lines have a limit, since the peer may be anybody. What is read is text
that can be logged and shown: control characters are replaced.
"""

import re

from attrs import define, field

from smtpeter.model.outcome import Reply

MAX_LINE = 2048
"""Octets in a line. RFC 5321, 4.5.3.1.5 allows 512; peers send more."""
MAX_REPLY = 65536
"""Octets in a reply."""
MAX_LINES = 100

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \t]+|$)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_KNOWN = 64


class BadReply(Exception):
    """The peer does not speak SMTP, or says too much; the message says what was wrong."""


@define(eq=False)
class ReplyReader:
    """Collects bytes and gives whole replies, however the stream is cut."""

    _buffer: bytes = b""
    _position: int = 0
    _lines: list[bytes] = field(factory=list)
    _size: int = 0
    # Most replies of a session are the same few lines again and again.
    _known: dict[bytes, Reply] = field(factory=dict)

    @property
    def has_more(self) -> bool:
        """Whether bytes are waiting, be it part of a reply or several."""
        return self._position < len(self._buffer) or bool(self._lines)

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer = data if self._position == len(self._buffer) else self._buffer[self._position :] + data
        self._position = 0

    def next(self) -> Reply | None:
        """
        The next whole reply; C{None} when it has not come yet.

        @raise BadReply: no reply can follow any more.
        """
        while True:
            end = self._buffer.find(b"\n", self._position)
            if end < 0:
                if len(self._buffer) - self._position > MAX_LINE:
                    raise BadReply("a reply line is too long")
                return None
            line = self._buffer[self._position : end].rstrip(b"\r")
            self._position = end + 1
            reply = self._take(line)
            if reply is not None:
                return reply

    def _take(self, line: bytes) -> Reply | None:
        if not self._lines and (known := self._known.get(line)) is not None:
            return known
        self._check(line)
        self._lines.append(line)
        if line[3:4] == b"-":
            return None
        reply = parse_reply(self._lines)
        if len(self._lines) == 1 and len(self._known) < _KNOWN:
            self._known[line] = reply
        self._lines, self._size = [], 0
        return reply

    def _check(self, line: bytes) -> None:
        self._size += len(line) + 2
        if len(line) > MAX_LINE:
            raise BadReply("a reply line is too long")
        if self._size > MAX_REPLY or len(self._lines) >= MAX_LINES:
            raise BadReply("a reply is too long")


def parse_reply(lines: list[bytes]) -> Reply:
    """
    Make a reply of its lines, without their line ends.

    @raise BadReply: a line has no code, or the codes differ.
    """
    matches = [_LINE.fullmatch(line) for line in lines]
    codes = {match[1] for match in matches if match}
    if len(codes) != 1 or None in matches:
        raise BadReply(f"not an SMTP reply: {clean_text(lines[-1])[:100]}")
    code = int(codes.pop())
    texts = [clean_text(match[3] or b"") for match in matches if match]
    enhanced = _leading_code(code, texts[0])
    if enhanced:
        texts = [text[len(enhanced) :].lstrip() if text.startswith(enhanced) else text for text in texts]
    return Reply(code=code, enhanced=enhanced, text="\n".join(texts))


def clean_text(raw: bytes) -> str:
    """Decode as UTF-8; what is none, and what controls a terminal or a reader's eye, is replaced."""
    return _CONTROL.sub(_replacement, raw.decode("utf-8", "replace"))


def _replacement(match: re.Match[str]) -> str:
    return " " if match[0] == "\t" else "\ufffd"


def _leading_code(code: int, text: str) -> str:
    """The enhanced code in front; one of another class than the reply's says nothing."""
    match = _ENHANCED.match(text)
    return match[1] if match and match[1][0] == str(code)[0] else ""
