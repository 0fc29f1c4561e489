"""
The door: a factory of protocols for any number of listeners, and its closing.
"""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol
from twisted.mail.smtp import SMTPFactory
from typing_extensions import override

from smtpeter.smtpd.premises import Guest, Premises
from smtpeter.smtpd.protocol import SMTPProtocol

_MOST_TIMES_FULL = 2
"""Over so many times the limit of connections, more are closed without a word."""


class SMTPDoorFactory(SMTPFactory):
    """Makes a protocol per connection, in clear or within a listener's TLS."""

    noisy = False

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises.portal)
        self._premises = premises

    @override
    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """C{None}, which closes the connection, when there are far too many."""
        if len(self._premises.present) >= _MOST_TIMES_FULL * self._premises.settings.max_connections:
            return None
        protocol = SMTPProtocol(self._premises)
        protocol.factory = self
        protocol.portal = self.portal
        return protocol


@define(eq=False)
class SMTPDoor:
    """
    The SMTP server but for its listeners.

    @ivar factory: what listeners are given; TLS from the first byte is seen by the transport.
    """

    _premises: Premises
    factory: SMTPDoorFactory = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.factory = SMTPDoorFactory(self._premises)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._premises.present)

    async def drain(self, seconds: float) -> None:
        """
        Let nobody in any more, end idle sessions with C{421 4.3.2}, and let mail in flight be finished. To be called
        when the listeners are closed.

        @param seconds: how long to wait for clients. Then sessions are broken off, and what was not acknowledged is
            refused.
        """
        premises = self._premises
        premises.is_draining = True
        self._tell_all(lambda guest: guest.begin_shutdown())
        emptied = premises.when_empty()
        if not premises.is_empty:
            overdue = premises.clock.callLater(seconds, self._stop_waiting, emptied)
            await emptied
            if overdue.active():
                overdue.cancel()
        self._tell_all(lambda guest: guest.break_off())

    def _tell_all(self, message: Callable[[Guest], None]) -> None:
        for guest in tuple(self._premises.present):
            message(guest)

    def _stop_waiting(self, emptied: Deferred[None]) -> None:
        if not emptied.called:
            emptied.callback(None)
