"""Tells those who sent jobs to a site what came of them."""

from collections.abc import Sequence

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime

from smtpeter.model.outcome import Kind, Outcome, Reply
from smtpeter.relay.dialing import Unreachable
from smtpeter.relay.lines import Entry
from smtpeter.relay.outcomes import Scene, conclude, fail, refuse, release
from smtpeter.relay.reports import Reports
from smtpeter.relay.transaction import Result
from smtpeter.relay.verdicts import counts_against_site


@define(eq=False)
class Announcer:
    """Words the outcomes of one site's jobs."""

    _site: str
    _reports: Reports
    _clock: IReactorTime

    def failed(self, entries: Sequence[Entry], error: Unreachable, reply: Reply) -> None:
        """There is nowhere to send to."""
        scene = self._scene(error)
        self._reports.later(
            entries, lambda entry: fail(entry.job.message_id, error.stage, reply, scene, self._clock.seconds())
        )

    def paused(self, entries: Sequence[Entry], trouble: Unreachable, until: float) -> None:
        """The site is left alone until then; the messages are not at fault."""
        scene = self._scene(trouble)

        def word(entry: Entry) -> Outcome:
            what = (trouble.stage, trouble.reply, trouble.description)
            outcome = refuse(entry.job.message_id, *what, scene, self._clock.seconds())
            return evolve(outcome, is_shared=True, retry_at=until)

        self._reports.later(entries, word)

    def unprepared(self, entries: Sequence[Entry], why: str) -> None:
        """A fault of ours, so the message waits."""

        def word(entry: Entry) -> Outcome:
            scene = Scene(site=self._site)
            outcome = refuse(entry.job.message_id, "prepare", None, why, scene, self._clock.seconds())
            return evolve(outcome, reason="undefined")

        self._reports.later(entries, word)

    def released(self, entries: Sequence[Entry]) -> None:
        """They were not attempted."""
        self._reports.later(entries, lambda entry: release(entry.job.message_id, self._site, self._clock.seconds()))

    def concluded(
        self, entry: Entry, result: Result, scene: Scene, transcript: tuple[str, ...], paused_until: float
    ) -> None:
        """A transaction gave this result."""
        now = self._clock.seconds()

        def word(entry: Entry) -> Outcome:
            outcome = conclude(entry.job.message_id, result, scene, now, transcript)
            if outcome.kind is not Kind.DEFERRED or result.reply is None:
                return outcome
            if not counts_against_site(result.reply, result.stage):
                return outcome
            return evolve(outcome, is_shared=True, retry_at=max(paused_until, outcome.retry_at or 0.0))

        self._reports.later((entry,), word)

    def _scene(self, error: Unreachable) -> Scene:
        return Scene(site=self._site, remote=error.remote, opening=error.transcript)
