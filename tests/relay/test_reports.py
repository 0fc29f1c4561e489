"""Outcomes are told in bounded portions."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.outcome import Outcome
from smtpeter.relay.lines import Entry
from smtpeter.relay.outcomes import release
from smtpeter.relay.reports import PER_TURN, Reports
from tests.relay.support import make_job


class OneTurnClock(Clock):
    """Keeps what is asked for now until the next turn."""

    def turn(self) -> None:
        for call in list(self.calls):
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class ReportsTests(SynchronousTestCase):
    def test_portions(self) -> None:
        """Nothing is told inside the call; then so many a turn, in order."""
        clock, told = OneTurnClock(), list[Outcome]()
        reports = Reports(clock)
        entries = [Entry(make_job(number), told.append) for number in range(PER_TURN + 10)]
        reports.later(entries, lambda entry: release(entry.job.message_id, "site", 0))
        self.assertEqual(told, [])
        clock.turn()
        self.assertEqual((len(told), len(reports)), (PER_TURN, 10))
        clock.turn()
        self.assertEqual([one.message_id for one in told], [entry.job.message_id for entry in entries])

    def test_fault(self) -> None:
        """A listener's fault does not keep the others from hearing."""
        clock, told = OneTurnClock(), list[Outcome]()
        reports = Reports(clock)

        def broken(outcome: Outcome) -> None:
            raise RuntimeError("bug")

        entries = [Entry(make_job(1), broken), Entry(make_job(2), told.append)]
        reports.later(entries, lambda entry: release(entry.job.message_id, "site", 0))
        self.assertRaises(RuntimeError, clock.turn)
        clock.turn()
        self.assertEqual([one.message_id for one in told], ["m2"])
