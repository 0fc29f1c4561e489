"""
Re-encodes what a hop cannot take: octets over 127 (RFC 6152), lines over 998 octets (RFC 5322, 2.1.1).

Only the parts concerned change. What cannot be re-encoded keeps its bytes: header fields with octets over 127 (those
need SMTPUTF8), signed and encrypted parts, multiparts that cannot be divided, transfer encodings that are not known.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from smtpeter.mime.document import IDENTITY_ENCODINGS, Part, splice
from smtpeter.mime.folding import shortened
from smtpeter.mime.headers import read_headers
from smtpeter.mime.scanner import scan
from smtpeter.mime.transfer import decode_body, encode_base64, encode_quoted_printable, escape_octets
from smtpeter.mime.wire import MAX_LINE, has_long_line, is_eightbit

_Edit = tuple[int, int, bytes]

_OVER_127 = re.compile(rb"[\x80-\xff]")
_LONG_PIECE = re.compile(rb"[^\n]{%d}(?=[^\r\n])" % MAX_LINE)
_WHITE_SPACE = b" \t\r\n"
_ALL_OVER_127 = bytes(range(0x80, 0x100))


def to_seven_bit(content: bytes) -> bytes:
    """
    The seven-bit form of a message, for a hop without 8BITMIME.

    Bodies with octets over 127 become quoted-printable (texts) or base64, also in attached messages. Such octets around
    the parts of a multipart become question marks. A signed or encrypted part stays as it is, as sendmail does it: RFC
    1847, 2.1 asks to sign seven-bit parts only, but who did otherwise shall have a signature that holds, which nearly
    every hop leaves whole.

    @return: the very object when there is nothing to do.
    @raise TooDeep: parts are nested deeper than intake allows.
    """
    if not is_eightbit(content):
        return content
    root = scan(content)
    declare = partial(_declare_seven_bit, tuple(_kept(content, root)))
    return splice(content, _edits(content, root, is_eightbit, _to_ascii, declare))


def reencode_long_lines(content: bytes) -> bytes:
    """
    The message with every line short enough for SMTP.

    Header fields are folded or encoded (L{smtpeter.mime.folding}). Signed and encrypted parts stay as they are.

    @return: the very object when there is nothing to do.
    @raise TooDeep: parts are nested deeper than intake allows.
    """
    if not has_long_line(content):
        return content
    return splice(content, _edits(content, scan(content), has_long_line, _broken_lines, _shorten_fields))


def _edits(
    content: bytes,
    root: Part,
    is_unfit: Callable[[bytes], bool],
    around: Callable[[bytes], bytes],
    headers: Callable[[bytes, Part], list[_Edit]],
) -> Iterator[_Edit]:
    """
    @param around: what becomes of unfit text before and behind the parts of a multipart.
    @param headers: what changes in the fields of a part, apart from a new encoding.
    """
    for part in root.walk():
        if part.is_protected:
            continue
        yield from headers(content, part)
        if part.children:
            yield from _edits_around(content, part, is_unfit, around)
        elif not part.is_multipart and is_unfit(content[part.body_start : part.end]):
            yield from _recode(content, part, root)


def _edits_around(
    content: bytes, part: Part, is_unfit: Callable[[bytes], bool], change: Callable[[bytes], bytes]
) -> Iterator[_Edit]:
    gaps = ((part.body_start, part.children[0].start), (part.children[-1].end, part.end))
    for start, end in gaps:
        if is_unfit(content[start:end]) and part.parameters.get("boundary", "").isascii():
            yield start, end, change(content[start:end])


def _recode(content: bytes, part: Part, root: Part) -> Iterator[_Edit]:
    """A body in an encoding that any hop takes."""
    body = content[part.body_start : part.end]
    if part.encoding in IDENTITY_ENCODINGS:
        is_text = part.content_type.startswith(("text/", "message/"))
        encoding = b"quoted-printable" if is_text else b"base64"
        yield part.body_start, part.end, encode_quoted_printable(body) if is_text else encode_base64(body)
        if part is root:
            yield from _declare_mime(content, part, body)
        yield _declare(part, encoding)
    elif part.encoding == "quoted-printable":
        escaped = escape_octets(body)
        if has_long_line(escaped):
            escaped = encode_quoted_printable(decode_body(escaped, "quoted-printable"))
        yield part.body_start, part.end, escaped
    elif part.encoding == "base64":
        yield part.body_start, part.end, _rewrapped(body)


def _rewrapped(body: bytes) -> bytes:
    """Base64 in lines of 76; what is no base64 is skipped by every reader."""
    letters = body.translate(None, _WHITE_SPACE + _ALL_OVER_127)
    lines = [letters[start : start + 76] for start in range(0, len(letters), 76)]
    return b"\r\n".join(lines) + (b"\r\n" if body.endswith(b"\n") else b"")


def _declare(part: Part, encoding: bytes) -> _Edit:
    """The field in its old place or behind the others, where it gets an empty line if none ends the fields."""
    line = b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    if part.encoding_span is not None:
        return (*part.encoding_span, line)
    separator = b"" if part.body_start > part.header_end else b"\r\n"
    return part.header_end, part.header_end, line + separator


def _declare_mime(content: bytes, root: Part, body: bytes) -> Iterator[_Edit]:
    """A message without MIME gets what makes its encoding be understood, behind its other fields."""
    headers = read_headers(content)
    if not headers.has("MIME-Version"):
        yield root.header_end, root.header_end, b"MIME-Version: 1.0\r\n"
    if not headers.has("Content-Type"):
        try:
            body.decode()
            charset = b"us-ascii" if body.isascii() else b"utf-8"
        except UnicodeDecodeError:
            charset = b"unknown-8bit"
        yield root.header_end, root.header_end, b"Content-Type: text/plain; charset=" + charset + b"\r\n"


def _to_ascii(text: bytes) -> bytes:
    return _OVER_127.sub(b"?", text)


def _kept(content: bytes, part: Part) -> Iterator[int]:
    """Where the signed and encrypted parts start that stay eight-bit."""
    if not part.is_protected:
        for child in part.children:
            yield from _kept(content, child)
    elif is_eightbit(content[part.start : part.end]):
        yield part.start


def _declare_seven_bit(kept: Sequence[int], content: bytes, part: Part) -> list[_Edit]:
    """What contains parts says as much as they do (RFC 2045, 6.4)."""
    if bisect_left(kept, part.start) < bisect_left(kept, part.end):
        return []
    if part.children and part.encoding in ("8bit", "binary") and part.encoding_span is not None:
        return [(*part.encoding_span, b"Content-Transfer-Encoding: 7bit\r\n")]
    return []


def _broken_lines(text: bytes) -> bytes:
    return _LONG_PIECE.sub(lambda match: match[0] + b"\r\n", text)


def _shorten_fields(content: bytes, part: Part) -> list[_Edit]:
    """A field that says the encoding, and may be replaced, is left."""
    if part.header_end - part.start <= MAX_LINE:
        return []
    edits: list[_Edit] = []
    for field in read_headers(content[part.start : part.header_end]).fields:
        start, end = part.start + field.start, part.start + field.end
        if end - start > MAX_LINE and field.key != "content-transfer-encoding" and has_long_line(content[start:end]):
            edits.append((start, end, shortened(field.name, content[start:end])))
    return edits
