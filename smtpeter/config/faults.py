"""What is wrong in a configuration: a fault has a place, a problem and a remedy."""

from collections.abc import Iterable

from attrs import frozen
from typing_extensions import override


class WrongValue(ValueError):
    """
    A value that cannot stay.

    @ivar problem: follows the key's name in a sentence: C{is no host name}.
    @ivar remedy: what to do about it.
    @ivar is_shown: whether the value may be repeated; not when it can hold a password.
    """

    def __init__(self, problem: str, remedy: str, is_shown: bool = True) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.is_shown = is_shown


@frozen(kw_only=True)
class Fault:
    """One thing that is wrong."""

    section: str
    """Such as C{relay} or C{relay.route 2}; empty when the file as a whole is meant."""
    key: str
    """Empty when the section as a whole is meant. C{listen 2} is the second of a list."""
    problem: str
    remedy: str

    @override
    def __str__(self) -> str:
        place = " ".join(part for part in (f"[{self.section}]" if self.section else "", self.key) if part)
        return f"{place} {self.problem}; {self.remedy}".lstrip()


class ConfigurationError(Exception):
    """
    The configuration cannot be used.

    @ivar faults: all of them, in the order of the file's sections.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
