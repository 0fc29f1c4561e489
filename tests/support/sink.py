"""
A receiving mail server for tests, on a loopback port of its own, in threads: it shares no code with SMTPeter.

It takes down every envelope and content. What it answers to a recipient is said by the local part: C{reject…@} gets
550, C{defer…@} 450 for as long as the test wants.
"""

import re
import socketserver
import ssl
import threading
from collections.abc import Callable
from typing import ClassVar

from attrs import define, field, frozen
from typing_extensions import override

_PATH = re.compile(rb"(?i)(?:MAIL FROM|RCPT TO):\s*<([^>]*)>(.*)")


@frozen(kw_only=True)
class Delivered:
    """A message as it arrived: one transaction."""

    reverse_path: str
    mail_parameters: str
    recipients: tuple[str, ...]
    rcpt_parameters: tuple[str, ...]
    content: bytes
    """Dots un-stuffed, without the final dot."""
    helo: str
    is_tls: bool
    connection: int


@define(eq=False)
class Sink:
    """The server; C{with Sink() as sink:} runs it."""

    context: ssl.SSLContext | None = None
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
    answer_rcpt: Callable[[str], str] | None = None
    """Says what RCPT gets; the default looks at the local part."""
    answer_message: Callable[[Delivered], str] | None = None
    """Says what the final dot gets."""
    arrived: list[Delivered] = field(factory=list, init=False)
    connections: int = field(default=0, init=False)
    """How many there ever were."""
    open_connections: int = field(default=0, init=False)
    """How many there are."""
    is_deferring: bool = True
    _change: threading.Condition = field(factory=threading.Condition, init=False)
    _server: "_Server | None" = field(default=None, init=False)

    def __enter__(self) -> "Sink":
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.sink = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        assert self._server is not None
        return self._server.server_address[1]

    def add(self, delivered: Delivered) -> None:
        """Take a message down."""
        with self._change:
            self.arrived.append(delivered)
            self._change.notify_all()

    def count(self, change: int) -> int:
        """A connection is opened (1) or closed (-1). @return: how many were ever opened."""
        with self._change:
            self.open_connections += change
            self.connections += max(change, 0)
            return self.connections

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Delivered]:
        """
        Wait until that many messages are there.

        @raise AssertionError: they did not come in time.
        """
        with self._change:
            if not self._change.wait_for(lambda: len(self.arrived) >= count, seconds):
                raise AssertionError(f"{len(self.arrived)} of {count} messages came in {seconds} s")
            return list(self.arrived)

    def rcpt_reply(self, address: str) -> str:
        """What RCPT gets."""
        if self.answer_rcpt is not None:
            return self.answer_rcpt(address)
        if address.startswith("reject"):
            return "550 5.1.1 No such user here"
        if address.startswith("defer") and self.is_deferring:
            return "450 4.2.0 Try again later"
        return "250 2.1.5 Ok"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    sink: Sink


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    disable_nagle_algorithm: ClassVar[bool] = True
    is_tls = False
    helo = ""
    number = 0

    @override
    def handle(self) -> None:
        self.number = self.server.sink.count(1)
        self._reset()
        try:
            self._say("220 sink.example ESMTP")
            while line := self.rfile.readline(4096):
                if not self._obey(line.rstrip(b"\r\n")):
                    break
        except (ConnectionError, ssl.SSLError, ValueError):
            pass
        finally:
            self.server.sink.count(-1)

    def _say(self, text: str) -> None:
        self.wfile.write(text.replace("\n", "\r\n").encode() + b"\r\n")

    def _reset(self) -> None:
        self.reverse_path: str | None = None
        self.mail_parameters = ""
        self.recipients: list[str] = []
        self.parameters: list[str] = []

    def _obey(self, line: bytes) -> bool:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._ehlo(line)
        elif verb == b"STAR" and self.server.sink.context is not None:
            self._start_tls()
        elif verb == b"MAIL":
            self._mail(line)
        elif verb == b"RCPT":
            self._rcpt(line)
        elif verb == b"DATA":
            self._data()
        elif verb == b"QUIT":
            self._say("221 2.0.0 Bye")
            return False
        else:
            self._reset()
            self._say("250 2.0.0 Ok")
        return True

    def _ehlo(self, line: bytes) -> None:
        self._reset()
        self.helo = line[5:].decode()
        offered = list(self.server.sink.extensions)
        if self.server.sink.context is not None and not self.is_tls:
            offered.append("STARTTLS")
        lines = ["sink.example", *offered]
        self._say("\n".join(f"250{' ' if line is lines[-1] else '-'}{line}" for line in lines))

    def _start_tls(self) -> None:
        assert self.server.sink.context is not None
        self._say("220 2.0.0 Go ahead")
        self.wfile.flush()
        self.connection = self.server.sink.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.is_tls = True

    def _mail(self, line: bytes) -> None:
        match = _PATH.match(line)
        if match is None or self.reverse_path is not None:
            return self._say("503 5.5.1 Bad MAIL")
        self.reverse_path, self.mail_parameters = match[1].decode(), match[2].decode().strip()
        return self._say("250 2.1.0 Ok")

    def _rcpt(self, line: bytes) -> None:
        match = _PATH.match(line)
        if match is None or self.reverse_path is None:
            return self._say("503 5.5.1 Bad RCPT")
        reply = self.server.sink.rcpt_reply(match[1].decode())
        if reply.startswith("2"):
            self.recipients.append(match[1].decode())
            self.parameters.append(match[2].decode().strip())
        return self._say(reply)

    def _data(self) -> None:
        if not self.recipients:
            return self._say("554 5.5.1 No valid recipients")
        self._say("354 Go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if not line:
            raise ConnectionError("closed in the middle")
        delivered = self._delivered(b"".join(lines))
        reply = "250 2.0.0 Ok"
        if self.server.sink.answer_message is not None:
            reply = self.server.sink.answer_message(delivered)
        if reply.startswith("2"):
            self.server.sink.add(delivered)
        self._reset()
        return self._say(reply)

    def _delivered(self, content: bytes) -> Delivered:
        return Delivered(
            reverse_path=self.reverse_path or "",
            mail_parameters=self.mail_parameters,
            recipients=tuple(self.recipients),
            rcpt_parameters=tuple(self.parameters),
            content=content,
            helo=self.helo,
            is_tls=self.is_tls,
            connection=self.number,
        )
