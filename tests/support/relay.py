"""A relay that delivers nothing: tests look at its jobs and say how each ends."""

from collections.abc import Callable

from attrs import define, evolve, field

from smtpeter.boundaries.relay import Recorded, Report
from smtpeter.model.outcome import Kind, Outcome, Reply
from smtpeter.model.relay import Job

Answer = Callable[[Job], Outcome | None]


def delivered(at: float = 0.0) -> Outcome:
    """An outcome of success."""
    return Outcome(
        message_id="",
        kind=Kind.DELIVERED,
        at=at,
        stage="message",
        reply=Reply(code=250, enhanced="2.0.0", text="Ok: queued as 4711"),
        site="mx.example.net",
        local="192.0.2.1",
        remote="198.51.100.7 mx.example.net",
        transcript=("C: MAIL FROM:<a@example.com>", "S: 250 Ok"),
    )


def deferred(at: float = 0.0, retry_at: float | None = None, is_shared: bool = False) -> Outcome:
    """An outcome of a failure for now."""
    return Outcome(
        message_id="",
        kind=Kind.DEFERRED,
        at=at,
        stage="rcpt",
        reply=Reply(code=450, enhanced="4.2.0", text="come back later"),
        retry_at=retry_at,
        is_shared=is_shared,
        site="mx.example.net",
    )


def failed(at: float = 0.0) -> Outcome:
    """An outcome of a failure for good."""
    return Outcome(
        message_id="",
        kind=Kind.FAILED,
        at=at,
        stage="rcpt",
        reply=Reply(code=550, enhanced="5.1.1", text="no such user"),
        reason="user_unknown",
        is_hard=True,
    )


def no_answer(job: Job) -> Outcome | None:
    """Leave the job open."""
    return None


@define(eq=False)
class FakeRelay:
    """
    Keeps jobs until a test ends them.

    @ivar now: the clock for outcomes.
    @ivar answer: ends a job as it comes; C{None} leaves it open.
    """

    now: Callable[[], float]
    answer: Answer = no_answer
    jobs: dict[str, Job] = field(factory=dict, init=False)
    """Open jobs by message id."""
    seen: list[str] = field(factory=list, init=False)
    """All message ids ever sent, in order."""
    forgotten: list[str | None] = field(factory=list, init=False)
    """What L{retry_now} was asked for."""
    is_drained: bool = field(default=False, init=False)
    recorded: list[Recorded] = field(factory=list, init=False)
    """What was given for the reports, where that was something."""
    _reports: dict[str, Report] = field(factory=dict, init=False)

    def send(self, job: Job, report: Report) -> None:
        """Take a job."""
        if job.message_id in self.jobs:
            raise AssertionError(f"{job.message_id} is sent twice at the same time")
        self.seen.append(job.message_id)
        self.jobs[job.message_id] = job
        self._reports[job.message_id] = report
        if self.is_drained:
            self.release(job.message_id)
            return
        outcome = self.answer(job)
        if outcome is not None:
            self.end(job.message_id, outcome)

    def end(self, message_id: str, outcome: Outcome) -> None:
        """Report a job's outcome; its id and, when it is zero, its time are filled in."""
        del self.jobs[message_id]
        report = self._reports.pop(message_id)
        recorded = report(evolve(outcome, message_id=message_id, at=outcome.at or self.now()))
        if recorded is not None:
            self.recorded.append(recorded)

    def end_all(self, outcome: Outcome) -> int:
        """End all open jobs alike; how many there were."""
        ids = list(self.jobs)
        for message_id in ids:
            self.end(message_id, outcome)
        return len(ids)

    def release(self, message_id: str) -> None:
        """Report a job as never attempted."""
        self.end(message_id, Outcome(message_id="", kind=Kind.RELEASED, at=0.0, stage="connect"))

    def retry_now(self, domain: str | None) -> None:
        """Note what is asked."""
        self.forgotten.append(domain)

    async def drain(self) -> None:
        """Release what is open, and what still comes."""
        self.is_drained = True
        for message_id in list(self.jobs):
            self.release(message_id)
