"""A client that sends bytes and nothing else, over real sockets: it has no idea of SMTP but where a reply ends."""

import re
import socket
import ssl
import struct
import time
from base64 import b64encode
from pathlib import Path
from types import TracebackType

from attrs import define, field

_LAST_LINE = re.compile(rb"[2-5][0-9]{2} [^\n]*\r\n")


def plain(username: str, password: str, authzid: str = "") -> bytes:
    """The response of AUTH PLAIN."""
    return b64encode(f"{authzid}\0{username}\0{password}".encode())


@define(eq=False)
class Wire:
    """
    One connection.

    @ivar port: on 127.0.0.1.
    @ivar source: a loopback address of ours, since failures are counted by address.
    @ivar certificate: the only one that is trusted, for TLS.
    """

    port: int
    source: str = "127.0.0.1"
    certificate: Path | None = None
    is_tls: bool = False
    link: socket.socket = field(init=False)
    _received: bytes = field(init=False, default=b"")

    def __attrs_post_init__(self) -> None:
        self.link = socket.create_connection(("127.0.0.1", self.port), 20, (self.source, 0))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.is_tls:
            self.handshake()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.link.close()

    def handshake(self) -> None:
        """Begin TLS, checking the certificate."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        self.link = context.wrap_socket(self.link, server_hostname="localhost")

    def send(self, octets: bytes) -> None:
        """Write, and expect nothing."""
        self.link.sendall(octets)

    def reply(self) -> bytes:
        """The next reply, all its lines. @raise ConnectionError: none came any more."""
        while True:
            match = _LAST_LINE.search(self._received)
            starts_line = match is not None and (
                match.start() == 0 or self._received[match.start() - 1 : match.start()] == b"\n"
            )
            if match is not None and starts_line:
                found, self._received = self._received[: match.end()], self._received[match.end() :]
                return found
            octets = self.link.recv(65536)
            if not octets:
                raise ConnectionError(f"closed after {self._received!r}")
            self._received += octets

    def say(self, octets: bytes, count: int = 1) -> bytes:
        """Write, and read so many replies."""
        self.send(octets)
        return b"".join([self.reply() for _ in range(count)])

    def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        try:
            while octets := self.link.recv(65536):
                self._received += octets
        except ConnectionResetError:
            pass
        found, self._received = self._received, b""
        return found

    def silent_for(self, seconds: float) -> bool:
        """Whether nothing comes for so long, and the connection stays open."""
        self.link.settimeout(seconds)
        try:
            octets = self.link.recv(65536)
        except TimeoutError:
            return not self._received
        finally:
            self.link.settimeout(20)
        self._received += octets
        return False

    def segments(self, octets: bytes, *cuts: int, pause: float = 0.004) -> None:
        """Write in segments that the server reads one by one."""
        for start, end in zip((0, *cuts), (*cuts, len(octets)), strict=True):
            if octets[start:end]:
                self.send(octets[start:end])
                time.sleep(pause)

    def reset(self) -> None:
        """End the connection with RST: what was written may be lost on the way."""
        self.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.link.close()
