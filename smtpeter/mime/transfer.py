"""Transfer encodings over whole bodies (RFC 2045, 6), with CRLF line ends and without a loop per line."""

import re
from binascii import Error, a2b_base64, a2b_qp, b2a_base64, b2a_qp

from smtpeter.mime.wire import has_bare_newline, normalise_newlines

_LINE = 76
_OVER_127 = re.compile(rb"[\x80-\xff]")


def encode_quoted_printable(body: bytes) -> bytes:
    """
    Text as quoted-printable in lines of at most 76 octets (RFC 2045, 6.7).

    CRLF line ends stay. With any other line end in it, all line ends are escaped.
    """
    encoded = b2a_qp(body, istext=not has_bare_newline(body))
    # binascii writes the line end that it sees first, and LF where it sees none.
    return normalise_newlines(encoded)


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


def escape_octets(body: bytes) -> bytes:
    """Quoted-printable in which octets over 127 stand, which are none: they become escapes."""
    return _OVER_127.sub(lambda match: b"=%02X" % match[0][0], body)
