"""
The server as one service: what starts when, what ends in which order.

Twistd without C{-n} forks after the service was made, so threads, processes and connections are made in startService.
Ports are bound before privileges are given up and opened to clients when everything behind them works. At the end
nothing that was acknowledged is lost: doors close first, storage last.
"""

import gc
import signal
from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorFromThreads, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.assembly.listening import CannotListen, Listeners
from smtpeter.assembly.lock import StateFolder
from smtpeter.smtpd.door import SMTPDoor
from smtpeter.storage.database import Database
from smtpeter.tls.certificates import Certificates

CERTIFICATE_SECONDS = 60.0
"""How often changed certificate files are looked for."""

DOOR_SECONDS = 10.0
"""How long sessions with mail in flight get at the end."""


@define(eq=False, kw_only=True)
class Server(Service):
    """
    Everything, joined.

    @ivar stages: what runs between doors and storage, in the order in which it starts; it stops in the reverse order.
    @ivar give_up: called when the start fails; ends the process with an error.
    """

    clock: IReactorTime
    threads: IReactorFromThreads
    state: StateFolder
    database: Database
    certificates: Certificates | None
    stages: tuple[Service, ...]
    door: SMTPDoor
    listeners: Listeners
    give_up: Callable[[], None]
    started: Deferred[None] = field(factory=Deferred, init=False)
    """Fires when clients are let in."""
    is_open: bool = field(default=False, init=False)
    _starting: Deferred[None] | None = field(default=None, init=False)
    _watch: LoopingCall | None = field(default=None, init=False)
    _log = Logger()

    @override
    def privilegedStartService(self) -> None:
        """
        Bind the ports.

        @raise SystemExit: one of them cannot be bound; with the reason, which twistd and twist show.
        """
        super().privilegedStartService()
        self._bind()

    def _bind(self) -> None:
        try:
            self.listeners.privilegedStartService()
        except CannotListen as error:
            raise SystemExit(f"smtpeter: {error}") from None

    @override
    def startService(self) -> None:
        """
        Take the lock, start the stages, then let clients in. Twist knows no privileged start; the ports are bound here
        then.

        @raise SystemExit: as L{privilegedStartService}.
        """
        super().startService()
        if not self.listeners.is_bound:
            self._bind()
        self._starting = Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        try:
            self.state.acquire()
            self.database.start()
            for stage in self.stages:
                stage.startService()
            self.listeners.startService()
            self.listeners.open()
            self._watch_certificates()
        except Exception:
            self._log.failure("the server cannot start")
            self.give_up()
            return
        # What was built until here lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self.is_open = True
        self._log.info("ready")
        self.started.callback(None)

    def _watch_certificates(self) -> None:
        signal.signal(signal.SIGHUP, lambda *_: self.threads.callFromThread(self.reload))
        if self.certificates is None:
            return
        self._watch = LoopingCall(self.certificates.refresh)
        self._watch.clock = self.clock
        _ = self._watch.start(CERTIFICATE_SECONDS, now=False)

    def reload(self) -> None:
        """Read the certificates again (SIGHUP)."""
        if self.certificates is not None:
            self.certificates.reload()

    @override
    def stopService(self) -> Deferred[None]:
        """Close the doors, finish what is in flight, record it, close storage."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self.is_open = False
        if self._starting is not None:
            await self._starting
        if self._watch is not None and self._watch.running:
            self._watch.stop()
        await self.listeners.stopService()
        await self._ended("the SMTP door", self.door.drain(DOOR_SECONDS))
        for stage in reversed(self.stages):
            await self._ended(type(stage).__name__, maybeDeferred(stage.stopService))
        await self._ended("the database", self.database.close())
        self.state.release()
        self._log.info("stopped")

    async def _ended(self, name: str, ending: Awaitable[object]) -> None:
        """Wait for one part; its failure does not keep the others from ending well."""
        try:
            await ending
        except Exception:
            self._log.failure("{name} did not end well", name=name)
