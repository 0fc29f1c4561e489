"""What intake asks of whoever has threads."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Threads(Protocol):
    """Runs what would keep the reactor waiting."""

    async def run(self, function: Callable[[bytes], Result], content: bytes, /) -> Result:
        """Call a function of a content in a thread, and give what it gives or raise what it raises."""
