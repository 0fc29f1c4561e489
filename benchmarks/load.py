"""
The load generator, a process of its own: many SMTP sessions over one selector, results as a line of JSON.

C{python -m benchmarks.load --port 2525 --username u --password p --sessions 10 --per-connection 100 --seconds 5}
"""

import argparse
import json
import resource
import selectors
import socket
import ssl
import sys
from time import perf_counter
from typing import Any

from attrs import define, field

from benchmarks.contents import KINDS
from benchmarks.dialogue import Dialogue, Open, Refused, Tally, Target, converse, trusting

READ_OCTETS = 65_536
STALLED_SECONDS = 20.0


@define(eq=False)
class Session:
    """One client that opens a connection after the other until its time is over."""

    _port: int
    _open: Open
    _tally: Tally
    _selector: selectors.BaseSelector
    _context: ssl.SSLContext
    is_over: bool = False
    _socket: Any = None
    _dialogue: Dialogue = field(init=False)
    _awaited: int = 0
    _replies: list[bytes] = field(factory=list)
    _rest: bytes = b""
    _unsent: memoryview = field(default=memoryview(b""))
    _is_handshaking: bool = False

    def connect(self) -> None:
        """Open the next connection."""
        self._dialogue = self._open()
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._socket.setblocking(False)
        self._tally.connections += 1
        self._rest, self._is_handshaking = b"", False
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._go_on(None)

    def ready(self) -> None:
        """The socket can be read or written."""
        try:
            if self._is_handshaking:
                self._shake_hands()
            elif self._unsent:
                self._send()
            else:
                self._read()
        except (Refused, OSError) as error:
            if isinstance(error, (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)):
                return
            self._tally.refused += 1
            self._tally.last_refusal = str(error)
            self._close()

    def _go_on(self, replies: list[bytes] | None) -> None:
        try:
            octets, self._awaited = self._dialogue.send(replies)  # type: ignore[arg-type]
        except StopIteration:
            self._close()
            return
        self._replies = []
        if octets:
            self._unsent = memoryview(octets)
            self._send()
        elif not self._awaited:
            self._begin_tls()

    def _begin_tls(self) -> None:
        self._selector.unregister(self._socket)
        self._socket = self._context.wrap_socket(
            self._socket, do_handshake_on_connect=False, server_hostname="localhost"
        )
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._is_handshaking = True
        try:
            self._shake_hands()
        except ssl.SSLWantReadError:
            pass

    def _shake_hands(self) -> None:
        self._socket.do_handshake()
        self._is_handshaking = False
        self._go_on([])

    def _send(self) -> None:
        was_waiting = self._selector.get_key(self._socket).events != selectors.EVENT_READ
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._selector.modify(self._socket, selectors.EVENT_WRITE, self)
            return
        if was_waiting:
            self._selector.modify(self._socket, selectors.EVENT_READ, self)

    def _read(self) -> None:
        octets = self._socket.recv(READ_OCTETS)
        # A server that writes its replies one by one without TCP_NODELAY would wait 40 ms for each acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not octets:
            raise Refused("the server closed the connection")
        *lines, self._rest = (self._rest + octets).split(b"\r\n")
        self._replies += [line for line in lines if line[3:4] != b"-"]
        if len(self._replies) >= self._awaited:
            self._go_on(self._replies)

    def _close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()
        self._unsent = memoryview(b"")
        if perf_counter() < self._tally.end_at and self._tally.started < self._tally.limit:
            self.connect()
        else:
            self.is_over = True


def run(target: Target, arguments: argparse.Namespace) -> Tally:
    """Send until the time is over; messages under way are finished."""
    content = KINDS[arguments.content](target.sender.partition("@")[2], arguments.size)
    tally = Tally(end_at=perf_counter() + arguments.seconds, limit=arguments.limit)
    selector, context = selectors.DefaultSelector(), trusting()
    sessions = [
        Session(
            arguments.port,
            lambda: converse(target, content, arguments.per_connection, tally, arguments.offset),
            tally,
            selector,
            context,
        )
        for _ in range(arguments.sessions)
    ]
    for session in sessions:
        session.connect()
    while selector.get_map():
        ready = selector.select(STALLED_SECONDS)
        if not ready:
            tally.last_refusal = f"nothing happened for {STALLED_SECONDS} s"
            break
        for key, _ in ready:
            key.data.ready()
    return tally


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {
        "port": 25,
        "sessions": 10,
        "per-connection": 100,
        "size": 4096,
        "limit": 10**9,
        "offset": 0,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--content", choices=KINDS, default="letter")
    for name, text in {
        "username": "",
        "password": "",
        "sender": "news@example.org",
        "recipient": "reader@example.net",
    }.items():
        parser.add_argument(f"--{name}", default=text)
    return parser.parse_args()


def main() -> None:
    """Run and tell."""
    arguments = read_arguments()
    target = Target(
        port=arguments.port,
        username=arguments.username,
        password=arguments.password,
        sender=arguments.sender,
        recipient=arguments.recipient,
    )
    begun, begun_cpu = perf_counter(), _cpu_seconds()
    tally = run(target, arguments)
    ordered = sorted(tally.seconds) or [0.0]
    json.dump(
        {
            "accepted": tally.accepted,
            "seconds": perf_counter() - begun,
            "cpu_seconds": _cpu_seconds() - begun_cpu,
            "connections": tally.connections,
            "refused": tally.refused,
            "last_refusal": tally.last_refusal,
            "median_ms": ordered[len(ordered) // 2] * 1000,
            "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
        },
        sys.stdout,
    )
    print()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
