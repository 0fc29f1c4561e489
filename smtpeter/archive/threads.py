"""What the archive asks of whoever has threads."""

from collections.abc import Callable, Mapping
from typing import Protocol

from smtpeter.model.archive import Packed


class Threads(Protocol):
    """Runs what would keep the reactor waiting."""

    async def run(
        self, function: Callable[[Mapping[str, bytes]], dict[str, Packed]], contents: Mapping[str, bytes], /
    ) -> dict[str, Packed]:
        """Call a function in a thread, and give what it gives or raise what it raises."""
