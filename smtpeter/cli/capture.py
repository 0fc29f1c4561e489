"""A mail server on loopback that keeps what it gets: the demo's destination."""

from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import ServerFactory
from twisted.mail.smtp import ESMTP, Address, IMessage, IMessageDelivery, User
from typing_extensions import override
from zope.interface import implementer


@frozen(kw_only=True)
class Captured:
    """A message as it arrived."""

    reverse_path: str
    recipient: str
    content: bytes


@implementer(IMessage)
@define(eq=False)
class _Message:
    _reverse_path: str
    _recipient: str
    _report: Callable[[Captured], None]
    _lines: list[bytes] = field(factory=list, init=False)

    def lineReceived(self, line: bytes) -> None:
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        content = b"".join(line + b"\r\n" for line in self._lines)
        self._report(Captured(reverse_path=self._reverse_path, recipient=self._recipient, content=content))
        return succeed(None)

    def connectionLost(self) -> None:
        self._lines.clear()


@implementer(IMessageDelivery)
@define(eq=False)
class _Delivery:
    _report: Callable[[Captured], None]
    _origin: str = field(default="", init=False)

    def receivedHeader(self, helo: tuple[bytes, bytes], origin: Address, recipients: list[User]) -> bytes:
        return b""

    def validateFrom(self, helo: tuple[bytes, bytes], origin: Address) -> Address:
        self._origin = str(origin)
        return origin

    def validateTo(self, user: User) -> Callable[[], _Message]:
        return lambda: _Message(self._origin, str(user.dest), self._report)


@define(eq=False)
class CaptureFactory(ServerFactory[ESMTP]):
    """Builds the connections; every message is reported once per recipient, in the reactor's thread."""

    report: Callable[[Captured], None]

    @override
    def buildProtocol(self, addr: object) -> ESMTP:
        """One connection."""
        protocol = ESMTP()
        protocol.delivery = _Delivery(self.report)
        protocol.host = b"destination.demo"
        protocol.factory = self
        return protocol
