"""Doubles for the relay's tests: jobs, a server that speaks SMTP in memory, a resolver with fixed answers."""

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IProtocol, ITCPTransport
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import directlyProvides

from smtpeter.model.message import Recipient
from smtpeter.model.outcome import Outcome
from smtpeter.model.relay import Job
from smtpeter.relay.destinations import Exchange, NoDestination, Site, site_of

CONTENT = b"Subject: x\r\n\r\nhello\r\n"


def rendering(content: bytes = CONTENT) -> Callable[[bool], Awaitable[bytes]]:
    """A render that has its content at hand."""

    async def render(seven_bit: bool) -> bytes:
        return b"seven " + content if seven_bit else content

    return render


def make_job(number: int = 0, address: str = "", **changes: Any) -> Job:
    """A job; its id is C{m<number>}."""
    address = address or f"user{number}@example.org"
    values: dict[str, Any] = {
        "message_id": f"m{number}",
        "account_id": 1,
        "recipient": Recipient(address=address),
        "domain": address.rpartition("@")[2],
        "reverse_path": "sender@example.com",
        "has_bounce_address": False,
        "ret": None,
        "envid": None,
        "needs_utf8": False,
        "is_eightbit": False,
        "size_bytes": 100,
        "share_key": None,
        "attempts": 0,
        "render": rendering(),
    }
    return Job(**{**values, **changes})


class MemoryTransport:
    """One end of a connection to a L{MemoryServer}; what the server says arrives a turn later."""

    disconnecting = False

    def __init__(self, server: "MemoryServer", protocol: Any, clock: Clock) -> None:
        self.server = server
        self.protocol = protocol
        self.clock = clock
        directlyProvides(self, ITCPTransport)
        self.state = _State()
        self.written: list[bytes] = []
        self.is_lost = False
        self.no_delay = False

    def start(self) -> None:
        self.protocol.makeConnection(self)
        self.say(self.server.greeting)

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.server.take(self, data)

    def say(self, data: bytes) -> None:
        if data:
            self.clock.callLater(0, self._arrive, data)

    def _arrive(self, data: bytes) -> None:
        if not self.is_lost:
            self.protocol.dataReceived(data)

    def loseConnection(self) -> None:
        self.clock.callLater(0, self.lose)

    abortConnection = loseConnection

    def lose(self, reason: Exception | None = None) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.protocol.connectionLost(Failure(reason or ConnectionDone()))

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.no_delay = bool(enabled)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.9", 40000)

    getPeer = getHost


@define(eq=False)
class MemoryServer:
    """Speaks SMTP; C{answers} maps the start of a command to another reply than the usual."""

    greeting: bytes = b"220 mx.example.org ESMTP\r\n"
    extensions: tuple[bytes, ...] = (b"PIPELINING", b"8BITMIME", b"SIZE 1000000", b"DSN", b"SMTPUTF8")
    answers: dict[bytes, bytes] = field(factory=dict)
    is_mute_after_data: bool = False
    max_recipients: int = 1000
    mails: list[tuple[bytes, list[bytes], bytes]] = field(factory=list)
    """Sender, accepted recipients, content."""
    transports: list[MemoryTransport] = field(factory=list)
    commands: list[bytes] = field(factory=list)

    def accept(self, protocol: Any, clock: Clock) -> None:
        transport = MemoryTransport(self, protocol, clock)
        self.transports.append(transport)
        transport.start()

    def take(self, transport: MemoryTransport, data: bytes) -> None:
        state = transport.state
        state.buffer += data
        out = b""
        while (reply := self._step(state)) is not None:
            out += reply
        transport.say(out)

    def _step(self, state: "_State") -> bytes | None:
        if state.is_mute:
            return None
        end = b"\r\n.\r\n" if state.in_data else b"\r\n"
        if state.in_data and state.buffer.startswith(b".\r\n"):
            state.buffer = b"\r\n" + state.buffer
        chunk, found, rest = state.buffer.partition(end)
        if not found:
            return None
        state.buffer = rest
        if state.in_data:
            state.in_data = False
            if self.is_mute_after_data:
                state.is_mute = True
                return None
            reply = self.answers.get(b".", b"250 2.0.0 queued\r\n")
            if reply.startswith(b"2"):
                self.mails.append((state.sender, state.recipients, chunk.removeprefix(b"\r\n") + b"\r\n"))
            return reply
        self.commands.append(chunk)
        return self._command(state, chunk)

    def _command(self, state: "_State", line: bytes) -> bytes:
        reply = next((reply for start, reply in self.answers.items() if line.startswith(start)), None)
        verb = line[:4].upper()
        if verb == b"EHLO":
            lines = (b"mx.example.org", *self.extensions)
            reply = reply or b"".join(b"250-" + one + b"\r\n" for one in lines[:-1]) + b"250 " + lines[-1] + b"\r\n"
        elif verb == b"DATA":
            reply = reply or (b"354 go\r\n" if state.recipients else b"554 5.5.1 no valid recipients\r\n")
            state.in_data = reply.startswith(b"354")
        elif verb == b"MAIL":
            reply = reply or b"250 2.1.0 Ok\r\n"
            state.sender, state.recipients = line[10:].partition(b">")[0].strip(b"<"), []
        elif verb == b"RCPT":
            is_full = len(state.recipients) >= self.max_recipients
            reply = reply or (b"452 4.5.3 too many recipients\r\n" if is_full else b"250 2.1.5 Ok\r\n")
            if reply.startswith(b"2"):
                state.recipients.append(line[9:].partition(b">")[0])
        elif verb == b"QUIT":
            reply = reply or b"221 2.0.0 Bye\r\n"
        return reply or b"250 2.0.0 Ok\r\n"


@define(eq=False)
class _State:
    buffer: bytes = b""
    in_data: bool = False
    is_mute: bool = False
    sender: bytes = b""
    recipients: list[bytes] = field(factory=list)


@define(eq=False)
class Network:
    """Connects by address; an unknown one refuses, a C{None} never answers."""

    clock: Clock
    servers: dict[str, MemoryServer | None] = field(factory=dict)
    dialled: list[tuple[str, int, str]] = field(factory=list)

    def connect(self, factory: Factory, address: str, port: int, source: str, timeout: float) -> Deferred[IProtocol]:
        self.dialled.append((address, port, source))
        if address not in self.servers:
            return fail(ConnectError())
        server = self.servers[address]
        if server is None:
            return Deferred()
        protocol = factory.buildProtocol(IPv4Address("TCP", address, port))
        assert protocol is not None
        server.accept(protocol, self.clock)
        return succeed(protocol)


@define(eq=False)
class FixedResolver:
    """Hosts of domains and addresses of hosts as they are put in."""

    domains: dict[str, list[str] | NoDestination] = field(factory=dict)
    hosts: dict[str, tuple[str, ...] | NoDestination] = field(factory=dict)
    asked: list[str] = field(factory=list)
    forgotten: list[str] = field(factory=list)

    async def find_site(self, domain: str, port: int) -> Site:
        self.asked.append(domain)
        found = self.domains[domain]
        if isinstance(found, NoDestination):
            raise found
        return site_of([Exchange(name=name, preference=10 * i) for i, name in enumerate(found)], port)

    async def addresses(self, host: str, is_trusted: bool = False) -> tuple[str, ...]:
        found = self.hosts[host]
        if isinstance(found, NoDestination):
            raise found
        return found

    def is_loop(self, address: str, local: str) -> bool:
        return address == local

    def forget(self, domain: str) -> None:
        self.forgotten.append(domain)


def settle(clock: Clock, turns: int = 60) -> None:
    """Let everything happen that takes no time."""
    for _ in range(turns):
        clock.advance(0)


def by_id(outcomes: list[Outcome]) -> dict[str, Outcome]:
    """Outcomes by message; each message has one."""
    found = {outcome.message_id: outcome for outcome in outcomes}
    assert len(found) == len(outcomes), "a job was reported twice"
    return found
