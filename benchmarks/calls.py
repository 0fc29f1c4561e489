"""
Claim: by REST at least 5000 recipients a second are accepted durably when a call has 10 000 of them.

Calls of 1, 100 and 10 000 recipients, of a letter of some 500 octets composed of text and HTML, with the features that
a send has by default. Each is answered when its messages are committed. C{accepted/s} counts recipients while the calls
are made, and delivered beside it; C{delivered/s} counts until all of them are at the destination.

    python -m benchmarks.calls [--seconds 2] [--url postgresql+psycopg://…]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from benchmarks.machine import resident_bytes, usage
from benchmarks.sink import COUNTERS, map_counters
from tests.support.installation import ENVIRONMENT, SQLITE, Installation, free_ports
from tests.support.rest import INSECURE, client

DRAIN_SECONDS = 300.0
LETTER = {
    "from": "News <news@shop.example>",
    "subject": "What is new this week",
    "text": "Good morning,\n\nthere is something new at https://shop.example/new this week.\n",
    "html": "<html><body><p>Good morning,</p><p>there is something <a href='https://shop.example/new'>new</a> this "
    "week.</p></body></html>",
    "tags": ["weekly"],
}


@frozen(kw_only=True)
class Case:
    """How mail is handed in."""

    recipients: int
    connections: int


@frozen(kw_only=True)
class Rate:
    """What came of it."""

    calls: float
    accepted: float
    delivered: float
    cpu_ms: float


CASES = (
    Case(recipients=1, connections=1),
    Case(recipients=1, connections=20),
    Case(recipients=100, connections=4),
    Case(recipients=10_000, connections=1),
    Case(recipients=10_000, connections=2),
)


def bodies(case: Case) -> str:
    """Some bodies, a line each."""
    lines = []
    for part in range(max(1, 2000 // case.recipients)):
        addresses = [f"reader{part}.{number}@example.net" for number in range(case.recipients)]
        lines.append(json.dumps({"recipients": addresses, **LETTER}))
    return "\n".join(lines)


def measure(server: Installation, token: str, counter: Path, case: Case, seconds: float) -> Rate:
    """Hand in as much as is taken, and wait until all of it has arrived."""
    assert server.process is not None
    counters = map_counters(counter)
    before, cpu = COUNTERS.unpack_from(counters)[0], usage(server.process.pid).cpu_seconds
    begun = time.perf_counter()
    source = str(Path(__file__).with_name("post.py"))
    values = (str(server.web_port), str(seconds), str(case.connections), f"/v1/send?access_token={token}")
    done = subprocess.run(
        [sys.executable, source, *values], input=bodies(case), capture_output=True, text=True, check=True
    )
    if done.stderr:
        print(done.stderr, file=sys.stderr)
    calls, took = done.stdout.split()
    count = int(calls) * case.recipients
    end = time.perf_counter() + DRAIN_SECONDS
    while COUNTERS.unpack_from(counters)[0] < before + count and time.perf_counter() < end:
        time.sleep(0.005)
    whole = time.perf_counter() - begun
    missing = before + count - COUNTERS.unpack_from(counters)[0]
    if missing > 0:
        print(f"  {missing} of {count} had not arrived after {DRAIN_SECONDS:.0f} s", file=sys.stderr)
    time.sleep(0.3)
    cpu = usage(server.process.pid).cpu_seconds - cpu
    return Rate(
        calls=int(calls) / float(took),
        accepted=count / float(took),
        delivered=(count - max(missing, 0)) / whole,
        cpu_ms=cpu / max(count, 1) * 1000,
    )


@contextmanager
def destination(folder: str) -> Iterator[tuple[int, Path]]:
    """A server that takes everything, its port and its counters."""
    counter, (port,) = Path(folder) / "counter", free_ports(1)
    map_counters(counter)
    command = [sys.executable, "-m", "benchmarks.sink", "--port", str(port), "--counter", str(counter)]
    sink = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    try:
        yield port, counter
    finally:
        sink.kill()
        sink.wait()


def main() -> None:
    """Measure each case in turn, round after round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--url", default=SQLITE, help="an empty database")
    given = parser.parse_args()
    found: dict[Case, list[Rate]] = {case: [] for case in CASES}
    with (
        TemporaryDirectory(prefix="smtpeter-benchmark-") as folder,
        destination(folder) as (port, counter),
        Installation(port, web=INSECURE, database=given.url) as server,
    ):
        token = client(server).token
        for _ in range(given.rounds):
            for case in CASES:
                found[case].append(measure(server, token, counter, case, given.seconds))
        assert server.process is not None
        peak = resident_bytes(server.process.pid, is_peak=True) / 1e6
    names = ("calls", "accepted", "delivered", "cpu_ms")
    print(f"{'recipients':>10} {'at once':>8} {'calls/s':>9} {'accepted/s':>10} {'delivered/s':>11} {'CPU ms':>7}")
    for case, rates in found.items():
        calls, accepted, delivered, cpu = (statistics.median(getattr(rate, name) for rate in rates) for name in names)
        print(f"{case.recipients:10} {case.connections:8} {calls:9.1f} {accepted:10.0f} {delivered:11.0f} {cpu:7.3f}")
    print(f"peak of the main process: {peak:.0f} MB")


if __name__ == "__main__":
    main()
