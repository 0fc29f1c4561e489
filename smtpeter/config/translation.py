"""Puts what pydantic found into words for the person who wrote the file (pure)."""

from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smtpeter.config.document import known_keys
from smtpeter.config.faults import Fault, WrongValue

Place = tuple[int | str, ...]
"""Where pydantic found an error: section, key, perhaps an index."""

NOT_YET = {"tracking": {"geoip"}, "relay": {"shaping"}, "dns": {"listen"}}
"""Keys that are designed and that this version cannot honour: to take them silently would be a lie."""

_TYPES = {
    "string_type": ("is no text", 'write it in quotes: "…"'),
    "int_type": ("is no whole number", "write digits without quotes"),
    "float_type": ("is no number", "write digits without quotes"),
    "finite_number": ("is no finite number", "write digits without quotes"),
    "bool_type": ("is neither true nor false", "write true or false without quotes"),
    "list_type": ("is no list", "write it in brackets: [ … ]"),
}


_NAME = "stand-in.invalid"
_STAND_INS: dict[int | str, Any] = {
    "server": {"hostname": _NAME},
    "hostname": _NAME,
    "host": _NAME,
    "domain": _NAME,
    "listen": ["tcp:0"],
    "listen_tls": ["tcp:0"],
    "events_days": 36500,
    "images_days": 36500,
}


def translate(error: ValidationError) -> list[Fault]:
    """One fault for each thing that is wrong."""
    return [_fault(details) for details in error.errors()]


def without(table: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """
    A copy of the file's table that lacks what is wrong by itself. Where the default would lead to a fault which is not
    the file's, or where there is none, a value stands in that contradicts nothing.
    """
    rest = deepcopy(table)
    for details in error.errors():
        place = details["loc"]
        depth = 4 if place[:2] == ("relay", "route") else 2
        _replace(rest, place[:depth], details["type"] != "extra_forbidden")
    return rest


def _replace(table: Any, place: Place, is_known: bool) -> None:
    for part in place[:-1]:
        inside = isinstance(table, dict) or (isinstance(table, list) and isinstance(part, int))
        table = (table.get(part) if isinstance(table, dict) else table[part]) if inside else None
    last = place[-1]
    if isinstance(table, list) and isinstance(last, int):
        table[last] = {"host": _NAME, "domain": f"{last}.{_NAME}"}
    elif isinstance(table, dict):
        table.pop(last, None)
        if is_known and last in _STAND_INS:
            table[last] = _STAND_INS[last]


def _fault(details: ErrorDetails) -> Fault:
    section, key = _place(details["loc"])
    if details["type"] == "extra_forbidden":
        return _unknown(section, key)
    problem, remedy = _words(details, is_section=not key)
    return Fault(section=section, key=key, problem=problem, remedy=remedy)


def _place(loc: Place) -> tuple[str, str]:
    """The section and key of an error; lists count from one."""
    if loc[:2] == ("relay", "route"):
        section = "relay.route" + (f" {int(loc[2]) + 1}" if len(loc) > 2 else "")
        return section, " ".join(str(part) for part in loc[3:4])
    rest = [str(part + 1) if isinstance(part, int) else part for part in loc[1:]]
    return str(loc[0]), " ".join(rest)


def _unknown(section: str, key: str) -> Fault:
    keys = known_keys()
    place = section.partition(" ")[0]
    if place in NOT_YET and (not key or key in NOT_YET[place]):
        return Fault(section=section, key=key, problem="is not supported yet", remedy="remove it")
    if not key:
        return Fault(section=section, key="", problem="is no section", remedy=_meant(section, tuple(keys)))
    return Fault(section=section, key=key, problem="is no key of this section", remedy=_meant(key, keys[place]))


def _meant(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else "known are " + ", ".join(known)


def _words(details: ErrorDetails, is_section: bool) -> tuple[str, str]:
    kind, context = details["type"], details.get("ctx", {})
    wrong = context.get("error")
    if isinstance(wrong, WrongValue):
        shown = f"{_shown(details['input'])} " if wrong.is_shown else ""
        return f"{shown}{wrong.problem}", wrong.remedy
    if kind == "missing":
        return ("is missing", "add the section") if is_section else ("is missing", "add the key with its value")
    if kind in _TYPES:
        problem, remedy = _TYPES[kind]
        return f"{_shown(details['input'])} {problem}", remedy
    return f"{_shown(details['input'])} is not possible", _bounds(kind, context)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _bounds(kind: str, context: dict[str, Any]) -> str:
    if kind == "literal_error":
        return f"possible are {context['expected'].replace(chr(39), chr(34))}"
    if kind in ("greater_than_equal", "greater_than"):
        word = "at least" if kind == "greater_than_equal" else "more than"
        return f"it must be {word} {context.get('ge', context.get('gt'))}"
    if kind in ("less_than_equal", "less_than"):
        return f"it must be at most {context.get('le', context.get('lt'))}"
    return "write a table: [section], and keys below it"
