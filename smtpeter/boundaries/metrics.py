"""
Where a stage tells what happens, for figures: plain callables that cost next to nothing.

They are called in the reactor's thread. A stage takes them as optional collaborators; by default nothing is counted.
"""

from typing import Protocol


class Tally(Protocol):
    """Counts."""

    def __call__(self, label: str = "", amount: float = 1) -> None:
        """
        Count something.

        @param label: of what kind; one of a few.
        """


class Measure(Protocol):
    """Takes single measurements."""

    def __call__(self, value: float, /) -> None:
        """Take one."""


class QueueCounts(Protocol):
    """The queue in figures, cheaply."""

    async def by_domain(self, limit: int) -> tuple[dict[str, int], int]:
        """
        How many messages are queued.

        @param limit: of how many domains, those with the most.
        @return: by recipient domain, and in all.
        @raise StorageBusy: cannot be told now.
        """

    async def next_due(self) -> float | None:
        """
        Since when the message waits that is most overdue; C{None} when none waits.

        @return: POSIX seconds.
        @raise StorageBusy: cannot be told now.
        """


def uncounted(label: str = "", amount: float = 1) -> None:
    """Count nothing."""


def unmeasured(value: float, /) -> None:
    """Take no measurement."""
