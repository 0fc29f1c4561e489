"""The server for twistd and twist: its options, and the service that they run. The only import of the reactor."""

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import IService, Service
from twisted.python.usage import Options as UsageOptions

from smtpeter.assembly import CannotStart, Server, make_server
from smtpeter.assembly.calls import call_plainly
from smtpeter.assembly.clocks import keep_steady
from smtpeter.assembly.garbage import look_seldom
from smtpeter.config import ConfigurationError, Settings, load_settings

PLACES = ("smtpeter.toml", "/etc/smtpeter/smtpeter.toml")
"""Where the configuration is looked for when neither C{--config} nor C{$SMTPETER_CONFIG} says so."""


class Options(UsageOptions):
    """What stands behind C{twistd smtpeter}."""

    synopsis = "[--config FILE]"
    longdesc = (
        "The SMTPeter mail gateway. Without --config: $SMTPETER_CONFIG, ./smtpeter.toml, /etc/smtpeter/smtpeter.toml."
    )
    optParameters: Sequence[Sequence[object]] = [["config", "c", None, "The configuration file."]]


def makeService(options: Options) -> IService:
    """
    Read the configuration and build the server.

    @raise SystemExit: with all that is wrong, in words.
    """
    from twisted.internet import reactor

    path = options["config"] or os.environ.get("SMTPETER_CONFIG") or next(filter(os.path.exists, PLACES), PLACES[0])
    try:
        service = build(load_settings(Path(path)), reactor)
    except (ConfigurationError, CannotStart) as error:
        raise SystemExit(f"smtpeter: {error}") from None
    reactor.callWhenRunning(look_seldom)
    call_plainly()
    return service


def build(settings: Settings, reactor: Any) -> Server:
    """
    A server on a reactor.

    @raise CannotStart: what it stands on is missing, broken or in use.
    """
    keep_steady(reactor)
    return make_server(settings, reactor, give_up)


def run_reactor(begin: Callable[[Any], Service]) -> None:
    """
    Run a service without twistd until SIGINT, SIGTERM or C{reactor.stop}.

    @param begin: makes the service on the reactor that it is given.
    """
    from twisted.internet import reactor

    service = begin(reactor)
    reactor.callWhenRunning(service.startService)
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


def give_up() -> None:
    """End the process with an error: the start failed after the reactor had begun to run, and the log says why."""
    from twisted.internet import reactor

    atexit.register(_exit_with_error)
    reactor.callWhenRunning(reactor.stop)


def _exit_with_error() -> None:
    """Twistd ends with 0 whenever the reactor was stopped; only this tells a supervisor."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
