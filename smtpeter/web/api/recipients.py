"""
Reads to whom a mail goes, in every spelling that clients use (pure).

C{recipient} and C{recipients} are the same: a pure address, several divided by commas, an array of either, an object
with addresses as names and personal data as values, or an array of such objects. Personal data is not there yet and
refused, so that nobody gets a mail with its place-holders; an object without any is an address like others.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from smtpeter.model.address import AddressError, parse_address
from smtpeter.web.api.reading import Reader, kind

MAX_RECIPIENTS = 10_000
"""Of one request: they are committed together."""

NO_DATA = "has data, and personalisation is not available yet"

_PIECE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+|"')
_SHOWN = 60


def read_recipients(reader: Reader) -> tuple[str, ...]:
    """All addresses, each once, in the order in which they were given. There is a fault when there are none."""
    found: dict[str, None] = {}
    for name in ("recipient", "recipients"):
        for place, text in _texts(reader, name, reader.body.get(name)):
            address = read_address(reader, place, text)
            if address is not None:
                found[address] = None
    if not found and not reader.faults:
        reader.fault("recipients", "is missing: say at least one address")
    if len(found) > MAX_RECIPIENTS:
        reader.fault("recipients", f"has more than {MAX_RECIPIENTS} addresses: divide them among several requests")
    return tuple(found)


def has_named(reader: Reader) -> bool:
    """Whether an address stands with its personal data, be it empty."""
    given = (reader.body.get(name) for name in ("recipient", "recipients"))
    return any(isinstance(one, dict) for value in given for one in (value if isinstance(value, list) else [value]))


def read_address(reader: Reader, place: str, text: str) -> str | None:
    """A pure address; C{None}, and a fault, when it is none."""
    try:
        return parse_address(text.strip())
    except AddressError as error:
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        reader.fault(place, f"cannot be used: {error}: {json.dumps(shown)}")
        return None


def _texts(reader: Reader, name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Single addresses with their places."""
    if value is None:
        return
    for number, one in enumerate(value if isinstance(value, list) else [value]):
        place = f"{name}[{number}]" if isinstance(value, list) else name
        if isinstance(one, str):
            yield from ((place, piece) for piece in _PIECE.findall(one) if piece.strip())
        elif isinstance(one, dict):
            yield from _named(reader, place, one)
        else:
            reader.fault(place, f"is {kind(one)} where an address belongs")


def _named(reader: Reader, place: str, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for address, data in value.items():
        if data not in ({}, [], None, ""):
            reader.fault(f"{place}[{json.dumps(address[:_SHOWN])}]", NO_DATA)
        yield place, address
