"""
How much of the database's time work in the background takes (pure).

A step's duration holds the wait behind the mail that is being written, so it tells how busy the server is. The size of
the steps follows it, and the pause is a multiple of it: an idle server works off what is old quickly, a busy one is
asked for a twentieth of its time at most.
"""

from attrs import define

LEAST = 8
MOST = 512
"""Rows a step."""

WANTED_SECONDS = 0.03
"""How long a step should take: mail that is handed in meanwhile waits for it."""

SHARE = 0.05
SHORTEST_SECONDS = 0.02
LONGEST_SECONDS = 30.0


@define(eq=False)
class Pace:
    """Of one kind of work."""

    limit: int = 64
    """How many rows the next step may look at."""

    def pause_after(self, seconds: float) -> float:
        """
        Learn from a step.

        @param seconds: what it took.
        @return: how long to pause, in seconds.
        """
        if seconds > 2 * WANTED_SECONDS:
            self.limit = max(LEAST, self.limit // 2)
        elif seconds < WANTED_SECONDS / 2:
            self.limit = min(MOST, self.limit * 2)
        return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, seconds * (1 / SHARE - 1)))
