"""Character references in the values of HTML attributes, read and written (HTML standard, 13.2.5.72 and following)."""

import re
from html.entities import html5

_REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));?|([A-Za-z][A-Za-z0-9]*+)(;|(?!=)))")
_SPECIAL = re.compile("[\"'<>` \t\n\f\r]")
_ENCODED = str.maketrans(
    {"&": "&amp;", '"': "&quot;", "'": "&#39;", "<": "&lt;", ">": "&gt;", "`": "&#96;"}
    | {space: f"&#{ord(space)};" for space in " \t\n\f\r"}
)
_MAX_DIGITS = 8
_REPLACEMENT = "\ufffd"


def decode_references(value: str) -> str:
    """
    The value that a browser sees.

    A name without its semicolon counts only when neither a letter, nor a digit, nor C{=} follows: so C{?a=1&copy=2}
    keeps its parameter.
    """
    if "&" not in value:
        return value
    if value.count("&") == value.count("&amp;"):
        return value.replace("&amp;", "&")
    return _REFERENCE.sub(_decode, value)


def _decode(found: re.Match[str]) -> str:
    hexadecimal, decimal, name, semicolon = found.groups()
    if name:
        return html5.get(name + semicolon, found.group())
    digits = (hexadecimal or decimal).lstrip("0")
    if len(digits) > _MAX_DIGITS:
        return _REPLACEMENT
    return _character(int(digits or "0", 16 if hexadecimal else 10))


def _character(code: int) -> str:
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return _REPLACEMENT
    if 0x80 <= code <= 0x9F:
        return bytes((code,)).decode("cp1252", "replace").replace(_REPLACEMENT, chr(code))
    return chr(code)


def encode_references(value: str) -> bytes:
    """An ASCII value as it can stand in an attribute, whatever its quotes."""
    if _SPECIAL.search(value):
        return value.translate(_ENCODED).encode("ascii")
    return value.replace("&", "&amp;").encode("ascii")
