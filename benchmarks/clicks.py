"""
Claim: a process answers at least 8000 clicks a second with redirects, and records each durably; beside it a bare
twisted.web resource that does nothing, as the upper limit.

Each click is of another link of one newsletter that was sent before. C{written/s} counts until the last click is in
the journal.
"""

import argparse
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

from attrs import frozen

from benchmarks.contest import Load, generate
from benchmarks.machine import usage
from benchmarks.peers import Entrance
from tests.support.installation import ENVIRONMENT, Installation, free_ports
from tests.support.sink import Sink

CONNECTIONS = 20
PIPELINED = 8
"""Requests in flight on each connection: the client must not be the limit."""

BARE = """
from twisted.internet import epollreactor
epollreactor.install()
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
class Redirect(Resource):
    isLeaf = True
    def render_GET(self, request):
        request.setResponseCode(302)
        request.setHeader(b"Location", b"https://www.example.org/")
        return b""
site = Site(Redirect())
site.log = lambda request: None
reactor.listenTCP({port}, site, interface="127.0.0.1")
reactor.run()
"""


@frozen(kw_only=True)
class Rate:
    """What came of a run."""

    answered: float
    written: float
    cpu_ms: float


def fetch(port: int, paths: list[str], seconds: float) -> tuple[int, float]:
    """Fetch the paths in turn over kept connections. @return: how many answers came, in how many seconds."""
    source = Path(__file__).with_name("fetch.py")
    done = subprocess.run(
        [sys.executable, str(source), str(port), str(seconds), str(CONNECTIONS), str(PIPELINED)],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=True,
    )
    count, took = done.stdout.split()
    return int(count), float(took)


def clicks_written(database: Path) -> int:
    """How many clicks are in the journal."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM events WHERE type = 'click'").fetchone()[0])
    finally:
        connection.close()


def links(server: Installation, sink: Sink) -> list[str]:
    """Send a letter with links and read what became of them."""

    username, password = server.sender("signed.example", "--trackclicks")
    way = Entrance(name="", port=server.smtp_port, username=username, password=password, sender="news@signed.example")
    generate(way, Load(sessions=2, seconds=0.5), 0)
    content = b"".join(one.content.replace(b"=\r\n", b"") for one in sink.wait_for(20)[:20])
    found = re.findall(rb'href=3?D?"http://127\.0\.0\.1:\d+(/[^"]*)"', content)
    return [path.decode().replace("=3D", "=").replace("&amp;", "&") for path in found]


def measure(server: Installation, paths: list[str], seconds: float) -> Rate:
    """SMTPeter."""
    assert server.process is not None
    database = server.folder / "run" / "state" / "smtpeter.db"
    before, cpu = clicks_written(database), usage(server.process.pid).cpu_seconds
    count, took = fetch(server.web_port, paths, seconds)
    ended = time.perf_counter()
    while clicks_written(database) < before + count and time.perf_counter() < ended + 20:
        time.sleep(0.05)
    missing = before + count - clicks_written(database)
    if missing:
        print(f"  {missing} clicks were not recorded", file=sys.stderr)
    written_in = took + time.perf_counter() - ended
    cpu = usage(server.process.pid).cpu_seconds - cpu
    return Rate(answered=count / took, written=(count - missing) / written_in, cpu_ms=cpu / count * 1000)


def measure_bare(process: "subprocess.Popen[bytes]", port: int, seconds: float) -> Rate:
    """The bare resource."""
    cpu = usage(process.pid).cpu_seconds
    count, took = fetch(port, ["/"], seconds)
    cpu = usage(process.pid).cpu_seconds - cpu
    return Rate(answered=count / took, written=0.0, cpu_ms=cpu / count * 1000)


def main() -> None:
    """Measure in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    port = free_ports(1)[0]
    with Sink() as sink, Installation(sink.port) as server:
        paths = links(server, sink)
        bare = subprocess.Popen([sys.executable, "-c", BARE.format(port=port)], env=ENVIRONMENT)
        try:
            _wait(port)
            rows: dict[str, list[Rate]] = {"SMTPeter": [], "bare resource": []}
            for _ in range(given.rounds):
                rows["SMTPeter"].append(measure(server, paths, given.seconds))
                rows["bare resource"].append(measure_bare(bare, port, given.seconds))
        finally:
            bare.kill()
            bare.wait()
    print(f"\nClicks, {len(paths)} links, {CONNECTIONS} connections")
    print(f"{'':16} {'answered/s':>10} {'written/s':>10} {'CPU ms':>7}")
    for name, found in rows.items():
        answered, written, cpu = (
            statistics.median(getattr(rate, key) for rate in found) for key in ("answered", "written", "cpu_ms")
        )
        print(f"{name:16} {answered:10.0f} {written:10.0f} {cpu:7.3f}")


def _wait(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
