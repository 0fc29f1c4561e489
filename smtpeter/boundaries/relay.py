"""What the queue asks of the relay."""

from collections.abc import Callable
from typing import Protocol

from smtpeter.model.outcome import Outcome
from smtpeter.model.relay import Job


class Relay(Protocol):
    """Delivers. Each job is reported exactly once."""

    def send(self, job: Job, report: Callable[[Outcome], None]) -> None:
        """Queue a job at its destination and tell its outcome later, in the reactor's thread."""

    def retry_now(self, domain: str | None) -> None:
        """Forget pauses and failures of a recipient domain's destination, or of all."""

    async def drain(self) -> None:
        """
        Take no more work from the waiting lines: report their jobs as released, let open transactions end (for as long
        as the relay's settings allow), close kept connections.
        """
