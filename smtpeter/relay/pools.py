"""
Works a site: its waiting line, its connections, its pauses.

A site that cannot be reached, or that says stop, is left alone for a time, and whatever waits for it is deferred at
once, so that it holds neither memory nor other sites up.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from smtpeter.relay.announcing import Announcer
from smtpeter.relay.connection import Connection
from smtpeter.relay.destinations import Jitter, Site
from smtpeter.relay.dialing import Unreachable
from smtpeter.relay.facts import Concluded, Ended
from smtpeter.relay.lanes import Lane, scene_of
from smtpeter.relay.lines import Entry, WaitingLine
from smtpeter.relay.reports import Reports
from smtpeter.relay.shaping import Health, Limits, Rate
from smtpeter.relay.slots import Slots
from smtpeter.relay.transaction import Result
from smtpeter.relay.verdicts import counts_against_site, retry_hint, wants_fewer_recipients

_PAUSED = Unreachable("connect", None, "the destination is left alone for a while after failures")


class Dial(Protocol):
    """Opens sessions."""

    async def dial(self, site: Site) -> Connection:
        """
        Open a session.

        @raise Unreachable: nobody let us in.
        """


@define(eq=False, kw_only=True)
class SitePool:
    """A site and what we have there."""

    site: Site
    limits: Limits
    health: Health
    dialer: Dial
    clock: IReactorTime
    jitter: Jitter
    slots: Slots
    reports: Reports
    on_empty: Callable[["SitePool"], None]
    _line: WaitingLine = field(factory=WaitingLine)
    _lanes: dict[Lane, None] = field(factory=dict)
    # Those that may have room, and those that may be idle, so that a message costs no look at every connection.
    _free: dict[Lane, None] = field(factory=dict)
    _idle: dict[Lane, None] = field(factory=dict)
    _dials: set[Deferred[None]] = field(factory=set)
    _opening: int = 0
    _announcer: Announcer = field(init=False)
    _rate: Rate = field(init=False)
    _recipients: int = field(init=False)
    _kick: IDelayedCall | None = None
    _is_draining: bool = False
    _log: Logger = field(factory=Logger)

    def __attrs_post_init__(self) -> None:
        self._announcer = Announcer(self.site.name, self.reports, self.clock)
        self._rate = Rate(self.limits.connections_per_minute)
        self._recipients = self.limits.recipients

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and nothing is open."""
        return not self._line and not self._lanes and not self._opening

    def send(self, entry: Entry) -> None:
        """Take a job."""
        self._line.add(entry)
        self.pump()

    def pump(self) -> None:
        """Do what can be done for those who wait."""
        if self._is_draining:
            self._announcer.released(self._line.take_all())
        elif self._line and self.health.is_paused(self.clock.seconds()):
            trouble = self.health.trouble
            known = trouble if isinstance(trouble, Unreachable) else _PAUSED
            self._announcer.paused(self._line.take_all(), known, self.health.paused_until)
        else:
            self._feed()
            self._open_more()
        if self.is_empty:
            self._stop_kick()
            self.on_empty(self)

    def retry_now(self) -> None:
        """Forget pauses."""
        self.health.forget()
        self.pump()

    def drain(self) -> None:
        """Take nothing more: give back what waits, close what is idle."""
        self._is_draining = True
        for dial in list(self._dials):
            dial.cancel()
        for lane in list(self._lanes):
            if lane.is_done:
                lane.quit()
        self.pump()

    def abort(self) -> None:
        """Close everything at once."""
        for lane in list(self._lanes):
            lane.abort()

    def _feed(self) -> None:
        """Idle connections first; busy ones get the next job ahead of time when no other can be opened for it."""
        while self._line and self._idle:
            lane = next(iter(self._idle))
            del self._idle[lane]
            if lane.is_idle and lane.room > 0:
                self._give(lane)
        for lane in list(self._free) if self._line else ():
            while self._line and lane.room > 0 and self._may_join(lane):
                self._give(lane)
            if lane.room <= 0:
                self._free.pop(lane, None)
            if not self._line:
                return

    def _give(self, lane: Lane) -> None:
        self.slots.busy(lane)
        lane.send(self._line.take(self._recipients))

    def _may_join(self, lane: Lane) -> bool:
        return not lane.awaits_verdict or not self._may_open()

    def _may_open(self) -> bool:
        limit = self.health.connections(self.clock.seconds(), self.limits.connections)
        # Until one session works, more of them are no use.
        return len(self._lanes) + self._opening < (limit if self._lanes else 1)

    def _open_more(self) -> None:
        while self._line.groups > self._opening and self._may_open():
            now = self.clock.seconds()
            wait = self._rate.wait_seconds(now)
            if wait > 0:
                self._pump_in(wait)
                return
            if not self.slots.take(self, self._line.accounts):
                return
            self._rate.count(now)
            self._opening += 1
            dial = Deferred.fromCoroutine(self._dial())
            if not dial.called:
                self._dials.add(dial)
                _ = dial.addBoth(self._forget_dial, dial)

    def _forget_dial(self, result: object, dial: Deferred[None]) -> None:
        self._dials.discard(dial)

    async def _dial(self) -> None:
        try:
            connection = await self.dialer.dial(self.site)
        except Unreachable as error:
            self._undialed(error)
        except CancelledError:
            self._undialed(None)
        except Exception:
            # A fault of ours must not leave the jobs waiting for ever.
            self._log.failure("cannot dial {site}", site=self.site.name)
            self._undialed(Unreachable("connect", None, "the connection could not be made"))
        else:
            self._dialed(connection)

    def _dialed(self, connection: Connection) -> None:
        self._opening -= 1
        lane = Lane(self, connection, self.limits, self.clock, scene_of(self.site.name, connection))
        self._lanes[lane] = None
        lane.start()
        self.lane_free(lane)

    def _undialed(self, error: Unreachable | None) -> None:
        self._opening -= 1
        self.slots.give_back(self)
        now = self.clock.seconds()
        if error is not None and error.is_final and error.reply is not None:
            self._announcer.failed(self._line.take_all(), error, error.reply)
        elif error is not None and self._lanes:
            self.health.crowded(now, len(self._lanes))
        elif error is not None:
            self._pause(error)
        self.pump()

    def _pause(self, error: Unreachable) -> None:
        now = self.clock.seconds()
        self.health.trouble = error
        hint = retry_hint(error.reply) if error.reply is not None else None
        self.health.failed(now, self.jitter(), hint or 0.0)
        why = error.reply or error.description
        seconds = round(self.health.paused_until - now)
        self._log.info("{site} is paused for {seconds} s: {why}", site=self.site.name, seconds=seconds, why=why)

    def lane_concluded(self, lane: Lane, entries: Sequence[Entry], concluded: Concluded) -> None:
        """A transaction is over: every recipient has a result of its own."""
        decided = list(zip(entries, concluded.results, strict=True))
        fewer = [entry for entry, result in decided if _is_one_too_many(result, len(entries))]
        if fewer and len(fewer) < len(entries):
            self._recipients = min(self._recipients, len(entries) - len(fewer))
            self._line.put_back(fewer)
            decided = [(entry, result) for entry, result in decided if entry not in fewer]
        self._weigh(lane, [result for _, result in decided])
        taken = [entry for entry, result in decided if result.is_taken]
        told = dict(zip(taken, lane.recording(taken), strict=True))
        for entry, result in decided:
            entry = told.get(entry, entry)
            if self._is_draining and result.reply is None and result.stage != "message":
                self._announcer.released((entry,))
            else:
                self._announcer.concluded(entry, result, lane.scene, concluded.transcript, self.health.paused_until)

    def _weigh(self, lane: Lane, results: Sequence[Result]) -> None:
        """What the results say of the site."""
        for result in results:
            if result.reply is None:
                lane.has_lost = True
            elif counts_against_site(result.reply, result.stage):
                self._pause(Unreachable(result.stage, result.reply, "", lane.scene.remote))
                return
        if not lane.has_lost:
            self.health.worked()

    def lane_returned(self, lane: Lane, entries: Sequence[Entry]) -> None:
        """Somebody else may try."""
        self._line.put_back(entries)
        self._pump_in(0)

    def lane_unprepared(self, lane: Lane, entries: Sequence[Entry], why: str) -> None:
        """Ours to mend."""
        self._announcer.unprepared(entries, why)

    def lane_free(self, lane: Lane) -> None:
        """Go on with the next, or rest."""
        if lane in self._lanes:
            self._free[lane] = None
            if lane.is_idle:
                self._idle[lane] = None
        if self._line or self._is_draining:
            self.pump()
        if lane not in self._lanes:
            return
        if self._is_draining and lane.is_done:
            lane.quit()
        elif lane.is_idle:
            lane.idle()
            self.slots.idle(lane)

    def lane_ended(self, lane: Lane, ended: Ended) -> None:
        """One connection less."""
        if self._lanes.pop(lane, lane) is lane:
            return
        self._free.pop(lane, None)
        self._idle.pop(lane, None)
        self.slots.busy(lane)
        self.slots.give_back(self)
        is_broken = bool(ended.description) and ended.reply is None and not self._is_draining
        if is_broken and (lane.has_lost or not lane.connection.conversation.concluded):
            trouble = Unreachable(ended.stage, None, ended.description, lane.scene.remote)
            if self.health.lost(self.clock.seconds(), self.jitter()):
                self.health.trouble = trouble
        self._pump_in(0)

    def _pump_in(self, seconds: float) -> None:
        """Later, so that a connection that ends inside a call changes nothing under that call's feet."""
        if self._kick is not None and self._kick.active():
            if self._kick.getTime() <= self.clock.seconds() + seconds:
                return
            self._kick.cancel()
        self._kick = self.clock.callLater(seconds, self._kicked)

    def _kicked(self) -> None:
        self._kick = None
        self.pump()

    def _stop_kick(self) -> None:
        if self._kick is not None and self._kick.active():
            self._kick.cancel()
        self._kick = None


def _is_one_too_many(result: Result, sent: int) -> bool:
    return sent > 1 and result.stage == "rcpt" and result.reply is not None and wants_fewer_recipients(result.reply)
