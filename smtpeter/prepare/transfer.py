"""
A part's body under its transfer encoding (RFC 2045, 6): decoded for reading, changed with as few bytes as possible.

Quoted-printable is changed in place. Base64 is written anew with lines of the same length. A body that is its own
content is spliced, unless that makes a line too long or a seven-bit body eight-bit: then it becomes quoted-printable.
"""

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64

from attrs import field, frozen

from smtpeter.mime.document import IDENTITY_ENCODINGS
from smtpeter.mime.wire import has_bare_newline, has_long_line, normalise_newlines
from smtpeter.prepare.quoted import Malformed, Quoted, read_quoted, splice_quoted, write_quoted
from smtpeter.prepare.splices import Piece, Splice, joined, spliced
from smtpeter.tracking.seal import SEAL_CHARACTERS

_SPACE = b"\t\r\n "
STAND_IN = b"A" * SEAL_CHARACTERS
_MAX_BASE64_LINE = 76


class Undecodable(Exception):
    """The body is not in the encoding that it claims."""


@frozen(kw_only=True)
class Base64Lines:
    """
    Pieces that are encoded together, once they are known.

    @ivar length: of a line, in characters.
    @ivar end: what follows the last line.
    """

    pieces: tuple[Piece, ...]
    length: int
    end: bytes

    def write(self, message: bytes) -> bytes:
        """The lines for one message."""
        return encode_base64(write_pieces(self.pieces, message), self.length) + self.end


Segment = bytes | Piece | Base64Lines


@frozen(kw_only=True)
class Body:
    """A body as it stands in the message, and what it says."""

    encoding: str
    encoded: bytes = field(repr=False)
    decoded: bytes = field(repr=False)
    quoted: Quoted | None = field(default=None, repr=False)


def read_body(encoded: bytes, encoding: str) -> Body:
    """
    Decode a body.

    @param encoding: in lower case; empty when not given.
    @raise Undecodable: it cannot be told what it says.
    """
    if encoding in IDENTITY_ENCODINGS:
        return Body(encoding=encoding, encoded=encoded, decoded=encoded)
    if encoding == "base64":
        return Body(encoding=encoding, encoded=encoded, decoded=_decode_base64(encoded))
    try:
        quoted = read_quoted(encoded)
    except Malformed:
        raise Undecodable("its quoted-printable encoding is broken") from None
    return Body(encoding=encoding, encoded=encoded, decoded=quoted.decoded, quoted=quoted)


def _decode_base64(encoded: bytes) -> bytes:
    try:
        decoded = a2b_base64(encoded)
    except BinasciiError:
        raise Undecodable("its base64 encoding is broken") from None
    if b2a_base64(decoded, newline=False).rstrip(b"=") != encoded.translate(None, _SPACE).rstrip(b"="):
        raise Undecodable("its base64 encoding is broken")
    return decoded


def change_body(body: Body, ordered: list[Splice]) -> tuple[list[Segment], str | None]:
    """
    Do what was asked for.

    @param ordered: changes of the decoded body, sorted and without overlaps.
    @return: the body as segments, and the name of its new transfer encoding if that is another.
    """
    if body.quoted is not None:
        return list(joined(splice_quoted(body.quoted, ordered))), None
    pieces = joined(_with_whole_line_ends(spliced(body.decoded, ordered)))
    if body.encoding == "base64":
        length = _line_length(body.encoded)
        end = b"\r\n" if body.encoded.endswith(b"\n") else b""
        return [Base64Lines(pieces=tuple(pieces), length=length, end=end)], None
    sample = write_pieces(pieces, None)
    if has_long_line(sample) or (body.decoded.isascii() and not sample.isascii()):
        return list(joined(write_quoted(pieces))), "quoted-printable"
    return list(pieces), None


def _with_whole_line_ends(pieces: list[Piece]) -> list[Piece]:
    """No piece has a bare CR or LF. They are looked at together, kept apart by what is neither."""
    fixed = [piece for piece in pieces if isinstance(piece, bytes)]
    joined = b"\0".join(fixed)
    if not has_bare_newline(joined):
        return pieces
    whole = normalise_newlines(joined).split(b"\0")
    if len(whole) != len(fixed):
        whole = [normalise_newlines(piece) for piece in fixed]
    following = iter(whole)
    return [next(following) if isinstance(piece, bytes) else piece for piece in pieces]


def write_pieces(pieces: list[Piece] | tuple[Piece, ...], message: bytes | None) -> bytes:
    """Join pieces for a message, by its bytes; C{None}: for any, of the same length."""
    return b"".join(
        [
            piece if isinstance(piece, bytes) else (STAND_IN if message is None else piece.write(message))
            for piece in pieces
        ]
    )


def encode_base64(raw: bytes, length: int) -> bytes:
    """Lines of C{length} characters between CRLFs; none behind the last."""
    encoded = b2a_base64(raw, newline=False)
    return b"\r\n".join([encoded[start : start + length] for start in range(0, len(encoded), length)])


def _line_length(encoded: bytes) -> int:
    """The length of its first line, which all others have that are written by a program."""
    first = re.match(rb"\s*([^\s]*)", encoded)
    length = len(first[1]) if first else 0
    return length if 4 <= length <= _MAX_BASE64_LINE and length % 4 == 0 else _MAX_BASE64_LINE
