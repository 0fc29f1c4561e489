"""A guarded client in memory: its names, its connections and its clock are the test's."""

from collections.abc import Coroutine
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.fetch import Fetcher, FetchFailed
from smtpeter.fetch.client import FetchLimits, GuardedClient
from smtpeter.fetch.gate import dial_over_tcp

PUBLIC = "8.8.8.8"
OTHER = "2001:4860:4860::8888"


class Line(StringTransport):
    """
    The server's end of a connection. Like a real one it ends in a later turn of the reactor.

    @ivar is_stubborn: whether the server does not close when it is asked to, as it can with TLS.
    """

    def __init__(self, reactor: MemoryReactorClock, protocol: IProtocol) -> None:
        super().__init__()
        self.reactor = reactor
        self.protocol = protocol
        self.is_stubborn = False
        self.is_ended = False

    def say(self, octets: bytes, size: int = 65536) -> None:
        """Let the client read something, so much at a time, until it closes."""
        for start in range(0, len(octets), size):
            if not self.disconnected and not self.is_ended:
                self.protocol.dataReceived(octets[start : start + size])

    def end(self, reason: Exception) -> None:
        """The connection ends."""
        if not self.is_ended:
            self.is_ended = True
            self.protocol.connectionLost(Failure(reason))

    @override
    def loseConnection(self) -> None:
        super().loseConnection()
        if not self.is_stubborn:
            self.reactor.callLater(0, self.end, ConnectionDone())

    @override
    def abortConnection(self) -> None:
        super().abortConnection()
        self.reactor.callLater(0, self.end, ConnectionAborted())


@define(eq=False)
class Rig:
    """
    @ivar names: what each name leads to, lookup by lookup; the last answer stays.
    @ivar asked: the names that were looked up.
    """

    names: dict[str, list[list[str]]]
    limits: FetchLimits = field(factory=FetchLimits)
    allow_private: bool = False
    asked: list[str] = field(factory=list)
    silent: set[str] = field(factory=set)
    reactor: MemoryReactorClock = field(factory=MemoryReactorClock)

    @property
    def client(self) -> GuardedClient:
        """The client."""
        return GuardedClient(
            lookup=self.lookup,
            dial=dial_over_tcp(self.reactor),
            tls_for=optionsForClientTLS,
            clock=self.reactor,
            limits=self.limits,
            allow_private=self.allow_private,
        )

    async def lookup(self, name: str) -> list[str]:
        """A name's next answer."""
        self.asked.append(name)
        if name in self.silent:
            await Deferred[None]()
        answers = self.names.get(name)
        if answers is None:
            raise FetchFailed(f"the DNS cannot tell {name}")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def begin(self, work: "Coroutine[Deferred[Any], Any, Any]") -> "Deferred[Any]":
        """Start a fetch."""
        return Deferred.fromCoroutine(work)

    def get(self, url: str, size_limit: int | None = None) -> "Deferred[Any]":
        """Start a GET."""
        fetcher: Fetcher = self.client
        return self.begin(fetcher.get(url, size_limit))

    @property
    def tried(self) -> list[tuple[str, int]]:
        """Addresses and ports to which connections were begun."""
        return [(host, port) for host, port, *_ in self.reactor.tcpClients]

    def accept(self) -> Line:
        """Let the latest connection in."""
        protocol: Any = self.reactor.tcpClients[-1][2].buildProtocol(None)
        line = Line(self.reactor, protocol)
        protocol.makeConnection(line)
        return line

    def refuse(self) -> None:
        """Let the latest connection fail."""
        connector: Any = None
        self.reactor.tcpClients[-1][2].clientConnectionFailed(connector, Failure(ConnectError()))

    def turn(self) -> None:
        """Let connections end that are about to."""
        self.reactor.advance(0)


def failure_text(test: SynchronousTestCase, done: "Deferred[Any]", kind: type[Exception]) -> str:
    """What a fetch said as it failed."""
    return str(test.failureResultOf(done, kind).value)
