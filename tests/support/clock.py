"""Clocks that are wrong or run fast: libfaketime in the server, whose offset can be changed as it runs."""

from pathlib import Path

from attrs import define
from twisted.trial.unittest import SkipTest

from tests.support.installation import Installation

HOUR = 3600
YEAR = 365 * 24 * HOUR

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


def hurry(it: Installation, times: int) -> None:
    """
    Let all clocks of an installation's server run so many times faster, from its next start on.

    @raise SkipTest: there is no libfaketime.
    """
    it.environment = {**it.environment, "LD_PRELOAD": _library(), "FAKETIME": f"+0 x{times}"}


def _library() -> str:
    found = [str(path) for one in _LIBRARIES for path in Path("/").glob(one.lstrip("/"))]
    if not found:
        raise SkipTest("libfaketime is not installed")
    return found[0]


@define(eq=False)
class WrongClock:
    """The clock of one installation's server; that of its own commands and of the test stays right."""

    file: Path

    @classmethod
    def of(cls, it: Installation) -> "WrongClock":
        """
        Make the server see it, from its next start on.

        @raise SkipTest: there is no libfaketime.
        """
        library = _library()
        clock = cls(it.folder / "clock")
        clock.set(0)
        it.environment = {
            **it.environment,
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(clock.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        return clock

    def set(self, seconds: int) -> None:
        """From now on it is so many seconds ahead; behind, when negative."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.replace(self.file)
