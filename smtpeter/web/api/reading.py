"""Reads the properties of a body, and collects what is wrong with them so that it is told all at once (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from smtpeter.web.api.faults import Fault, bad_request

MAX_FAULTS = 100
"""With more of them something else is wrong."""

_FLAGS: Mapping[Any, bool] = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0", ""), False),
}


@define(eq=False)
class Reader:
    """
    One body.

    @ivar body: a property that is C{null} counts as absent.
    @ivar within: the place of the object that is read, with a dot; empty for a whole body.
    """

    body: Mapping[str, Any]
    faults: list[Fault] = field(factory=list)
    within: str = ""

    def fault(self, place: str, problem: str) -> None:
        """
        Remember that something is wrong.

        @param problem: it follows the place in a sentence: C{is no text}.
        """
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(f"{place} {problem}.", place))

    def check(self) -> None:
        """@raise APIError: 400, if anything is wrong."""
        if self.faults:
            raise bad_request(self.faults)

    def has(self, name: str) -> bool:
        """Whether a property is given."""
        return self.body.get(name) is not None

    def text(self, name: str) -> str | None:
        """A text; C{None} when it is not given or is none."""
        value = self.body.get(name)
        if value is None or isinstance(value, str):
            return value
        self.fault(self.within + name, f"is {kind(value)} where a text belongs")
        return None

    def texts(self, name: str) -> list[str]:
        """A text or an array of texts."""
        value = self.body.get(name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        found = []
        for place, one in enumerate(values):
            if isinstance(one, str):
                found.append(one)
            else:
                spot = f"{name}[{place}]" if isinstance(value, list) else name
                self.fault(self.within + spot, f"is {kind(one)} where a text belongs")
        return found

    def flag(self, *names: str) -> bool | None:
        """A yes or no, under the first of its names that is given; C{None} when none is."""
        given = [self._flag(name) for name in names if self.has(name)]
        return given[0] if given else None

    def _flag(self, name: str) -> bool | None:
        value = self.body[name]
        if isinstance(value, bool):
            return value
        known = _FLAGS.get(str(value).lower()) if isinstance(value, str | int) else None
        if known is None:
            self.fault(self.within + name, "is neither true nor false")
        return known

    def members(self, name: str) -> "Reader | None":
        """An object, to be read like a body; C{None} when it is not given or is none. PHP writes an empty one as []."""
        value = self.body.get(name)
        if value is None or value == []:
            return None
        if isinstance(value, dict):
            return Reader(value, self.faults, f"{self.within}{name}.")
        self.fault(self.within + name, f"is {kind(value)} where an object belongs")
        return None


def kind(value: object) -> str:
    """What a value is, in the words of JSON."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return "an array"
    return "null" if value is None else "a number"
