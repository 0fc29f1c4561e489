"""What the API asks of whoever has threads."""

from collections.abc import Callable
from typing import Protocol, TypeVar

A = TypeVar("A")
T = TypeVar("T")

SMALL_BYTES = 65_536
"""Bodies up to this size are read at once; larger ones in a thread."""


class Threads(Protocol):
    """Runs what would keep the reactor waiting."""

    async def run(self, function: Callable[[A], T], argument: A, /) -> T:
        """Call a function in a thread, and give what it gives or raise what it raises."""
