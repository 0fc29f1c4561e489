"""
C{smtpeter demo}: the real server in a folder of its own, and a newsletter that goes through it.

Server and capturing destination run in this process; the client's part is told from a thread.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click
from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from typing_extensions import override
from zope.interface import implementer

from smtpeter.assembly import Server
from smtpeter.cli.capture import Captured, CaptureFactory
from smtpeter.cli.demo_place import DemoPlace, make_place
from smtpeter.cli.demo_story import Story
from smtpeter.cli.demo_telling import tell
from smtpeter.cli.failures import Stopped
from smtpeter.cli.options import Invocation, common, pass_invocation
from smtpeter.cli.output import Output


@click.command()
@click.option("--once", is_flag=True, help="End when everything was shown.")
@click.option(
    "--folder", type=click.Path(path_type=Path), metavar="DIR", help="Keep the installation there; else it is removed."
)
@common
@pass_invocation
def demo(invocation: Invocation, once: bool, folder: Path | None) -> None:
    """
    Start a server on free loopback ports, send a newsletter through it, show what arrived, click a link.

    Server and destination go on until Ctrl-C or SIGTERM; what is sent to the server meanwhile is shown.
    """
    if invocation.config is not None:
        raise click.UsageError("the demo writes a configuration of its own.")
    temporary = None if folder is not None else Path(tempfile.mkdtemp(prefix="smtpeter-demo-"))
    try:
        _run(make_place((folder or temporary or Path()).absolute()), Output(invocation.as_json), once)
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _run(place: DemoPlace, out: Output, once: bool) -> None:
    from smtpeter.tap import build, run_reactor

    globalLogBeginner.beginLoggingTo([_complain], redirectStandardIO=False)
    failures: list[str] = []

    def begin(reactor: Any) -> Service:
        server = build(place.settings, reactor)
        return DemoService(reactor=reactor, server=server, place=place, out=out, once=once, failures=failures)

    run_reactor(begin)
    if failures:
        raise Stopped(failures[0])


@implementer(ILogObserver)
def _complain(event: LogEvent) -> None:
    """Show errors; the rest would hide the story."""
    if event.get("log_level") in (LogLevel.error, LogLevel.critical):
        click.echo(f"server: {formatEvent(event)}", err=True)


@define(eq=False, kw_only=True)
class DemoService(Service):
    """Server, destination and story together."""

    reactor: Any
    server: Server
    place: DemoPlace
    out: Output
    once: bool
    failures: list[str]
    captured: list[Captured] = field(factory=list, init=False)
    _is_told: bool = field(default=False, init=False)

    @override
    def startService(self) -> None:
        """Start all three."""
        super().startService()
        self.reactor.listenTCP(self.place.capture_port, CaptureFactory(self._take), interface="127.0.0.1")
        self.server.startService()
        _ = self.server.started.addCallback(lambda _: self._tell())

    def _tell(self) -> "Deferred[None]":
        telling = deferToThread(tell, Story(self.place, lambda: list(self.captured)), self.out)
        return telling.addCallbacks(lambda _: self._told(), lambda failure: self._failed(failure.getErrorMessage()))

    def _told(self) -> None:
        self._is_told = True
        if self.once:
            self.reactor.stop()

    def _failed(self, reason: str) -> None:
        self.failures.append(f"the demo failed: {reason}")
        self.reactor.stop()

    def _take(self, captured: Captured) -> None:
        self.captured.append(captured)
        if self._is_told:
            record = {
                "arrived": captured.recipient,
                "reverse_path": captured.reverse_path,
                "bytes": len(captured.content),
            }
            self.out.one(record, f"arrived for {captured.recipient}: {len(captured.content)} bytes")
            del self.captured[:]

    @override
    def stopService(self) -> "Deferred[object]":
        """End the server in order."""
        super().stopService()
        return maybeDeferred(self.server.stopService)
