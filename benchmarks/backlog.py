"""
Claim: a queue of 200 000 messages to a dead destination leaves the memory of the main process flat, and mail to other
destinations as quick as before.

The dead destination refuses connections. Beside the load a client hands in a message for a live one now and then; the
table tells how long such a message took until it had arrived (milliseconds), and the memory of the main process.

    python -m benchmarks.backlog [--messages 200000]
"""

import argparse
import smtplib
import ssl
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import define, field

from benchmarks.machine import resident_bytes, usage
from benchmarks.sink import COUNTERS, map_counters
from tests.support.installation import ENVIRONMENT, Installation, free_ports

PARTS = 10
PROBE_SECONDS = 0.25
_POLL_SECONDS = 0.001
_PATIENCE_SECONDS = 60.0
_MAIL = "From: news@plain.example\r\nTo: reader@alive.example\r\nSubject: probe\r\n\r\nStill alive?\r\n"


@define(eq=False)
class Probe:
    """Messages to the live destination, one at a time."""

    server: Installation
    login: tuple[str, str]
    counter: Path
    seconds: list[float] = field(factory=list)

    def send(self) -> None:
        """Hand one in, over a connection of its own, and wait until it is there."""
        counters = map_counters(self.counter)
        before, begun = COUNTERS.unpack_from(counters)[0], time.perf_counter()
        with smtplib.SMTP("localhost", self.server.smtp_port, timeout=_PATIENCE_SECONDS) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(self.server.certificate)))
            client.login(*self.login)
            client.sendmail("news@plain.example", ["reader@alive.example"], _MAIL)
            while COUNTERS.unpack_from(counters)[0] == before:
                if time.perf_counter() - begun > _PATIENCE_SECONDS:
                    raise RuntimeError("a message to the live destination did not arrive")
                time.sleep(_POLL_SECONDS)
        self.seconds.append(time.perf_counter() - begun)

    def row(self, title: str) -> str:
        """The figures since the last row."""
        ordered, self.seconds = sorted(self.seconds), []
        pid = self.server.process.pid if self.server.process else 0
        middle, worst = ordered[len(ordered) // 2] * 1000, ordered[-1] * 1000
        memory, peak = resident_bytes(pid) / 1e6, resident_bytes(pid, is_peak=True) / 1e6
        return f"{title:>10} {len(ordered):7} {middle:8.1f} {worst:8.1f} {memory:8.0f} {peak:8.0f}"


def load(server: Installation, login: tuple[str, str], messages: int, offset: int) -> "subprocess.Popen[bytes]":
    """Start handing in that many messages for the dead destination."""
    values = {
        "port": server.smtp_port,
        "username": login[0],
        "password": login[1],
        "sender": "news@plain.example",
        "recipient": "reader@dead.example",
        "sessions": 10,
        "limit": messages,
        "offset": offset,
        "seconds": 3600,
    }
    words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "benchmarks.load", *words]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


def measure(server: Installation, counter: Path, messages: int) -> None:
    """Print the table."""
    login = server.sender("signed.example")
    probe = Probe(server, login, counter)
    print(f"{'queued':>10} {'probes':>7} {'p50 ms':>8} {'max ms':>8} {'RSS MB':>8} {'peak MB':>8}")
    for _ in range(20):
        probe.send()
    print(probe.row("0"), flush=True)
    for part in range(PARTS):
        running = load(server, login, messages // PARTS, part * messages)
        while running.poll() is None:
            probe.send()
            time.sleep(PROBE_SECONDS)
        if running.returncode:
            raise RuntimeError("the load generator failed")
        print(probe.row(str((part + 1) * (messages // PARTS))), flush=True)
    for _ in range(20):
        probe.send()
    print(probe.row("at rest"))
    assert server.process is not None
    print(f"\nprocesses: {usage(server.process.pid).processes}")


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    messages = parser.parse_args().messages
    with TemporaryDirectory(prefix="smtpeter-benchmark-") as folder:
        counter = Path(folder) / "counter"
        map_counters(counter)
        port, dead = free_ports(2)
        command = [sys.executable, "-m", "benchmarks.sink", "--port", str(port), "--counter", str(counter)]
        sink = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        route = f'[[relay.route]]\ndomain = "dead.example"\nhost = "127.0.0.1"\nport = {dead}\n'
        extra = '[submission]\nsender_domains = "optional"\n'
        try:
            with Installation(port, extra=route + extra, smtp="max_connections_per_address = 1000") as server:
                measure(server, counter, messages)
        finally:
            sink.terminate()
            sink.wait()


if __name__ == "__main__":
    main()
