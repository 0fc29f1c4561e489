"""
One connection in the service of its site's pool: renders what is given to it, sends it, tells what came of it.

The next content is rendered while the one ahead of it is sent, so that it can follow as soon as that one's result is
recorded.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from smtpeter.eager import begin
from smtpeter.model.outcome import Outcome
from smtpeter.relay.connection import Connection
from smtpeter.relay.envelope import Envelope
from smtpeter.relay.facts import Concluded, Ended, Fact, Returned
from smtpeter.relay.lines import Entry
from smtpeter.relay.outcomes import Scene
from smtpeter.relay.shaping import Limits


class LaneOwner(Protocol):
    """The pool, as its lanes see it."""

    def lane_concluded(self, lane: "Lane", entries: Sequence[Entry], concluded: Concluded) -> None:
        """A transaction is over."""

    def lane_returned(self, lane: "Lane", entries: Sequence[Entry]) -> None:
        """These were not attempted here: another connection may."""

    def lane_unprepared(self, lane: "Lane", entries: Sequence[Entry], why: str) -> None:
        """Their content could not be rendered."""

    def lane_free(self, lane: "Lane") -> None:
        """There is room for more."""

    def lane_ended(self, lane: "Lane", ended: Ended) -> None:
        """The connection is closed."""


@define(eq=False)
class Lane:
    """
    A connection at work.

    @ivar taken: how many transactions it was given.
    """

    _owner: LaneOwner
    connection: Connection
    _limits: Limits
    _clock: IReactorTime
    scene: Scene
    taken: int = 0
    has_lost: bool = False
    """Whether a transaction broke off with the connection."""
    _unrecorded: int = 0
    _is_open: bool = True
    _preparing: dict[Deferred[None], Sequence[Entry]] = field(factory=dict)
    _flights: dict[Envelope, Sequence[Entry]] = field(factory=dict)
    _idle_since: float | None = None
    _idle_call: IDelayedCall | None = None
    _log: Logger = field(factory=Logger)

    @property
    def room(self) -> int:
        """How many transactions it can be given."""
        if not self._is_open or self.taken >= self._limits.messages_per_connection:
            return 0
        return self.connection.conversation.room - len(self._preparing)

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do, and all that it has done is recorded."""
        return self.is_done and not self._unrecorded

    @property
    def is_done(self) -> bool:
        """Whether it has nothing to do."""
        return not self._preparing and not self._flights

    @property
    def awaits_verdict(self) -> bool:
        """Whether what is given to it now waits for the server to make up its mind."""
        return self.connection.conversation.awaits_verdict

    def start(self) -> None:
        """Listen to the connection."""
        self.connection.report = self._hear

    def send(self, entries: Sequence[Entry]) -> None:
        """Take a transaction: jobs of one content."""
        self.taken += 1
        self._idle_since = None
        work = begin(self._prepare(entries))
        if work is not None:
            self._preparing[work] = entries
            _ = work.addBoth(self._prepared, work)

    def recording(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same jobs, delivered by this connection: it sends no more until all of them are reported and recorded."""
        self._unrecorded += len(entries)
        return [Entry(entry.job, partial(self._report, entry)) for entry in entries]

    def _report(self, entry: Entry, outcome: Outcome) -> None:
        recorded = entry.report(outcome)
        if recorded is None:
            self._recorded()
        else:
            _ = recorded.addCallback(lambda _: self._recorded())

    def _recorded(self) -> None:
        self._unrecorded -= 1
        if self._unrecorded or not self._is_open:
            return
        self.connection.recorded()
        self._owner.lane_free(self)

    def idle(self) -> None:
        """Nothing to send for now: wait for more, not for ever; or go, when it has had its share."""
        if not self._is_open or self._idle_since is not None:
            return
        if self.taken >= self._limits.messages_per_connection:
            self.quit()
            return
        self._idle_since = self._clock.seconds()
        if self._idle_call is None:
            self._idle_call = self._clock.callLater(self._limits.idle_seconds, self._look_at_clock)

    def quit(self) -> None:
        """Close it; it has nothing to do."""
        self._stop_idling()
        self._is_open = False
        self.connection.quit()

    def abort(self) -> None:
        """Close it at once, whatever it does."""
        self._stop_idling()
        self._is_open = False
        for work in list(self._preparing):
            work.cancel()
        self.connection.abort("closed by us")

    def _prepared(self, result: object, work: Deferred[None]) -> None:
        self._preparing.pop(work, None)

    async def _prepare(self, entries: Sequence[Entry]) -> None:
        job = entries[0].job
        is_plain = job.is_eightbit and not self.connection.conversation.capabilities.eightbit
        try:
            content = await job.render(is_plain)
            if self._is_open and not self.connection.conversation.is_over:
                self._offer(entries, content, job.is_eightbit and not is_plain)
                return
        except CancelledError:
            pass
        except Exception as error:
            # Rendering is a stranger's work, and must not stop the others.
            self._log.failure("cannot prepare {message_id}", message_id=job.message_id)
            self._owner.lane_unprepared(self, entries, f"the message could not be prepared: {type(error).__name__}")
            self._clock.callLater(0, self._owner.lane_free, self)
            return
        self._owner.lane_returned(self, entries)

    def _offer(self, entries: Sequence[Entry], content: bytes, is_eightbit: bool) -> None:
        job = entries[0].job
        envelope = Envelope(
            reverse_path=job.reverse_path,
            recipients=tuple([entry.job.recipient for entry in entries]),
            content=content,
            has_bounce_address=job.has_bounce_address,
            ret=job.ret,
            envid=job.envid,
            needs_utf8=job.needs_utf8,
            is_eightbit=is_eightbit,
        )
        self._flights[envelope] = entries
        try:
            self.connection.offer(envelope)
        except ValueError:
            del self._flights[envelope]
            raise

    def _hear(self, fact: Fact) -> None:
        if isinstance(fact, Concluded):
            self._owner.lane_concluded(self, self._flights.pop(fact.envelope), fact)
            self._owner.lane_free(self)
        elif isinstance(fact, Returned):
            self._owner.lane_returned(self, self._flights.pop(fact.envelope))
        elif isinstance(fact, Ended):
            self._is_open = False
            self._stop_idling()
            self._owner.lane_ended(self, fact)

    def _look_at_clock(self) -> None:
        """One timer serves all the times of rest: a message starts and stops none."""
        self._idle_call = None
        if self._idle_since is None:
            return
        left = self._idle_since + self._limits.idle_seconds - self._clock.seconds()
        if left > 0:
            self._idle_call = self._clock.callLater(left, self._look_at_clock)
        else:
            self.quit()

    def _stop_idling(self) -> None:
        self._idle_since = None
        if self._idle_call is not None:
            if self._idle_call.active():
                self._idle_call.cancel()
            self._idle_call = None


def scene_of(site: str, connection: Connection) -> Scene:
    """What the outcomes of a session that was opened have in common."""
    return Scene(
        site=site,
        local=connection.local,
        remote=str(connection.peer),
        tls=connection.tls,
        peer_has_dsn=connection.conversation.capabilities.dsn,
        note=(f"* {connection.note}",) if connection.note else (),
        opening=tuple(connection.conversation.opening_transcript),
    )
