"""
Reads form data (C{application/x-www-form-urlencoded}) as the object that JSON would have (pure).

A key that is there several times is an array, and so is C{key[]}. C{key[0]} and C{key[name]}, which PHP makes of arrays
and objects, are an element and a member.
"""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from attrs import define, field

MAX_PAIRS = 100_000
MAX_DEPTH = 4

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


class WrongForm(ValueError):
    """The text is no form data that we take; the message is a sentence."""


@define(eq=False)
class _Node:
    """Values and members of a key, before it is known what it is."""

    values: list[str] = field(factory=list)
    members: dict[str, "_Node"] = field(factory=dict)

    def made(self) -> Any:
        if self.members and self.values:
            raise WrongForm("The body has a key that is a text and an object at once.")
        if not self.members:
            return self.values[0] if len(self.values) == 1 else self.values
        if all(not name or (name.isascii() and name.isdigit()) for name in self.members):
            return [one for name, node in self.members.items() for one in node.listed(name)]
        return {name: node.made() for name, node in self.members.items()}

    def listed(self, name: str) -> list[Any]:
        """What this is in its array: all values of C{[]}, one element for a number."""
        return list(self.values) if not name and not self.members else [self.made()]


def read_form(text: bytes) -> dict[str, Any]:
    """
    The object in form data.

    @raise WrongForm: there is none.
    """
    if text.count(b"&") >= MAX_PAIRS:
        raise WrongForm("The body has too many values.")
    root = _Node()
    for pair in filter(None, text.split(b"&")):
        key, _, value = pair.partition(b"=")
        _place(root, _decoded(key)).values.append(_decoded(value))
    return {name: node.made() for name, node in root.members.items()}


def _place(root: _Node, key: str) -> _Node:
    match = _KEY.fullmatch(key)
    if match is None:
        raise WrongForm(f"The body has the key {key[:80]!r}, which cannot be read.")
    parts = [match[1], *_PART.findall(match[2])]
    if len(parts) > MAX_DEPTH:
        raise WrongForm(f"The body is nested more than {MAX_DEPTH} deep.")
    node = root
    for part in parts:
        node = node.members.setdefault(part, _Node())
    return node


def _decoded(text: bytes) -> str:
    try:
        return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise WrongForm("The body is not UTF-8.") from None
