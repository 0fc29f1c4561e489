"""
How long other clients wait while hostile messages are processed.

A real server, a real next hop, one message after the other; beside them a client that sends NOOP all the time. The
table tells, for each message, how long the replies to NOOP took (milliseconds) until the message had arrived.

    python -m benchmarks.poison [NAME …] [--without-8bitmime] [--tls]
"""

import os
import smtplib
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, evolve, field

from smtpeter.tls.selfsigned import make_self_signed
from tests.support.installation import Installation
from tests.support.poison import POISON
from tests.support.sink import Sink

FEATURES = ("--inlinecss", "--trackclicks", "--trackopens", "--trackbounces", "--preventscam")
TARGET_MS = 200.0
PAUSE_SECONDS = 0.002
NOOPS_PER_CONNECTION = 90
"""The server ends a session of which nothing comes but junk."""

_PATIENCE_SECONDS = 240.0
_IDLE_SECONDS = 3.0
_OLD = ("PIPELINING", "SIZE 100000000", "ENHANCEDSTATUSCODES")
_NEW = (*_OLD, "8BITMIME", "SMTPUTF8", "DSN")


def run_sink(pipe: "Connection[Any, Any]", extensions: tuple[str, ...], certificate: tuple[str, str] | None) -> None:
    """In a process of its own: tell the port, then whenever that is asked how large the last of so many messages is."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    with Sink(extensions=extensions, context=context) as sink:
        pipe.send(sink.port)
        while (wanted := pipe.recv()) is not None:
            last = sink.wait_for(wanted, _PATIENCE_SECONDS)[-1]
            sink.arrived[-1] = evolve(last, content=b"")
            pipe.send(len(last.content))


def send_messages(pipe: "Connection[Any, Any]", port: int, certificate: str, login: tuple[str, str]) -> None:
    """In a process of its own: hand in the message of each name that comes."""
    context = ssl.create_default_context(cafile=certificate)
    while (name := pipe.recv()) is not None:
        content = POISON[name]()
        pipe.send(len(content))
        with smtplib.SMTP("localhost", port, timeout=_PATIENCE_SECONDS) as client:
            client.starttls(context=context)
            client.login(*login)
            pipe.send(_send(client, content))


def _send(client: smtplib.SMTP, content: bytes) -> str:
    """As smtplib does, but for its slow look at every line."""
    client.ehlo_or_helo_if_needed()
    client.mail("a@shop.example")
    client.rcpt("b@y.example")
    client.docmd("DATA")
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    client.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    code, text = client.getreply()
    return f"{code} {text.decode()}"


@define(eq=False)
class Prober:
    """A client that says NOOP."""

    port: int
    _socket: socket.socket | None = None
    _said: int = 0

    def probe(self) -> float:
        """One round trip, in milliseconds; connecting and greeting are not part of it."""
        if self._socket is None or self._said >= NOOPS_PER_CONNECTION:
            self._connect()
        assert self._socket is not None
        begun = time.perf_counter()
        self._socket.sendall(b"NOOP\r\n")
        answer = self._socket.recv(512)
        taken = (time.perf_counter() - begun) * 1000
        assert answer.startswith(b"250"), answer
        self._said += 1
        return taken

    def _connect(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._said = socket.create_connection(("localhost", self.port), timeout=60), 0
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.recv(512)
        self._socket.sendall(b"EHLO probe\r\n")
        self._socket.recv(4096)


@define(eq=False)
class Bench:
    """The server with its neighbours."""

    it: Installation
    sender: "Connection[Any, Any]"
    sink: "Connection[Any, Any]"
    prober: Prober
    arrived: int = field(default=0, init=False)
    worst: list[tuple[float, str]] = field(factory=list, init=False)

    def idle(self) -> str:
        """What the machine does when nothing is processed: the measure for all other lines."""
        end, times = time.perf_counter() + _IDLE_SECONDS, []
        while time.perf_counter() < end:
            times.append(self.prober.probe())
            time.sleep(PAUSE_SECONDS)
        return _line("(nothing)", 0, times, 0.0, "")

    def run(self, name: str) -> str:
        """Send one message; a line of the table."""
        self.sender.send(name)
        size = self.sender.recv()
        times = list(self._probe_until(self.sender))
        reply, accepted_after = self.sender.recv(), len(times)
        if reply.startswith("250"):
            self.arrived += 1
            self.sink.send(self.arrived)
            times += self._probe_until(self.sink)
            self.sink.recv()
        self.worst.append((max(times), name))
        receiving = max(times[:accepted_after], default=0.0)
        return _line(name, size, times, receiving, "" if reply.startswith("250") else reply[:60])

    def _probe_until(self, pipe: "Connection[Any, Any]") -> Iterator[float]:
        yield self.prober.probe()
        while not pipe.poll(PAUSE_SECONDS):
            yield self.prober.probe()


def _line(name: str, size: int, times: list[float], receiving: float, remark: str) -> str:
    ordered = sorted(times)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    figures = (at(0.5), at(0.95), at(0.99), ordered[-1], receiving)
    return f"{name:<22}{size / 1e6:7.1f}{len(times):7d}" + "".join(f"{one:9.1f}" for one in figures) + f"  {remark}"


def main(names: list[str], is_old: bool, is_encrypted: bool) -> None:
    """
    Print the table and what is over the target.

    @param is_old: whether the next hop lacks 8BITMIME.
    @param is_encrypted: whether it has STARTTLS.
    """
    spawn = get_context("spawn")
    pipes = [spawn.Pipe(), spawn.Pipe()]
    (sink, sink_end), (sender, sender_end) = pipes
    with TemporaryDirectory() as folder:
        certificate = _certificate(Path(folder)) if is_encrypted else None
        arguments: tuple[Any, ...] = (sink_end, _OLD if is_old else _NEW, certificate)
        processes = [spawn.Process(target=run_sink, args=arguments, daemon=True)]
        processes[0].start()
        port = sink.recv()
    with Installation(port) as it:
        login = it.sender("shop.example", *FEATURES)
        arguments = (sender_end, it.smtp_port, str(it.certificate), login)
        processes.append(spawn.Process(target=send_messages, args=arguments, daemon=True))
        processes[1].start()
        bench = Bench(it, sender, sink, Prober(it.smtp_port))
        print(f"{'message':<22}{'MB':>7}{'NOOPs':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}{'max in':>9}")
        print(bench.idle(), flush=True)
        for name in names:
            print(bench.run(name), flush=True)
        for pipe in (sender, sink):
            pipe.send(None)
        for process in processes:
            process.join(10)
        said = it.log.read_text()
        print(said[-4000:] if "Traceback" in said else "no traceback in the log")
    over = [f"{name} {worst:.0f} ms" for worst, name in sorted(bench.worst, reverse=True) if worst > TARGET_MS]
    print(f"over {TARGET_MS:.0f} ms:", ", ".join(over) or "none")


def _certificate(folder: Path) -> tuple[str, str]:
    pair = make_self_signed("localhost", time.time(), os.urandom)
    (folder / "cert.pem").write_bytes(pair.certificate)
    (folder / "key.pem").write_bytes(pair.key)
    return str(folder / "cert.pem"), str(folder / "key.pem")


if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if not name.startswith("-")]
    main(chosen or list(POISON), "--without-8bitmime" in sys.argv, "--tls" in sys.argv)
