"""
Connects the HTTP client to addresses that were checked, and counts what comes before an answer.

Nothing is looked up here: between check and use a name could change what it leads to. Twisted's HTTP client takes any
number of header lines, and of interim answers (1xx); the L{Gate} between it and the connection does not.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI
from twisted.web.iweb import IAgentEndpointFactory
from typing_extensions import override
from zope.interface import implementer

from smtpeter.boundaries.fetch import FetchFailed

Dial = Callable[[str, int, float], IStreamClientEndpoint]
"""Gives what connects to an IP address and port within a number of seconds."""

TLSFor = Callable[[str], IOpenSSLClientConnectionCreator]
"""Gives what checks the certificate of a host name, or IP address, and names the host to the server."""


def dial_over_tcp(reactor: object) -> Dial:
    """Connect over TCP by a reactor."""

    def dial(address: str, port: int, seconds: float) -> IStreamClientEndpoint:
        endpoint = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        connecting: IStreamClientEndpoint = endpoint(reactor, address, port, seconds)
        return connecting

    return dial


class Gate(ProtocolWrapper):
    """
    A connection, as the HTTP client has it.

    @ivar is_flooded: whether more came than an answer's header may have.
    @ivar ended: why the connection ended; C{None} while it stands.
    """

    def __init__(self, factory: "WrappingFactory[Gate]", wrapped: IProtocol, header_bytes: int) -> None:
        super().__init__(factory, wrapped)
        self._allowed: int | None = header_bytes
        self._waiting: list[Deferred[None]] = []
        self.is_flooded = False
        self.ended: Failure | None = None

    def open(self) -> None:
        """The header is complete: what follows is counted elsewhere."""
        self._allowed = None

    def abort(self) -> None:
        """End it at once, if it stands."""
        transport: Any = self.transport
        if self.ended is None and transport is not None:
            transport.abortConnection()

    def gone(self) -> Deferred[None]:
        """Fires when it has ended."""
        done: Deferred[None] = Deferred()
        if self.ended is None:
            self._waiting.append(done)
        else:
            done.callback(None)
        return done

    @override
    def dataReceived(self, data: bytes) -> None:
        if self._allowed is None:
            super().dataReceived(data)
            return
        first, rest = data[: self._allowed], data[self._allowed :]
        self._allowed -= len(first)
        super().dataReceived(first)
        if rest:
            self._rest_received(rest)

    def _rest_received(self, rest: bytes) -> None:
        """More than the header may have: well, if the header was complete before."""
        if self._allowed is None:
            super().dataReceived(rest)
        elif self.ended is None:
            self.is_flooded = True
            self.abort()

    @override
    def connectionLost(self, reason: Failure = Failure(ValueError())) -> None:  # noqa: B008
        self.ended = reason
        super().connectionLost(reason)
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(None)


@implementer(IStreamClientEndpoint, IAgentEndpointFactory)
@define(eq=False, kw_only=True)
class Pinned:
    """
    Connects to the first of some checked addresses that lets us in.

    @ivar gate: the connection, once there is one.
    """

    host: str
    addresses: Sequence[str]
    port: int
    tls: IOpenSSLClientConnectionCreator | None
    dial: Dial
    connect_seconds: float
    """For each address."""
    header_bytes: int
    gate: Gate | None = field(default=None, init=False)

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Called by the HTTP client: the way is always this one."""
        return self

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Called by the HTTP client."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        for address in self.addresses:
            try:
                await self._way_to(address).connect(self._gated(factory))
            except ConnectingCancelledError:
                raise CancelledError from None
            except CancelledError:
                raise
            except Exception:  # noqa: S112
                # Every way in which a connection can fail means the same: the next address.
                continue
            assert self.gate is not None
            connected: IProtocol = self.gate.wrappedProtocol
            return connected
        raise FetchFailed(f"{self.host} cannot be reached")

    def _way_to(self, address: str) -> IStreamClientEndpoint:
        way = self.dial(address, self.port, self.connect_seconds)
        return way if self.tls is None else wrapClientTLS(self.tls, way)

    def _gated(self, factory: IProtocolFactory) -> IProtocolFactory:
        gated: Any = WrappingFactory(factory)
        gated.noisy = False
        gated.protocol = self._make_gate
        made: IProtocolFactory = gated
        return made

    def _make_gate(self, factory: "WrappingFactory[Gate]", wrapped: IProtocol) -> Gate:
        self.gate = Gate(factory, wrapped, self.header_bytes)
        return self.gate
