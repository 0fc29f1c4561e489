"""The relaxed canonical forms of headers and bodies (RFC 6376, 3.4), in bulk."""

import re
from hashlib import sha256

_FIELD = re.compile(rb"((?!--)[!-9;-~]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_WHITE_SPACE = re.compile(rb"[ \t]+")


def relaxed_body(body: bytes) -> bytes:
    """
    A body as it is hashed: runs of white space are one space, none at line ends, no empty lines at the end.

    @param body: with CRLF line ends. The one at the very end may be missing: sending adds it.
    """
    if b"\t" in body:
        body = body.replace(b"\t", b" ")
    # Halving runs is several times faster than a regular expression on indented HTML.
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    if b" \r\n" in body:
        body = body.replace(b" \r\n", b"\r\n")
    if body.endswith(b" "):
        body = body[:-1]
    if body.endswith(b"\r\n") and not body.endswith(b"\n\r\n") and len(body) > 2:
        return body
    lines = body.rstrip(b"\r\n")
    return lines + b"\r\n" if lines else b""


def relaxed_body_hash(body: bytes) -> bytes:
    """SHA-256 over L{relaxed_body}."""
    return sha256(relaxed_body(body)).digest()


def read_fields(header_block: bytes) -> list[tuple[bytes, bytes]]:
    """The names in lower case and the values as written of all fields, in order."""
    fields: list[tuple[bytes, bytes]] = []
    position = 0
    while match := _FIELD.match(header_block, position):
        fields.append((match[1].lower(), match[2]))
        position = match.end()
    return fields


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """
    One field as it is hashed, without its line end.

    @param name: in lower case.
    @param value: as written.
    """
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return name + b":" + _WHITE_SPACE.sub(b" ", value).strip(b" \r\n")
