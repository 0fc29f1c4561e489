"""
Listening ports: bound while the process still has its privileges, opened to clients when the server is ready.

Clients that connect in between wait in the kernel's queue.
"""

import errno
from collections.abc import Sequence

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IReactorCore
from twisted.python.failure import Failure
from typing_extensions import override

_REMEDIES = {
    errno.EACCES: "ports below 1024 need root (twistd --uid gives it up afterwards), CAP_NET_BIND_SERVICE or systemd",
    errno.EADDRINUSE: "another program listens there: stop it, or choose another port",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address",
}


class CannotListen(Exception):
    """A port cannot be bound; the message says which, why and what to do."""


@frozen(kw_only=True)
class Door:
    """What listens at an endpoint (a Twisted endpoint string)."""

    endpoint: str
    factory: IProtocolFactory


@define(eq=False)
class Listeners(Service):
    """
    All doors together.

    @ivar is_bound: whether the ports are ours.
    """

    _reactor: IReactorCore
    _doors: Sequence[Door]
    _ports: list[IListeningPort] = field(factory=list, init=False)
    _is_open: bool = field(default=False, init=False)
    is_bound: bool = field(default=False, init=False)

    @override
    def privilegedStartService(self) -> None:
        """
        Bind all, accept nothing yet.

        @raise CannotListen: one of them cannot be bound.
        """
        super().privilegedStartService()
        for door in self._doors:
            self._bind(door)
        self.is_bound = True

    def _bind(self, door: Door) -> None:
        failures: list[Failure] = []
        try:
            listening = serverFromString(self._reactor, door.endpoint).listen(door.factory)
        except (ValueError, TypeError, OSError) as error:
            raise CannotListen(f"cannot listen on {door.endpoint}: {error}") from None
        listening.addCallbacks(self._bound, failures.append)
        if failures:
            raise _explained(door.endpoint, failures[0])

    def _bound(self, port: IListeningPort) -> None:
        self._ports.append(port)
        if not self._is_open:
            # Ports of other kinds (an inherited socket of an odd family) have no such method and accept at once.
            getattr(port, "stopReading", lambda: None)()

    def open(self) -> None:
        """Accept clients from now on."""
        self._is_open = True
        for port in self._ports:
            getattr(port, "startReading", lambda: None)()

    @override
    def stopService(self) -> Deferred[object]:
        """Accept no more; the connections that exist stay."""
        super().stopService()
        self._is_open = self.is_bound = False
        closing = [maybeDeferred(port.stopListening) for port in self._ports]
        self._ports.clear()
        return DeferredList(closing).addCallback(lambda _: None)


def _explained(endpoint: str, failure: Failure) -> CannotListen:
    error = failure.value
    if isinstance(error, CannotListenError) and isinstance(error.socketError, OSError):
        remedy = _REMEDIES.get(error.socketError.errno or 0, "check the endpoint")
        return CannotListen(f"cannot listen on {endpoint}: {error.socketError.strerror}: {remedy}")
    return CannotListen(f"cannot listen on {endpoint}: {failure.getErrorMessage()}")
