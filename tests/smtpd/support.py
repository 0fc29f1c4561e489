"""A door in memory, and clients that send it bytes."""

from base64 import b64encode
from collections.abc import Callable

from attrs import define, field
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.interfaces import IReactorTime, ISSLTransport, ITCPTransport, ITLSTransport
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from typing_extensions import override
from zope.interface import alsoProvides

from smtpeter.auth.checkers import LoginChecker
from smtpeter.auth.passwords import hash_password
from smtpeter.auth.realm import SenderRealm
from smtpeter.boundaries.accounts import LoginDirectory
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import Account, Login, Standing
from smtpeter.model.options import Features
from smtpeter.smtpd.door import SMTPDoor
from smtpeter.smtpd.premises import Premises
from smtpeter.smtpd.protocol import SMTPProtocol
from smtpeter.smtpd.settings import SMTPSettings
from tests.support.intake import MemoryIntake

KEY = b"k" * 32
PASSWORD = "abcd efgh 2345"
USERNAME = "sender"
SETTINGS = SMTPSettings(hostname="mail.example.com", contact="postmaster@example.com")
BOUNCE = "b-1@bounces.example.com"
PLAIN = b64encode(f"\0{USERNAME}\0{PASSWORD}".encode())


def make_login(standing: Standing = Standing.ACTIVE, username: str = USERNAME) -> Login:
    """A login whose password is C{PASSWORD}."""
    return Login(
        id=7,
        account=Account(id=3, name="default", standing=standing),
        username=username,
        name="web site",
        features=Features(trackclicks=True),
        secret=hash_password(KEY, PASSWORD),
    )


@define(eq=False)
class MemoryDirectory:
    """Implements L{LoginDirectory}."""

    logins: dict[str, Login] = field(factory=dict)
    is_busy: bool = False
    asked: list[str] = field(factory=list)

    def put(self, login: Login) -> None:
        """Add or replace."""
        self.logins[login.username] = login

    async def find_login(self, username: str) -> Login | None:
        """The login of that name."""
        self.asked.append(username)
        if self.is_busy:
            raise StorageBusy
        return self.logins.get(username)


class FakeHandle:
    """Of an OpenSSL connection what the trace needs."""

    def get_protocol_version_name(self) -> str:
        """The protocol."""
        return "TLSv1.3"

    def get_cipher_name(self) -> str:
        """The cipher."""
        return "TLS_AES_256_GCM_SHA384"


class WireTransport(StringTransport):
    """A TCP transport in memory that can take up TLS."""

    def __init__(self, host: str | None, is_encrypted: bool) -> None:
        peer = UNIXAddress(None) if host is None else IPv4Address("TCP", host, 54321)
        super().__init__(peerAddress=peer)
        self.writes: list[bytes] = []
        self.tls_contexts: list[object] = []
        self.is_nodelay = False
        self.is_aborted = False
        alsoProvides(self, *([ITCPTransport, ITLSTransport] if host is not None else []))
        if is_encrypted:
            alsoProvides(self, ISSLTransport)

    @override
    def write(self, data: bytes) -> None:
        if data:
            self.writes.append(data)
        super().write(data)

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.is_nodelay = bool(enabled)

    def startTLS(self, context: object) -> None:
        self.tls_contexts.append(context)
        alsoProvides(self, ISSLTransport)

    def getHandle(self) -> FakeHandle:
        return FakeHandle()

    @override
    def abortConnection(self) -> None:
        self.is_aborted = True
        super().abortConnection()


@define(eq=False)
class WireClient:
    """A connection, from the client's end."""

    protocol: SMTPProtocol
    transport: WireTransport

    def say(self, octets: bytes) -> bytes:
        """Send; what was answered by now."""
        self.protocol.dataReceived(octets)
        return self.hear()

    def hear(self) -> bytes:
        """What was answered since the last time."""
        answer: bytes = self.transport.value()
        self.transport.clear()
        return answer

    def hang_up(self) -> None:
        """Lose the connection."""
        self.protocol.connectionLost(Failure(connectionDone.value))

    @property
    def is_closed(self) -> bool:
        """Whether the server has closed the connection."""
        return bool(self.transport.disconnecting)

    def start_tls(self) -> None:
        """The whole of STARTTLS."""
        assert self.say(b"STARTTLS\r\n").startswith(b"220 2.0.0")
        self.protocol.handshakeCompleted()


@define(eq=False)
class Site:
    """A door with a directory of logins, an intake, and a clock to turn."""

    settings: SMTPSettings = SETTINGS
    may_be_return: Callable[[str], bool] = lambda address: address.endswith("@bounces.example.com")
    wrap_directory: Callable[[LoginDirectory, IReactorTime], LoginDirectory] = lambda directory, clock: directory
    clock: Clock = field(factory=Clock)
    directory: MemoryDirectory = field(factory=MemoryDirectory)
    intake: MemoryIntake = field(factory=MemoryIntake)
    premises: Premises = field(init=False)
    door: SMTPDoor = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.directory.put(make_login())
        self.intake.welcome(BOUNCE, "message1")
        logins = self.wrap_directory(self.directory, self.clock)
        portal = Portal(SenderRealm(logins), [LoginChecker(logins, KEY)])
        self.premises = Premises(
            settings=self.settings,
            portal=portal,
            intake=self.intake,
            may_be_return=self.may_be_return,
            clock=self.clock,
            tls_context=object(),  # type: ignore[arg-type]
        )
        self.door = SMTPDoor(self.premises)

    def connect(self, is_encrypted: bool = False, host: str | None = "192.0.2.1") -> WireClient:
        """A connection at the moment of accept, before the greeting."""
        protocol = self.door.factory.buildProtocol(None)
        assert isinstance(protocol, SMTPProtocol)
        transport = WireTransport(host, is_encrypted)
        protocol.makeConnection(transport)
        if is_encrypted:
            protocol.handshakeCompleted()
        return WireClient(protocol, transport)

    def greeted(self, is_encrypted: bool = False, host: str | None = "192.0.2.1") -> WireClient:
        """A connection that was greeted."""
        client = self.connect(is_encrypted, host)
        self.clock.advance(0)
        assert client.hear().startswith(b"220 mail.example.com ESMTP")
        return client

    def ready(self, is_encrypted: bool = False, host: str | None = "192.0.2.1") -> WireClient:
        """A connection after EHLO."""
        client = self.greeted(is_encrypted, host)
        assert client.say(b"EHLO client.example\r\n").startswith(b"250-mail.example.com\r\n")
        return client

    def logged_in(self, host: str | None = "192.0.2.1") -> WireClient:
        """A connection after EHLO and AUTH."""
        client = self.ready(is_encrypted=True, host=host)
        assert client.say(b"AUTH PLAIN " + PLAIN + b"\r\n") == b"235 2.7.0 Authentication successful\r\n"
        return client

    def in_data(self) -> WireClient:
        """A connection that may send a message now."""
        client = self.logged_in()
        answer = client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n")
        assert answer.endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n"), answer
        return client
