"""
Reads JSON (RFC 8259) strictly and in bounds (pure).

The text is scanned once before it is parsed: nesting and the number of values are bounded, since a few megabytes of
brackets would become a gigabyte of lists. What the standard leaves open is refused: keys that are there twice, numbers
that are none, halves of characters. One slip is let pass, since clients were written after examples that have it: a
comma behind the last value of an object or an array.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

MAX_DEPTH = 32
MAX_VALUES = 400_000
"""Commas, brackets and texts together; 10 000 recipients with data of their own need a quarter."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_LAST_COMMA = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|(?<=["\]}\w]),(?=[ \t\r\n]*+[\]}])', re.DOTALL)
"""Texts too, so that what is in them is not looked at."""
_OPENING = frozenset(b"[{")
_CLOSING = frozenset(b"]}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


class WrongJSON(ValueError):
    """The text is no JSON that we take; the message is a sentence."""


def read_json(text: bytes) -> Any:
    """
    The value of a JSON text in UTF-8.

    @raise WrongJSON: it has none.
    """
    text = text.removeprefix(b"\xef\xbb\xbf")
    _check_bounds(text)
    try:
        value = _value(text)
    except UnicodeDecodeError:
        raise WrongJSON("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise WrongJSON(f"The body is not JSON: {error.msg} at {place}.") from None
    except WrongJSON:
        raise
    except ValueError:
        raise WrongJSON("The body has a number that is too long.") from None
    if _SURROGATE_ESCAPE.search(text):
        _check_texts(value)
    return value


def _value(text: bytes) -> Any:
    try:
        return _decode(text.decode("utf-8"))
    except json.JSONDecodeError:
        # A space in the place of a comma: whatever else is wrong is told where it stands.
        return _decode(_LAST_COMMA.sub(lambda match: match[1] or b" ", text).decode("utf-8"))


def _check_bounds(text: bytes) -> None:
    depth = 0
    for count, match in enumerate(_TOKEN.finditer(text)):
        first = text[match.start()]
        depth += (first in _OPENING) - (first in _CLOSING)
        if depth > MAX_DEPTH:
            raise WrongJSON(f"The body is nested more than {MAX_DEPTH} deep.")
        if count > MAX_VALUES:
            raise WrongJSON("The body has too many values.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise WrongJSON(f"The body has the key {json.dumps(twice)[:80]} twice in one object.")
    return found


def _no_number(word: str) -> NoReturn:
    raise WrongJSON(f"The body is not JSON: {word} is no number.")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number).decode


def _check_texts(value: Any) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if _SURROGATE.search(one):
                raise WrongJSON("The body has half of a character: a surrogate without its other half.")
        elif isinstance(one, dict | list):
            waiting += _inside(one)


def _inside(one: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return [*one, *one.values()] if isinstance(one, dict) else one
