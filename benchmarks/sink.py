"""
The destination, a process of its own: accepts everything as fast as it can, counts, and prints its rate each second.

C{python -m benchmarks.sink --port 2500}; with C{--certificate} and C{--key} it offers STARTTLS and AUTH too, and takes
any password, so that it shows what the load generator can do. The counters are in the file that C{--counter} names.
"""

import argparse
import mmap
import selectors
import signal
import socket
import ssl
import struct
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from attrs import define, field

COUNTERS = struct.Struct("=QQ")
"""Messages, octets."""

_END = b"\r\n.\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
_ANSWERS = {
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"AUTH": b"235 2.7.0 Ok\r\n",
    b"HELO": b"250 sink\r\n",
}


@define(eq=False)
class Counters:
    """Shared with whoever maps the same file."""

    _map: mmap.mmap
    messages: int = 0
    octets: int = 0

    def add(self, octets: int) -> None:
        """A message came."""
        self.messages += 1
        self.octets += octets
        COUNTERS.pack_into(self._map, 0, self.messages, self.octets)


def map_counters(path: Path) -> mmap.mmap:
    """The counters of a file, which is made when it is not there."""
    if not path.exists():
        path.write_bytes(bytes(COUNTERS.size))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), COUNTERS.size)


@define(eq=False)
class Session:
    """One connection."""

    socket: Any
    _counters: Counters
    _selector: selectors.BaseSelector
    _context: ssl.SSLContext | None
    _input: bytearray = field(factory=bytearray)
    _is_data: bool = False
    _is_tls: bool = False

    def ready(self) -> None:
        """Something can be read."""
        try:
            if self._is_tls and self.socket.version() is None:
                self.socket.do_handshake()
            octets = self.socket.recv(262_144)
            # Not every client sets TCP_NODELAY; none shall wait 40 ms for an acknowledgement.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError:
            octets = b""
        if octets:
            self._take(octets)
        else:
            self.close()

    def close(self) -> None:
        """Forget it."""
        self._selector.unregister(self.socket)
        self.socket.close()

    def _take(self, octets: bytes) -> None:
        search_from = max(0, len(self._input) - len(_END))
        self._input += octets
        output: list[bytes] = []
        goes_on = True
        while goes_on:
            goes_on = self._take_body(output, search_from) if self._is_data else self._take_line(output)
            search_from = 0
        if output:
            self.socket.sendall(b"".join(output))
            self._after(output[-1])

    def _after(self, last: bytes) -> None:
        if last.startswith(b"220"):
            self._begin_tls()
        elif last.startswith(b"221"):
            self.close()

    def _take_body(self, output: list[bytes], search_from: int) -> bool:
        end = self._input.find(_END, search_from)
        if end < 0:
            return False
        self._counters.add(end)
        del self._input[: end + len(_END)]
        self._is_data = False
        output.append(b"250 2.0.0 Ok: queued\r\n")
        return True

    def _take_line(self, output: list[bytes]) -> bool:
        end = self._input.find(b"\r\n")
        if end < 0:
            return False
        verb = bytes(self._input[:4]).upper()
        del self._input[: end + 2]
        if verb == b"DATA":
            self._is_data = True
            output.append(b"354 Go on\r\n")
        elif verb == b"EHLO":
            output.append(_EHLO + self._extension())
        elif verb == b"STAR" and self._context is not None:
            output.append(b"220 2.0.0 Ready\r\n")
        elif verb == b"QUIT":
            output.append(b"221 2.0.0 Bye\r\n")
            return False
        else:
            output.append(_ANSWERS.get(verb, b"502 5.5.1 No\r\n"))
        return True

    def _extension(self) -> bytes:
        if self._context is None:
            return b"250 HELP\r\n"
        return b"250 AUTH PLAIN\r\n" if self._is_tls else b"250 STARTTLS\r\n"

    def _begin_tls(self) -> None:
        assert self._context is not None
        self._selector.unregister(self.socket)
        self.socket = self._context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._selector.register(self.socket, selectors.EVENT_READ, self)
        self._is_tls = True


@define(eq=False)
class Sink:
    """The server."""

    _listener: socket.socket
    _counters: Counters
    _context: ssl.SSLContext | None
    _selector: selectors.BaseSelector = field(factory=selectors.DefaultSelector)

    def serve(self) -> None:
        """Accept for ever."""
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        told_at, told = perf_counter(), 0
        while True:
            for key, _ in self._selector.select(1.0):
                if key.data is None:
                    self._accept()
                else:
                    key.data.ready()
            elapsed = perf_counter() - told_at
            if elapsed >= 1.0:
                if self._counters.messages != told:
                    print(f"{(self._counters.messages - told) / elapsed:8.0f} messages/s", flush=True)
                told_at, told = perf_counter(), self._counters.messages

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 sink ESMTP\r\n")
        connection.setblocking(False)
        session = Session(connection, self._counters, self._selector, self._context)
        self._selector.register(connection, selectors.EVENT_READ, session)


def main() -> None:
    """Listen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--counter", type=Path, default=Path("/tmp/benchmark-sink"))
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=512)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Sink(listener, Counters(map_counters(arguments.counter)), context).serve()


if __name__ == "__main__":
    main()
