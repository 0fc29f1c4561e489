"""
The shell around a session: transport, clock and collaborators of Twisted's ESMTP server.

L{twisted.mail.smtp.ESMTP} gives the shape (Cred portal, challengers, avatar); all that reads or answers the wire is
replaced by L{Session}. Of one read all replies go out in one write, and the clock is asked, not rewound.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHandshakeListener,
    IPushProducer,
    ISSLTransport,
    ITCPTransport,
    ITLSTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.mail.smtp import ESMTP
from twisted.python.failure import Failure
from typing_extensions import override
from zope.interface import implementer

from smtpeter.auth.failures import address_key
from smtpeter.prompt import hasten, write_now
from smtpeter.smtpd import replies
from smtpeter.smtpd.clerk import Clerk
from smtpeter.smtpd.pace import Pace
from smtpeter.smtpd.premises import Premises
from smtpeter.smtpd.replies import Reply
from smtpeter.smtpd.session import Session
from smtpeter.smtpd.work import StartTLS, Work

LOOK_SECONDS = 30.0
"""How late a deadline may be noticed at most."""


@implementer(IHandshakeListener, IPushProducer)
class SMTPProtocol(ESMTP):
    """One connection."""

    noisy = False
    transport: Any
    portal: Any = None
    _session: Session
    _clerk: Clerk
    _pace: Pace
    _timer: IDelayedCall | None = None
    _greeting: IDelayedCall | None = None
    _work: Deferred[None] | None = None
    _address: str | None = None
    _is_advancing = False
    _is_paused = False
    _is_gone = False

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises.challengers, premises.tls_context)
        self._premises = premises
        self._clock = premises.clock
        self._log = premises.log

    # What Twisted calls.

    @override
    def connectionMade(self) -> None:
        """Let in, if there is room; the greeting waits for the handshake of implicit TLS."""
        is_encrypted = ISSLTransport.providedBy(self.transport)
        offers_tls = self.ctx is not None and ITLSTransport.providedBy(self.transport)
        hasten(self.transport)
        self._session = self._premises.new_session(offers_tls, is_encrypted)
        self._clerk = Clerk(self._premises, self._session, self._peer())
        settings = self._premises.settings
        self._pace = Pace(settings.deadlines, settings.max_message_size, self._clock.seconds())
        self._premises.present.add(self)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._watch()
        self._enter()
        if not (is_encrypted or self._session.is_closed):
            self._await_greeting()

    def handshakeCompleted(self) -> None:
        """TLS is up."""
        handle = self.transport.getHandle()
        self._clerk.tls = f"{handle.get_protocol_version_name()} {handle.get_cipher_name()}"
        if not (self._pace.is_greeted or self._session.is_closed):
            self._await_greeting()

    @override
    def dataReceived(self, data: bytes) -> None:
        """Take what came; before the greeting nothing may."""
        if self._pace.is_greeted:
            self._session.receive(data)
            self._advance()
        elif not self._session.is_closed:
            self._dismiss(replies.TALKED_EARLY)

    @override
    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let go of the session; what intake was given goes on to its end."""
        super().connectionLost(reason)
        self._is_gone = True
        self._clerk.log_out()
        self._session.end()
        for call in (self._timer, self._greeting):
            if call is not None and call.active():
                call.cancel()
        if self._address is not None:
            self._premises.turnstile.leave(self._address)
        self._premises.present.discard(self)
        self._premises.look_whether_empty()

    def pauseProducing(self) -> None:
        """The client does not read its replies: nothing is answered, or read, until it does."""
        self._pace.blocked_since = self._clock.seconds()
        self._watch()
        self._regulate_reading()

    def resumeProducing(self) -> None:
        """The replies were read."""
        self._pace.blocked_since = None
        self._pace.since = self._clock.seconds()
        self._advance()

    def stopProducing(self) -> None:
        """The connection is gone, which L{connectionLost} tells as well."""

    # What the door calls.

    def begin_shutdown(self) -> None:
        """End as soon as no mail is in flight."""
        self._session.begin_shutdown()
        if self._pace.is_greeted:
            self._advance()
        else:
            self._dismiss(replies.SHUTTING_DOWN)

    def break_off(self) -> None:
        """End now. A message that was not acknowledged stays with the client."""
        self._dismiss(replies.SHUTTING_DOWN)

    # The beginning.

    def _peer(self) -> str:
        return str(getattr(self.transport.getPeer(), "host", None) or "")

    def _enter(self) -> None:
        """Count the connection, with the address that it comes from as far as is known."""
        address = address_key(self._clerk.peer)
        if self._premises.turnstile.enter(address):
            self._address = address
        else:
            self._log.info("too many connections, {peer} is turned away", peer=self._clerk.peer)
            self._dismiss(replies.TOO_MANY_CONNECTIONS)

    def _await_greeting(self) -> None:
        """
        Without a delay the greeting still waits for two turns of the reactor: between them it reads what was sent
        ahead of the greeting.
        """
        delay = self._premises.settings.greeting_delay
        if delay > 0:
            self._greeting = self._clock.callLater(delay, self._greet)
        else:
            self._greeting = self._clock.callLater(0, self._await_turn)

    def _await_turn(self) -> None:
        self._greeting = self._clock.callLater(0, self._greet)

    def _greet(self) -> None:
        self._pace.is_greeted = True
        self._clerk.peer = self._peer()
        if address_key(self._clerk.peer) != self._address:
            # A proxy has told by now for whom it speaks.
            self._premises.turnstile.leave(self._address or "")
            self._address = None
            self._enter()
        if self._session.is_closed:
            return
        if self._premises.is_draining:
            self._session.begin_shutdown()
        else:
            self._session.greet()
        self._advance()

    # The work of a session.

    def _advance(self) -> None:
        if self._is_advancing or self._is_gone or self._pace.blocked_since is not None:
            return
        self._is_advancing = True
        session = self._session
        self._clerk.watch_login(self._clock.seconds())
        try:
            while (work := session.advance()) is not None:
                self._perform(work)
        except Exception:
            self._log.failure("a session broke off")
            session.dismiss(replies.FAULT)
        finally:
            self._is_advancing = False
        self._flush()
        self._regulate_reading()

    def _perform(self, work: Work) -> None:
        if isinstance(work, StartTLS):
            self._flush()
            self.startedTLS = True
            self.transport.startTLS(self.ctx)
            hasten(self.transport)
        else:
            self._work = Deferred.fromCoroutine(self._carry_out(work))

    async def _carry_out(self, work: Work) -> None:
        """Do it to its end, even when the connection ends before; then go on."""
        self._premises.under_way += 1
        try:
            await self._clerk.perform(work)
        except Exception:
            self._log.failure("the work of a session broke off")
            self._session.dismiss(replies.FAULT)
        finally:
            self._premises.under_way -= 1
        self._advance()
        self._premises.look_whether_empty()

    # The wire.

    def _flush(self) -> None:
        output = self._session.take_output()
        if self._session.is_closed and self._pace.closing_since is None:
            self._hang_up(output)
        elif output:
            self._pace.since = self._clock.seconds()
            write_now(self.transport, output)

    def _hang_up(self, farewell: bytes) -> None:
        """Say a last thing. TLS still has to read to end in order, or to bring the handshake to its end."""
        self._pace.closing_since = self._clock.seconds()
        self._pace.is_hurried = self._premises.is_draining
        self._watch()
        self.transport.unregisterProducer()
        if self._is_paused:
            self.transport.resumeProducing()
        self.transport.write(farewell)
        self.transport.loseConnection()

    def _dismiss(self, reply: Reply) -> None:
        self._session.dismiss(reply)
        self._flush()

    def _regulate_reading(self) -> None:
        """Read no more than what can be looked at soon."""
        pace, session = self._pace, self._session
        is_paused = pace.blocked_since is not None or (session.is_waiting and session.is_full)
        if is_paused is not self._is_paused and pace.closing_since is None:
            self._is_paused = is_paused
            if is_paused:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def _watch(self) -> None:
        """
        See to it that somebody looks when the next deadline is due. An earlier look does no harm, and is needed now and
        then: what the client does may bring a deadline nearer, and moves no timer.
        """
        due = self._pace.due(self._session.is_waiting, self._session.body_octets)
        wait = LOOK_SECONDS if due is None else min(max(0.0, due - self._clock.seconds()), LOOK_SECONDS)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._clock.callLater(wait, self._look_at_clock)

    def _look_at_clock(self) -> None:
        due = self._pace.due(self._session.is_waiting, self._session.body_octets)
        if due is None or due > self._clock.seconds():
            self._watch()
        elif self._pace.closing_since is not None or self._pace.blocked_since is not None:
            self.transport.abortConnection()
        else:
            self._log.info("{peer} was too slow", peer=self._clerk.peer)
            self._dismiss(replies.TOO_SLOW)
