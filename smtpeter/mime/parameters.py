"""
Values with parameters, such as C{text/html; charset=utf-8} (RFC 2045, 5.1; RFC 2183; RFC 2231).

Tolerant: what is odd in it is read as most programs read it, or left out; nothing raises.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

_PLAIN = re.compile(r'\s*([^\s;()"]+)((?:\s*;\s*[^\s=;()*"]+=(?:[^\s;()"\\]+|"[^"\\]*"))*)\s*;?\s*')
_PLAIN_PARAMETER = re.compile(r';\s*([^\s=;]+)=(?:"([^"]*)"|([^\s;]+))')
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"?|(\()|([;])|(\s+)|([^\s;"(]+|.)', re.DOTALL)
_COMMENT_STEP = re.compile(r"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CHARSET = re.compile(r"utf-8|us-ascii|iso-8859-\d+|windows-\d+", re.IGNORECASE)
_SECTION = re.compile(r"([^*]+)(?:\*([0-9]{1,3}))?(\*?)")

_MAX_KEPT = 200
MAX_VALUE = 8192
"""Octets of a value; what comes after is left out."""


def parse_value(raw: bytes) -> tuple[str, dict[str, str]]:
    """
    Read a value and its parameters.

    @param raw: the value of a field, folded or not.
    @return: the value in lower case, and the parameters by name in lower case. Of two with one name the first counts.
        Split and encoded parameters (RFC 2231) are joined and decoded.
    """
    if len(raw) > _MAX_KEPT:
        return _parsed(raw[:MAX_VALUE])
    value, parameters = _kept(raw)
    return value, parameters.copy()


@lru_cache(maxsize=1024)
def _kept(raw: bytes) -> tuple[str, dict[str, str]]:
    """Most messages say the same few things."""
    return _parsed(raw)


def _parsed(raw: bytes) -> tuple[str, dict[str, str]]:
    text = raw.decode("utf-8", "replace")
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        parameters: dict[str, str] = {}
        for name, quoted, token in _PLAIN_PARAMETER.findall(plain[2]):
            parameters.setdefault(name.lower(), quoted or token)
        return plain[1].lower(), parameters
    value, *pieces = _split(text)
    pairs = [piece.partition("=") for piece in pieces]
    return value.strip().lower(), _joined([(name.strip().lower(), content) for name, _, content in pairs])


def _split(text: str) -> list[str]:
    """Cut at semicolons, without comments and white space, quotes undone."""
    pieces = [""]
    position, is_after_space = 0, False
    while match := _TOKEN.match(text, position):
        quoted, comment, semicolon, space, other = match.groups()
        position = match.end()
        if comment:
            position = _comment_end(text, position)
        elif semicolon:
            pieces.append("")
        elif space is None and not (is_after_space and _has_value(pieces[-1])):
            pieces[-1] += _ESCAPE.sub(r"\1", quoted) if quoted is not None else other
        is_after_space = bool(space or comment)
    return pieces


def _has_value(piece: str) -> bool:
    """Whether it is C{name=value} already, so that more words are no part of it."""
    return "=" in piece and not piece.endswith("=")


def _comment_end(text: str, position: int) -> int:
    depth = 1
    for match in _COMMENT_STEP.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if not depth:
            return match.end()
    return len(text)


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """RFC 2231: C{name*0="a"; name*1*=b%20} are one parameter."""
    parameters: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, content in pairs:
        match = _SECTION.fullmatch(name)
        if match is None:
            continue
        if match[2] is None and not match[3]:
            parameters.setdefault(name, content)
        else:
            sections.setdefault(match[1], {}).setdefault(int(match[2] or 0), (content, bool(match[3])))
    for name, by_number in sections.items():
        parameters[name] = _decode_sections(by_number)
    return parameters


def _decode_sections(sections: dict[int, tuple[str, bool]]) -> str:
    charset, octets = "utf-8", b""
    for number in range(len(sections)):
        if number not in sections:
            break
        content, is_encoded = sections[number]
        if is_encoded and number == 0 and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        octets += unquote_to_bytes(content) if is_encoded else content.encode()
    if _CHARSET.fullmatch(charset) is None:
        charset = "utf-8"
    try:
        return octets.decode(charset, "replace")
    except (LookupError, UnicodeError):
        return octets.decode("utf-8", "replace")
