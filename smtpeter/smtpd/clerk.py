"""
Carries out the work that a session asks for, with the portal and intake, and tells it what came of it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.task import deferLater
from twisted.mail.interfaces import IMessageDelivery

from smtpeter.auth.failures import address_key
from smtpeter.auth.realm import Sender
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.mime.wire import PIECE
from smtpeter.model.message import Trace
from smtpeter.smtpd import replies
from smtpeter.smtpd.premises import Premises
from smtpeter.smtpd.replies import Rejected
from smtpeter.smtpd.session import Session
from smtpeter.smtpd.work import Deliver, FindReturn, LogIn, Work

LOGIN_SECONDS = 5.0
"""How long a session may send with its login unseen: what is suspended or removed is stopped in open sessions too."""


@define(eq=False)
class Clerk:
    """
    One session's.

    @ivar peer: the client's address as text; empty when it has none.
    @ivar tls: protocol and cipher; empty without TLS.
    """

    _premises: Premises
    _session: Session
    peer: str
    tls: str = ""
    _sender: Sender | None = None
    _seen_at: float = 0
    _log_out: Callable[[], None] | None = field(default=None, init=False)

    async def perform(self, work: Work) -> None:
        """Do it and answer it. What fails unforeseen is raised, with the work unanswered."""
        if isinstance(work, Deliver):
            await self._deliver(work)
        elif isinstance(work, FindReturn):
            await self._find_return(work)
        elif isinstance(work, LogIn):
            await self._log_in(work)
        else:
            await self._renew_login()

    def watch_login(self, now: float) -> None:
        """Have the login read again before it is used when that was long ago."""
        if self._sender is not None:
            self._session.dialogue.must_renew = now - self._seen_at >= LOGIN_SECONDS

    def log_out(self) -> None:
        """The avatar is not needed any more."""
        if self._log_out is not None:
            self._log_out()
            self._log_out = None

    async def _deliver(self, work: Deliver) -> None:
        envelope = work.envelope
        trace = Trace(protocol=envelope.protocol, helo=envelope.helo, peer=self.peer, tls=self.tls)
        try:
            content = await self._content(work.pieces)
        except Rejected as rejected:
            self._session.delivered(rejected.reply)
        else:
            self._session.delivered(await self._premises.delivery.accept(envelope, content, trace))

    async def _content(self, pieces: Iterator[bytes]) -> bytes:
        """Between the pieces of a large content others have their turn."""
        made: list[bytes] = []
        for piece in pieces:
            made.append(piece)
            if len(piece) >= PIECE // 2:
                await deferLater(self._premises.clock, 0)
        return made[0] if len(made) == 1 else b"".join(made)

    async def _find_return(self, work: FindReturn) -> None:
        try:
            address = await self._premises.intake.find_return(work.recipient.address)
        except StorageBusy:
            self._session.return_unavailable()
        else:
            self._session.return_found(address)

    async def _log_in(self, work: LogIn) -> None:
        premises = self._premises
        address, now = address_key(self.peer), premises.clock.seconds()
        if premises.failures.is_blocked(address, now):
            premises.log.info("too many failed logins, {peer} is turned away", peer=self.peer)
            self._session.dismiss(replies.TOO_MANY_FAILURES)
            return
        credentials: Any = work.credentials
        try:
            _, sender, log_out = await premises.portal.login(credentials, None, IMessageDelivery)
        except UnauthorizedLogin:
            premises.log.info("login failed from {peer}", peer=self.peer)
            premises.login_failed()
            premises.failures.record(address, now)
            self._session.login_failed()
        except StorageBusy:
            self._session.login_unavailable()
        else:
            assert isinstance(sender, Sender)
            self._sender, self._seen_at, self._log_out = sender, now, log_out
            self._session.logged_in(sender.login)

    async def _renew_login(self) -> None:
        assert self._sender is not None
        now = self._premises.clock.seconds()
        try:
            login = await self._sender.renew()
        except StorageBusy:
            self._session.login_unavailable()
        else:
            self._seen_at = now
            self._session.login_renewed(login)
