"""What is wrong with a composition: every fault has the place of the value and says why it cannot stay."""

import json
import re
from collections.abc import Iterable

from attrs import define, field, frozen

MAX_FAULTS = 100
"""Faults that are told at once; with more of them something else is wrong."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HALF = re.compile(r"[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
_SHOWN = 60


@frozen
class Fault:
    """One thing that is wrong."""

    field: str
    """Where it stands in the request: C{subject}, C{to[1]}, C{attachments[0].name}, C{extra.x-campaign}."""
    message: str
    """A sentence for the person who wrote the request; it has no control characters."""


class NotComposable(ValueError):
    """
    No message can be composed of it.

    @ivar faults: all of them, at least one, in the order of the properties; at most L{MAX_FAULTS}.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(fault.message for fault in self.faults))


@define(eq=False)
class Faults:
    """Collects, so that all faults are told at once."""

    _found: list[Fault] = field(init=False, factory=list)

    def add(self, place: str, problem: str) -> None:
        """Remember a fault; C{problem} follows the place in a sentence: C{is longer than 255 characters}."""
        if len(self._found) < MAX_FAULTS:
            self._found.append(Fault(place, f"{place} {problem}"))

    def add_all(self, place: str, problems: Iterable[str]) -> None:
        """Remember several faults of one value."""
        for problem in problems:
            self.add(place, problem)

    def allows_line(self, place: str, text: str, most: int) -> bool:
        """
        Whether a text may stand on one line; if not, that is a fault.

        @param most: characters that it may have.
        """
        problem = line_problem(text, most)
        if problem:
            self.add(place, problem)
        return not problem

    def check(self) -> None:
        """@raise NotComposable: there was a fault."""
        if self._found:
            raise NotComposable(self._found)


def line_problem(text: str, most: int) -> str:
    """Why a text cannot stand on one line; empty when it can. Tabs can."""
    if len(text) > most:
        return f"is longer than {most} characters"
    match = _FORBIDDEN.search(text)
    if match is None:
        return ""
    kind = "half of a character" if _HALF.match(match[0]) else "a line end or another control character"
    return f"contains {kind} (U+{ord(match[0]):04X})"


def text_problem(text: str) -> str:
    """Why a text of many lines cannot be sent; empty when it can."""
    match = _HALF.search(text)
    return "" if match is None else f"contains half of a character (U+{ord(match[0]):04X})"


def member(place: str, key: str) -> str:
    """The place of a member of an object. What is odd in a key is escaped, what is long is cut."""
    if _PLAIN_KEY.fullmatch(key):
        return f"{place}.{key}"
    return f"{place}[{json.dumps(key[:_SHOWN])}]"


def shown(text: str) -> str:
    """A piece of what a client wrote, in quotes, as a message repeats it."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…"'
