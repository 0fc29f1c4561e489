"""
Opens a session with one of a site's hosts: each address of each host in turn, TLS that is broken left out at the
second try where the mode allows it.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from attrs import define, evolve, field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.connection import Connection, Peer, SessionFailed
from smtpeter.relay.conversation import Conversation
from smtpeter.relay.destinations import Exchange, Jitter, NoDestination, Site, in_order
from smtpeter.relay.facts import Timeouts
from smtpeter.relay.memory import Memory
from smtpeter.relay.opening import Terms
from smtpeter.relay.tls import TLSFor

MAX_TRIES = 8
"""Addresses that one dial tries."""
TLS_BROKEN_SECONDS = 3 * 86400.0
DEAD_SECONDS = 300.0
MAX_REMEMBERED = 5000


class Addresses(Protocol):
    """The part of the resolver that is needed here."""

    async def addresses(self, host: str, is_trusted: bool = False) -> tuple[str, ...]:
        """
        The addresses of a host.

        @raise NoDestination: none can be told, or none is allowed.
        """

    def is_loop(self, address: str, local: str) -> bool:
        """Whether a connection from C{local} to C{address} has come back to this machine, where mail may not go."""


class Unreachable(Exception):
    """
    No host gave a usable session.

    @ivar stage: how far the last one came.
    @ivar reply: what it said, or what we say ourselves.
    @ivar description: in words, when there is no reply.
    @ivar remote: who it was.
    @ivar transcript: the dialogue with it.
    """

    def __init__(
        self,
        stage: Stage,
        reply: Reply | None,
        description: str = "",
        remote: str = "",
        transcript: tuple[str, ...] = (),
    ) -> None:
        super().__init__(stage, reply, description)
        self.stage = stage
        self.reply = reply
        self.description = description
        self.remote = remote
        self.transcript = transcript

    @property
    def is_final(self) -> bool:
        """Whether another time would be no better: there is no host, or none that takes mail (RFC 7504)."""
        if self.reply is None:
            return False
        return self.reply.code in (521, 556) or (not self.remote and self.reply.code >= 500)


class Loop(Unreachable):
    """The connection leads to ourselves: this host and those no better than it are not to be tried (RFC 5321, 5.1)."""

    def __init__(self, host: str) -> None:
        text = f"mail for {host} loops back to us"
        super().__init__("connect", Reply(code=550, enhanced="5.4.6", text=text))


Connect = Callable[[Factory, str, int, str, float], Deferred[IProtocol]]
"""Connects a factory to an address and port, from a source address (empty: any), within a number of seconds."""


def connect_over_tcp(reactor: object) -> Connect:
    """Connect over TCP by a reactor."""

    def connect(factory: Factory, address: str, port: int, source: str, timeout: float) -> Deferred[IProtocol]:
        endpoint = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
        bind = (source, 0) if source else None
        return endpoint(reactor, address, port, timeout, bind).connect(factory)

    return connect


@frozen(kw_only=True)
class _Try:
    """An address to be tried."""

    peer: Peer
    port: int
    terms: Terms
    preference: int
    is_trusted: bool
    """Whether an operator named the host."""


class _QuietFactory(Factory):
    """Writes no lines about its start and stop, of which each connection would make two."""

    noisy = False


@define(eq=False, kw_only=True)
class Dialer:
    """Opens sessions. It remembers for a time whose TLS is broken and which addresses are dead."""

    connect: Connect
    clock: IReactorTime
    resolver: Addresses
    hostname: str
    tls_for: TLSFor
    timeouts: Timeouts
    jitter: Jitter
    source_addresses: Sequence[str] = ()
    _tls_broken: Memory[str, bool] = field(factory=lambda: Memory(MAX_REMEMBERED))
    _dead: Memory[str, bool] = field(factory=lambda: Memory(MAX_REMEMBERED))
    _addresses: Memory[str, tuple[str, ...]] = field(factory=lambda: Memory(MAX_REMEMBERED))
    _turn: int = 0
    _log: Logger = field(factory=Logger)

    async def dial(self, site: Site) -> Connection:
        """
        Open a session.

        @raise Unreachable: nobody let us in; for good only if that is true of every host.
        """
        tries, trouble = await self._tries(site)
        is_anyone_unknown = trouble is not None and not trouble.is_final
        loop: _Try | None = None
        for one in tries:
            if loop is not None and one.preference >= loop.preference:
                continue
            try:
                return await self._open(one)
            except Loop as error:
                loop, trouble = one, trouble or error
            except Unreachable as error:
                if trouble is None or not error.is_final:
                    trouble = error
                if error.stage == "auth":
                    break
        if loop is not None and not is_anyone_unknown and all(one.preference >= loop.preference for one in tries):
            raise Loop(loop.peer.host)
        assert trouble is not None
        raise trouble

    def forget(self, site: Site | None = None) -> None:
        """Try everything again, at a site or everywhere."""
        if site is None:
            self._tls_broken.clear()
            self._dead.clear()
            return
        for exchange in site.exchanges:
            self._tls_broken.forget(exchange.name)
            for address in self._addresses.get(exchange.name, self.clock.seconds()) or ():
                self._dead.forget(address)

    async def _tries(self, site: Site) -> tuple[list[_Try], Unreachable | None]:
        """Addresses in order, dead ones last; and what to say when there are none, or when some cannot be told now."""
        found: list[_Try] = []
        refusals: list[NoDestination] = []
        for exchange in in_order(site.exchanges, self.jitter):
            try:
                addresses = await self.resolver.addresses(exchange.name, is_trusted=site.route is not None)
            except NoDestination as error:
                refusals.append(error)
                continue
            self._addresses.put(exchange.name, addresses, self.clock.seconds() + DEAD_SECONDS)
            found += [self._try(site, exchange, address) for address in addresses]
            if len(found) >= MAX_TRIES:
                break
        now = self.clock.seconds()
        found.sort(key=lambda one: self._dead.get(one.peer.address, now) is not None)
        return found[:MAX_TRIES], _unknown(refusals) if found else _no_host(site, refusals)

    def _try(self, site: Site, exchange: Exchange, address: str) -> _Try:
        route = site.route
        terms = Terms(hostname=self.hostname)
        if route is not None:
            terms = evolve(terms, tls=route.tls, username=route.username, password=route.password)
        return _Try(
            peer=Peer(host=exchange.name, address=address),
            port=site.port,
            terms=terms,
            preference=exchange.preference,
            is_trusted=route is not None,
        )

    async def _open(self, one: _Try) -> Connection:
        now = self.clock.seconds()
        note = ""
        may_be_clear = one.terms.tls == "opportunistic" and not one.terms.username
        if may_be_clear and self._tls_broken.get(one.peer.host, now):
            one, note = self._in_clear(one), "TLS was found broken; in clear"
        try:
            return await self._open_once(one, note)
        except SessionFailed as failure:
            ended = failure.ended
            if not (ended.is_tls_broken and may_be_clear):
                raise _unreachable(one.peer, failure) from None
        self._log.info("TLS with {peer} is broken, trying in clear: {why}", peer=one.peer, why=ended.description)
        self._tls_broken.put(one.peer.host, True, now + TLS_BROKEN_SECONDS)
        try:
            return await self._open_once(self._in_clear(one), f"TLS is broken ({ended.description}); in clear")
        except SessionFailed as failure:
            raise _unreachable(one.peer, failure) from None

    def _in_clear(self, one: _Try) -> _Try:
        return evolve(one, terms=evolve(one.terms, tls="none"))

    async def _open_once(self, one: _Try, note: str) -> Connection:
        conversation = Conversation(one.terms, self.timeouts)
        connection = Connection(
            conversation=conversation,
            peer=one.peer,
            clock=self.clock,
            tls_options=lambda: self.tls_for(one.peer.host, one.terms.tls),
            note=note,
        )
        await self._connect(one, connection)
        if not one.is_trusted and self.resolver.is_loop(one.peer.address, connection.local):
            _ = connection.opened.addErrback(lambda _: None)
            connection.abort("it is ourselves")
            raise Loop(one.peer.host)
        try:
            await connection.opened
        except CancelledError:
            connection.abort("closed by us")
            raise
        return connection

    async def _connect(self, one: _Try, connection: Connection) -> None:
        address = one.peer.address
        try:
            factory = _QuietFactory.forProtocol(lambda: connection)
            await self.connect(factory, address, one.port, self._source(address), self.timeouts.connect)
        except CancelledError:
            raise
        except Exception as error:
            # Every way in which a connection can fail means the same: the next address.
            self._dead.put(address, True, self.clock.seconds() + DEAD_SECONDS)
            description = f"cannot connect to {one.peer}: {str(error) or type(error).__name__}"
            raise Unreachable("connect", None, description[:500], str(one.peer)) from None
        self._dead.forget(address)

    def _source(self, address: str) -> str:
        """Our addresses in turn, of the same family."""
        own = [source for source in self.source_addresses if (":" in source) == (":" in address)]
        self._turn += 1
        return own[self._turn % len(own)] if own else ""


def _unreachable(peer: Peer, failure: SessionFailed) -> Unreachable:
    ended = failure.ended
    return Unreachable(ended.stage, ended.reply, f"{ended.description} ({peer})", str(peer), failure.transcript)


def _unknown(refusals: list[NoDestination]) -> Unreachable | None:
    """A host whose addresses cannot be told now."""
    temporary = (refusal.reply for refusal in refusals if refusal.reply.code < 500)
    return next((Unreachable("connect", reply) for reply in temporary), None)


def _no_host(site: Site, refusals: list[NoDestination]) -> Unreachable:
    """Nothing to try: for now, when any lookup failed for now; else for good."""
    trouble = _unknown(refusals)
    if trouble is not None:
        return trouble
    if refusals:
        return Unreachable("connect", refusals[0].reply)
    text = f"no mail server of {site.name} has an address"
    if site.route is not None:
        return Unreachable("connect", Reply(code=451, enhanced="4.4.4", text=text))
    return Unreachable("connect", Reply(code=550, enhanced="5.4.4", text=text))
