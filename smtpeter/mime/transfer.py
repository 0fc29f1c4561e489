"""Transfer encodings over whole bodies (RFC 2045, 6), with CRLF line ends and without a loop per line."""

import re
from binascii import Error, a2b_base64, a2b_qp, b2a_base64, b2a_qp

from smtpeter.mime.wire import has_bare_newline, normalise_newlines

_LINE = 76
_PIECE = 1024 * 1024
"""Octets that are encoded at once: binascii lets no other thread run meanwhile."""
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_OVER_127 = re.compile(rb"[\x80-\xff]")


def encode_quoted_printable(body: bytes) -> bytes:
    """
    Text as quoted-printable in lines of at most 76 octets (RFC 2045, 6.7).

    CRLF line ends stay. With any other line end in it, all line ends are escaped.
    """
    is_text = not has_bare_newline(body)
    pieces: list[bytes] = []
    position = 0
    while position < len(body):
        end = body.rfind(b"\n", position, position + _PIECE) + 1 if is_text else 0
        end = end or min(position + _PIECE, len(body))
        if body[end - 1 : end + 1] == b"\r\n":
            end += 1
        is_cut = end < len(body) and not (is_text and body.startswith(b"\n", end - 1))
        pieces.append(_cut_quoted(body[position:end], is_text) if is_cut else _quoted(body[position:end], is_text))
        position = end
    return b"".join(pieces)


def _cut_quoted(piece: bytes, is_text: bool) -> bytes:
    """A piece whose last line goes on in the next one. The letter behind it makes binascii leave room for the C{=}."""
    encoded = _quoted(piece + b"A", is_text)[:-1]
    return encoded if encoded.endswith(b"\n") else encoded + b"=\r\n"


def _quoted(piece: bytes, is_text: bool) -> bytes:
    # binascii writes the line end that it sees first, and LF where it sees none.
    return normalise_newlines(b2a_qp(piece, istext=is_text))


def encode_base64(body: bytes) -> bytes:
    """Octets as base64 in lines of 76 (RFC 2045, 6.8), without a line end behind the last."""
    encoded = b2a_base64(body, newline=False)
    return b"\r\n".join([encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE)])


def decode_body(body: bytes, encoding: str) -> bytes:
    """
    Undo a transfer encoding.

    @param encoding: in lower case; one that is not known leaves the body as it is.
    @raise ValueError: the body is not in that encoding.
    """
    if encoding == "quoted-printable":
        return a2b_qp(body)
    if encoding == "base64":
        try:
            return a2b_base64(body)
        except Error as error:
            raise ValueError(f"not in base64: {error}") from None
    return body


def decode_leniently(body: bytes, encoding: str) -> bytes:
    """The same as L{decode_body}, and of broken base64 as much as there is."""
    try:
        return decode_body(body, encoding)
    except ValueError:
        letters = body.partition(b"=")[0].translate(None, _NOT_BASE64)
        whole = letters[: len(letters) - (len(letters) % 4 == 1)]
        return a2b_base64(whole + b"=" * (-len(whole) % 4))


def escape_octets(body: bytes) -> bytes:
    """Quoted-printable in which octets over 127 stand, which are none: they become escapes."""
    return _OVER_127.sub(lambda match: b"=%02X" % match[0][0], body)
