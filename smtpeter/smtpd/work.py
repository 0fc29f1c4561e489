"""What a session asks its shell to do; all but L{StartTLS} wait for an answer."""

from collections.abc import Iterator

from attrs import field, frozen

from smtpeter.model.message import Recipient
from smtpeter.smtpd.envelope import Envelope
from smtpeter.smtpd.exchange import Challenger


@frozen
class LogIn:
    """Check complete credentials: L{Session.logged_in}, L{Session.login_failed}, L{Session.login_unavailable}."""

    credentials: Challenger = field(repr=False)


@frozen
class RenewLogin:
    """Look whether the login is still good: L{Session.login_renewed}, L{Session.login_unavailable}."""


@frozen
class FindReturn:
    """Look whether mail comes back to that address: L{Session.return_found}, L{Session.return_unavailable}."""

    recipient: Recipient


@frozen
class Deliver:
    """Accept a message: L{Session.delivered}."""

    envelope: Envelope
    pieces: Iterator[bytes] = field(repr=False)
    """Of the content, dots un-stuffed, line ends whole. Each is made when it is asked for, which takes some
    milliseconds, or raises L{Rejected<smtpeter.smtpd.replies.Rejected>}."""


@frozen
class StartTLS:
    """Send what is to be sent and begin the handshake."""


Work = LogIn | RenewLogin | FindReturn | Deliver | StartTLS
