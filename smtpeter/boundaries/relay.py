"""What the queue asks of the relay."""

from collections.abc import Callable
from typing import Protocol

from smtpeter.model.outcome import Outcome
from smtpeter.model.relay import Job


class Recorded(Protocol):
    """A C{Deferred} that fires when an outcome is recorded."""

    def addCallback(self, callback: Callable[[None], None]) -> object:
        """Call it then, or at once when that was already."""


Report = Callable[[Outcome], Recorded | None]
"""
Takes an outcome and says when it is recorded; C{None} when it is already, or need not be. Until then the relay sends no
further content over that connection, since a crash could make it send both twice.
"""


class Relay(Protocol):
    """Delivers. Each job is reported exactly once."""

    def send(self, job: Job, report: Report) -> None:
        """Queue a job at its destination and tell its outcome later, in the reactor's thread."""

    def retry_now(self, domain: str | None) -> None:
        """Forget pauses and failures of a recipient domain's destination, or of all."""

    async def drain(self) -> None:
        """
        Take no more work from the waiting lines: report their jobs as released, let open transactions end (for as long
        as the relay's settings allow), close kept connections.
        """
