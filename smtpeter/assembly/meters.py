"""What is counted of a server, and where its states are read. Without a listener for metrics nothing is."""

import time

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from smtpeter.boundaries.metrics import Measure, Tally, uncounted, unmeasured
from smtpeter.boundaries.prepare import Inliner
from smtpeter.model.message import State
from smtpeter.prepare.makers import Making
from smtpeter.prepare.measuring import MeasuredInliner, MeasuredMaking
from smtpeter.storage.lanes import MakeLane, ThreadLane
from smtpeter.storage.measuring import MeasuredLanes
from smtpeter.web.figures import SIZES, Figures

_OUTCOMES = ("deferred", *(state.value for state in State if state not in (State.QUEUED, State.HELD)))
_KINDS = ("click", "open", "unsubscribe", "image", "not_found")


@frozen(kw_only=True)
class Meters:
    """What the parts are given."""

    connected: Tally = uncounted
    refused: Tally = uncounted
    login_failed: Tally = uncounted
    accepted: Tally = uncounted
    accepted_bytes: Tally = uncounted
    settled: Tally = uncounted
    inlined: Measure = unmeasured
    made: Measure = unmeasured
    inlining_failed: Tally = uncounted
    worker_started: Tally = uncounted
    worker_killed: Tally = uncounted
    answered: Tally = uncounted
    make_lane: MakeLane = ThreadLane

    def inliner(self, inliner: Inliner, clock: IReactorTime) -> Inliner:
        """A CSS engine, measured if anything is."""
        if self.inlined is unmeasured:
            return inliner
        return MeasuredInliner(inliner, clock, self.inlined, self.inlining_failed)

    def making(self, making: Making, clock: IReactorTime) -> Making:
        """Makers for what has style sheets, measured if anything is."""
        if self.inlined is unmeasured:
            return making
        return MeasuredMaking(making, clock, self.inlined, self.inlining_failed)

    def plain_making(self, making: Making, clock: IReactorTime) -> Making:
        """Makers for what has no style sheets, measured if anything is."""
        return making if self.made is unmeasured else MeasuredMaking(making, clock, self.made, uncounted)


def meters_of(figures: Figures) -> Meters:
    """Everything is counted."""
    counter, histogram = figures.counter, figures.histogram
    sources = ("smtp", "rest")
    return Meters(
        connected=counter("smtp_connections_total", "SMTP connections that clients opened."),
        refused=counter("smtp_refusals_total", "Replies of 4xx and 5xx, by enhanced status code.", "code"),
        login_failed=counter("smtp_failed_logins_total", "AUTH with wrong credentials."),
        accepted=counter("accepted_messages_total", "Messages accepted, one for each recipient.", "source", sources),
        accepted_bytes=counter("accepted_bytes_total", "Bytes of the contents accepted.", "source", sources),
        settled=counter(
            "settled_messages_total", "Attempts and decisions recorded, by what became of it.", "outcome", _OUTCOMES
        ),
        inlined=histogram(
            "inlining_seconds", "Time until style sheets are inlined, or the whole message is made, waiting included."
        ),
        made=histogram("making_seconds", "Time until a message without style sheets is made, waiting included."),
        inlining_failed=counter("inlining_failures_total", "Messages that go on without inlined CSS.", "reason"),
        worker_started=counter("inlining_workers_started_total", "Worker processes that were started, of all kinds."),
        worker_killed=counter("inlining_workers_killed_total", "Those that were killed over a task without end."),
        answered=counter("tracking_requests_total", "Requests of readers, by what they asked for.", "kind", _KINDS),
        make_lane=MeasuredLanes(
            make_lane=ThreadLane,
            seconds=time.perf_counter,
            sizes=histogram("commit_operations", "Operations that share a commit of the database.", SIZES),
            times=histogram("commit_seconds", "Time of a transaction that writes, with its commit."),
        ),
    )
