"""
Carries a conversation over a TCP connection: bytes, TLS, deadlines, and nothing to decide.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    ITCPTransport,
    ITLSTransport,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from typing_extensions import override
from zope.interface import implementer

from smtpeter.prompt import hasten, write_now
from smtpeter.relay.conversation import Conversation
from smtpeter.relay.envelope import Envelope
from smtpeter.relay.facts import Concluded, Ended, Fact, Ready, Returned, TLSWanted

LINGER_SECONDS = 5.0

WRITE_BYTES = 1024 * 1024
"""Octets written at one time; TLS encrypts all of that before anybody else has a turn."""


@frozen(kw_only=True)
class Peer:
    """Who is at the other end."""

    host: str
    address: str

    @override
    def __str__(self) -> str:
        return f"{self.host} [{self.address}]"


class SessionFailed(Exception):
    """
    The opening did not lead to a usable session.

    @ivar ended: why.
    @ivar transcript: the dialogue.
    """

    def __init__(self, ended: Ended, transcript: tuple[str, ...]) -> None:
        super().__init__(ended)
        self.ended = ended
        self.transcript = transcript


@implementer(IHandshakeListener)
@define(eq=False, kw_only=True)
class Connection(Protocol):
    """
    One connection.

    @ivar opened: fires once mail can be sent, or fails with L{SessionFailed}.
    @ivar report: gets L{Concluded}, L{Returned} and, last, L{Ended} of an opened session.
    @ivar tls: protocol and cipher; empty in clear.
    @ivar envelopes: how many were offered.
    """

    conversation: Conversation
    peer: Peer
    clock: IReactorTime
    tls_options: Callable[[], IOpenSSLClientConnectionCreator]
    opened: Deferred[None] = field(factory=Deferred)
    report: Callable[[Fact], None] = field(default=lambda fact: None)
    tls: str = ""
    local: str = ""
    note: str = ""
    """What should be known of how it came to be: TLS that is broken or was refused."""
    envelopes: int = 0
    _due: float | None = None
    _timer: IDelayedCall | None = None
    _linger: IDelayedCall | None = None
    _unsent: deque[bytes] = field(factory=deque)
    _turn: IDelayedCall | None = None
    _farewell: Ended | None = None
    _is_opened: bool = False
    _is_closed: bool = False
    _is_busy: bool = False
    _facts: deque[Fact] = field(factory=deque)

    @override
    def connectionMade(self) -> None:
        transport: Any = self.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        self.local = str(getattr(transport.getHost(), "host", ""))
        self._watch()

    @override
    def dataReceived(self, data: bytes) -> None:
        heard = self.conversation.heard
        facts = self.conversation.receive(data)
        self._carry_out(facts, has_moved=self.conversation.heard > heard)

    def handshakeCompleted(self) -> None:
        """Called by Twisted when TLS is up."""
        transport: Any = self.transport
        connection = getattr(transport, "getHandle", lambda: None)()
        if connection is not None and hasattr(connection, "get_cipher_name"):
            version, cipher = connection.get_protocol_version_name(), connection.get_cipher_name()
            self.tls = f"{version} {cipher}"
        self._carry_out(self.conversation.tls_started())

    @override
    def connectionLost(self, reason: Failure = Failure(ConnectionDone())) -> None:  # noqa: B008
        is_handshake = self.conversation.stage == "starttls"
        text = "" if reason.check(ConnectionDone) else f": {reason.value}"
        what = "the TLS handshake failed" if is_handshake else "the connection was lost"
        self._is_closed = True
        self._carry_out(self.conversation.lose(f"{what}{text}"[:500], is_tls_broken=is_handshake))
        self._stop_watching()
        for call in (self._linger, self._turn):
            if call is not None and call.active():
                call.cancel()
        if self._farewell is not None:
            self.report(self._farewell)

    def offer(self, envelope: Envelope) -> None:
        """
        Send an envelope; there must be room.

        @raise ValueError: an address holds a line end; nothing was sent.
        """
        self.envelopes += 1
        self._carry_out(self.conversation.offer(envelope))

    def recorded(self) -> None:
        """The result of a L{Concluded} whose content was taken is recorded: send the next content."""
        self._carry_out(self.conversation.recorded())

    def quit(self) -> None:
        """Say goodbye and close."""
        if self.conversation.is_idle:
            self.conversation.quit()
            self._carry_out([])
        else:
            self.abort("closed by us")

    def abort(self, description: str) -> None:
        """Close at once."""
        self._carry_out(self.conversation.lose(description))
        self._close(is_hard=True)

    def _carry_out(self, facts: list[Fact], has_moved: bool = True) -> None:
        """
        What a report leads to (the next envelope, and what comes of it) waits for its turn: no recursion.

        @param has_moved: whether the deadline begins anew. A part of a reply does not do that: a server that sends an
            octet now and then would hold the connection for months.
        """
        self._facts.extend(facts)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._facts:
                self._meet(self._facts.popleft())
        finally:
            self._is_busy = False
        self._flush()
        if has_moved:
            self._watch()

    def _meet(self, fact: Fact) -> None:
        if isinstance(fact, (Concluded, Returned)):
            self.report(fact)
        elif isinstance(fact, TLSWanted):
            self._flush()
            self._start_tls()
        elif isinstance(fact, Ready):
            self._is_opened = True
            if self.conversation.tls_refusal is not None:
                self.note = f"STARTTLS was refused ({self.conversation.tls_refusal}); in clear"
            self.opened.callback(None)
        else:
            self._ended(fact)

    def _flush(self) -> None:
        data = self.conversation.outgoing()
        self._unsent.extend([data[start : start + WRITE_BYTES] for start in range(0, len(data), WRITE_BYTES)])
        if self._turn is None:
            self._send()

    def _send(self) -> None:
        self._turn = None
        transport: Any = self.transport
        if self._is_closed or transport is None or not self._unsent:
            return
        write_now(transport, self._unsent.popleft())
        if self._unsent:
            self._turn = self.clock.callLater(0, self._send)

    def _start_tls(self) -> None:
        transport: Any = self.transport
        assert ITLSTransport.providedBy(transport)
        transport.startTLS(self.tls_options())
        hasten(transport)

    def _ended(self, ended: Ended) -> None:
        """An opened session is over for its owner when the connection is really gone."""
        if self._is_opened:
            self._farewell = ended
        elif not self.opened.called:
            self.opened.errback(SessionFailed(ended, tuple(self.conversation.opening_transcript)))
        self._close(is_hard=bool(ended.description) and ended.reply is None)

    def _close(self, is_hard: bool) -> None:
        transport: Any = self.transport
        if self._is_closed or transport is None:
            return
        self._is_closed = True
        if is_hard:
            transport.abortConnection()
        else:
            transport.loseConnection()
            # A peer that reads nothing more would keep it open.
            self._linger = self.clock.callLater(LINGER_SECONDS, transport.abortConnection)

    def _watch(self) -> None:
        """
        The deadline moves with every exchange; an idle session has none here. The timer stays where it is unless it
        would come too late: what a message costs must not include timers.
        """
        seconds = None if self._is_closed else self.conversation.timeout_seconds
        if seconds is None:
            self._due = None
            return
        self._due = due = self.clock.seconds() + seconds
        if self._timer is None or self._timer.getTime() > due:
            self._stop_watching()
            self._timer = self.clock.callLater(seconds, self._look_at_clock)

    def _stop_watching(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _look_at_clock(self) -> None:
        self._timer = None
        left = None if self._due is None else self._due - self.clock.seconds()
        if left is None:
            return
        if left > 0:
            self._timer = self.clock.callLater(left, self._look_at_clock)
            return
        is_handshake = self.conversation.stage == "starttls"
        self._carry_out(self.conversation.lose("the server did not answer in time", is_tls_broken=is_handshake))
        self._close(is_hard=True)
