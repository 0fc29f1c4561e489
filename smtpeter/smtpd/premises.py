"""What all sessions of a door share: its settings, its collaborators and its counters."""

from collections.abc import Callable
from typing import Protocol

from attrs import Factory, define, field
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLContextFactory, IOpenSSLServerConnectionCreator, IReactorTime
from twisted.logger import Logger

from smtpeter.auth.credentials import CHALLENGERS
from smtpeter.auth.failures import FailureTable
from smtpeter.boundaries.intake import Intake
from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.smtpd.delivery import Delivery
from smtpeter.smtpd.dialogue import Dialogue
from smtpeter.smtpd.exchange import Challengers
from smtpeter.smtpd.limits import Behaviour, SharedRoom, Turnstile
from smtpeter.smtpd.session import Session
from smtpeter.smtpd.settings import SMTPSettings

TLSContext = IOpenSSLServerConnectionCreator | IOpenSSLContextFactory


class Guest(Protocol):
    """An open connection."""

    def begin_shutdown(self) -> None:
        """End as soon as no mail is in flight."""

    def break_off(self) -> None:
        """End now."""


@define(eq=False, kw_only=True)
class Premises:
    """
    Made once per door.

    @ivar portal: logs in with user name and password, for C{IMessageDelivery}, to a L{smtpeter.auth.realm.Sender}.
    @ivar may_be_return: whether an address could be one that mail comes back to: cheap, and never wrongly false for
        addresses of messages. It spares senders the asking for every recipient.
    @ivar tls_context: for STARTTLS, such as C{CertificateOptions}; C{None}: it is not offered.
    @ivar connected: counts connections.
    @ivar refused: counts refusals by enhanced status code.
    @ivar login_failed: counts wrong credentials.
    @ivar present: the protocols whose connection is open.
    @ivar under_way: how many pieces of work must end before storage may close, whether or not a client still waits.
    """

    settings: SMTPSettings
    portal: Portal
    intake: Intake
    may_be_return: Callable[[str], bool]
    clock: IReactorTime
    tls_context: TLSContext | None = None
    challengers: Challengers = Factory(lambda: dict(CHALLENGERS))
    log: Logger = Factory(Logger)
    connected: Tally = uncounted
    refused: Tally = uncounted
    login_failed: Tally = uncounted
    is_draining: bool = field(default=False, init=False)
    present: set[Guest] = field(factory=set, init=False)
    under_way: int = field(default=0, init=False)
    failures: FailureTable = field(init=False)
    turnstile: Turnstile = field(init=False)
    room: SharedRoom = field(init=False)
    delivery: Delivery = field(init=False)
    _emptied: Deferred[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        settings, patience = self.settings, self.settings.patience
        self.failures = FailureTable(patience.address_failures, patience.address_seconds, patience.addresses)
        self.turnstile = Turnstile(settings.max_connections, settings.max_connections_per_address)
        self.room = SharedRoom(settings.max_held_bytes)
        self.delivery = Delivery(self.intake, self.log)

    @property
    def is_empty(self) -> bool:
        """Whether nobody is here and nothing is under way."""
        return not (self.present or self.under_way)

    def new_session(self, offers_tls: bool, is_encrypted: bool) -> Session:
        """A session that has not begun."""
        dialogue = Dialogue(self.settings, self.challengers, self.may_be_return, offers_tls, is_encrypted)
        self.connected()
        return Session(dialogue, self.settings, self.room, Behaviour(self.settings.patience), refused=self.refused)

    def when_empty(self) -> Deferred[None]:
        """Fires when L{is_empty}; cancel it to stop waiting."""
        self._emptied = Deferred()
        self.look_whether_empty()
        return self._emptied

    def look_whether_empty(self) -> None:
        """To be called after somebody has left or something has ended."""
        if self._emptied is not None and self.is_empty and not self._emptied.called:
            self._emptied.callback(None)
