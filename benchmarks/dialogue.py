"""The client's side of one connection, as a generator: it yields what is to be sent and is given the replies."""

import ssl
from base64 import b64encode
from collections.abc import Callable, Generator
from time import perf_counter

from attrs import define, field, frozen

from benchmarks.contents import Content

Step = tuple[bytes, int]
"""What is to be sent, and how many replies are awaited; no replies mean that the TLS handshake follows."""

Dialogue = Generator[Step, list[bytes], None]


class Refused(Exception):
    """The server did not say what was hoped for."""


@frozen(kw_only=True)
class Target:
    """Whom to send to, and as whom."""

    port: int
    username: str = ""
    password: str = ""
    """Both empty: in clear and without a login."""
    sender: str = "news@example.org"
    recipient: str = "reader@example.net"


@define(eq=False)
class Tally:
    """What has been done so far."""

    end_at: float
    limit: int
    """The most messages."""
    started: int = 0
    accepted: int = 0
    connections: int = 0
    refused: int = 0
    last_refusal: str = ""
    seconds: list[float] = field(factory=list)
    """From MAIL to the reply to the end of data, a message each."""

    def next_number(self) -> int | None:
        """The number of the next message; C{None} when it is over."""
        if self.started >= self.limit or perf_counter() >= self.end_at:
            return None
        self.started += 1
        return self.started


def converse(target: Target, content: Content, per_connection: int, tally: Tally, offset: int) -> Dialogue:
    """One connection: greeting, STARTTLS, AUTH, messages with MAIL, RCPT and DATA in one write, QUIT."""
    yield from _ask(b"", b"220")
    yield from _ask(b"EHLO bench.example\r\n", b"250")
    if target.username:
        yield from _ask(b"STARTTLS\r\n", b"220")
        yield b"", 0
        yield from _ask(b"EHLO bench.example\r\n", b"250")
        secret = b64encode(f"\0{target.username}\0{target.password}".encode())
        yield from _ask(b"AUTH PLAIN " + secret + b"\r\n", b"235")
    envelope = f"MAIL FROM:<{target.sender}>\r\nRCPT TO:<{target.recipient}>\r\nDATA\r\n".encode()
    for _ in range(per_connection):
        number = tally.next_number()
        if number is None:
            break
        begun = perf_counter()
        yield from _ask(envelope, b"250", b"250", b"354")
        yield from _ask(content(offset + number) + b".\r\n", b"250")
        tally.accepted += 1
        tally.seconds.append(perf_counter() - begun)
    yield from _ask(b"QUIT\r\n", b"221")


def _ask(octets: bytes, *codes: bytes) -> Dialogue:
    replies = yield octets, len(codes)
    for reply, code in zip(replies, codes, strict=True):
        if not reply.startswith(code):
            raise Refused(reply.decode("latin-1"))


def trusting() -> ssl.SSLContext:
    """A client's context that trusts anybody: certificates are not what is measured."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


Open = Callable[[], Dialogue]
