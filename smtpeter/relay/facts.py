"""What a conversation tells its connection, and how long it waits for its peer."""

from attrs import frozen

from smtpeter.model.outcome import Reply, Stage
from smtpeter.relay.envelope import Envelope
from smtpeter.relay.transaction import Result


@frozen(kw_only=True)
class Timeouts:
    """Seconds to wait in each stage (RFC 5321, 4.5.3.2)."""

    connect: float = 30.0
    """For each address."""
    greeting: float = 300.0
    ehlo: float = 300.0
    starttls: float = 120.0
    auth: float = 120.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    message: float = 600.0
    quit: float = 10.0


@frozen(kw_only=True)
class TLSWanted:
    """Start TLS now, then say that it has started."""


@frozen(kw_only=True)
class Ready:
    """Envelopes can be offered."""


@frozen(kw_only=True, eq=False)
class Concluded:
    """A transaction is over."""

    envelope: Envelope
    results: tuple[Result, ...]
    """In the order of the recipients."""
    transcript: tuple[str, ...]

    @property
    def is_taken(self) -> bool:
        """Whether the server has taken the content for somebody: sent again, it would come twice."""
        return any(one.is_taken for one in self.results)


@frozen(kw_only=True, eq=False)
class Returned:
    """The server never looked at the envelope, or never saw its content: another connection can take it."""

    envelope: Envelope


@frozen(kw_only=True)
class Ended:
    """The session is over; close the connection."""

    stage: Stage
    reply: Reply | None = None
    description: str = ""
    """Empty after QUIT."""
    is_tls_broken: bool = False
    """Whether the same server may work in clear."""


Fact = TLSWanted | Ready | Concluded | Returned | Ended
