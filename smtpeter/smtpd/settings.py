"""What an operator decides about the SMTP server, with its bounds of size, patience and time."""

from typing import Literal

from attrs import field, frozen


@frozen(kw_only=True)
class Patience:
    """How much of it a client gets before C{421 4.7.0}."""

    failed_logins: int = 5
    """In one session."""
    errors: int = 20
    """Commands answered with a permanent error, since the last accepted message."""
    junk_commands: int = 100
    """Commands that bring no mail nearer, since the last accepted message."""
    address_failures: int = 30
    """Failed logins from one address within C{address_seconds}."""
    address_seconds: float = 600
    addresses: int = 10_000
    """How many addresses are remembered."""


@frozen(kw_only=True)
class Deadlines:
    """Seconds, absolute: a byte now and then extends none of them."""

    handshake: float = 60
    """For a TLS handshake, before the greeting."""
    command: float = 300
    """For a whole command since the last reply (RFC 5321, 4.5.3.2.7)."""
    data: float = 180
    """For a message on top of what its octets take at C{octets_per_second}."""
    octets_per_second: float = 1024
    reading: float = 120
    """For a client to take replies that fill its window."""
    closing: float = 10
    """For a connection to end after our last reply."""
    closing_at_shutdown: float = 2
    """The same when the server stops: an idle client of TLS reads nothing and would hold the stop up."""


@frozen(kw_only=True)
class SMTPSettings:
    """The settings of the door; addresses to listen on are not among them."""

    hostname: str
    contact: str
    """Whom to ask for permission to send, for the text of a refusal."""
    max_message_size: int = 26_214_400
    """Octets, before line ends are made whole."""
    max_recipients: int = 1000
    bare_newline: Literal["normalize", "reject"] = "normalize"
    greeting_delay: float = 0
    """Seconds."""
    max_connections: int = 1000
    max_connections_per_address: int = 50
    max_held_bytes: int = 512 * 1024 * 1024
    """Octets of messages in reception, of all sessions together."""
    patience: Patience = field(factory=Patience)
    deadlines: Deadlines = field(factory=Deadlines)
