"""Runs loads against peers in turn, round after round, so that what else the machine does meets all alike."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import asdict, define, field, frozen

from benchmarks.haraka import Haraka, is_installed
from benchmarks.machine import resident_bytes
from benchmarks.peers import PREMAILER, Entrance, Folder, Peer, SMTPeter, TrivialSink, used
from benchmarks.postfix import Postfix
from benchmarks.sink import COUNTERS, map_counters
from tests.support.installation import ENVIRONMENT, free_ports

DRAIN_SECONDS = 60.0
FORGETFUL = (sys.executable, "-m", "benchmarks.forgetful")
_POLL_SECONDS = 0.004


@frozen(kw_only=True)
class Load:
    """What the generator does."""

    sessions: int = 10
    per_connection: int = 100
    size: int = 4096
    seconds: float = 5.0
    kind: str = "letter"
    """Of content."""

    @property
    def title(self) -> str:
        """In words."""
        return (
            f"{self.size // 1024} KB {self.kind}, {self.sessions} sessions, {self.per_connection} messages a connection"
        )


@frozen(kw_only=True)
class Figures:
    """What came of it."""

    accepted_rate: float
    delivered_rate: float
    cpu_ms: float
    """Of the server's processes, user and system, a message."""
    generator_ms: float
    median_ms: float
    p99_ms: float
    pss_mb: float
    main_peak_mb: float
    refused: float


@define(eq=False)
class Runway:
    """
    The destination and the peers, running.

    @ivar counter: the file of the destination's counters.
    @ivar sink_pid: the destination's process.
    """

    counter: Path
    sink_pid: int
    peers: list[Peer]
    _offset: int = field(default=0, init=False)

    def measure(self, peer: Peer, entrance: Entrance, load: Load) -> Figures:
        """Hand in as much as the peer takes in the time, and wait until all of it was delivered."""
        counters = map_counters(self.counter if not isinstance(peer, TrivialSink) else peer.counter)
        before, cpu_before = COUNTERS.unpack_from(counters)[0], used(peer).cpu_seconds
        self._offset += 10_000_000
        begun = time.perf_counter()
        said = generate(entrance, load, self._offset)
        expected, last = before + said["accepted"], before
        changed_at = time.perf_counter()
        while (now := COUNTERS.unpack_from(counters)[0]) < expected:
            if now != last:
                last, changed_at = now, time.perf_counter()
            if time.perf_counter() - changed_at > DRAIN_SECONDS:
                raise RuntimeError(f"{peer.name}: {expected - now} messages were not delivered")
            time.sleep(_POLL_SECONDS)
        elapsed = time.perf_counter() - begun
        time.sleep(0.3)  # Let it record what it has delivered: that is work for the message too.
        usage, count = used(peer), max(said["accepted"], 1)
        drain = max(0.0, elapsed - said["wall"])
        return Figures(
            accepted_rate=said["accepted"] / said["seconds"],
            delivered_rate=said["accepted"] / (said["seconds"] + drain),
            cpu_ms=(usage.cpu_seconds - cpu_before) / count * 1000,
            generator_ms=said["cpu_seconds"] / count * 1000,
            median_ms=said["median_ms"],
            p99_ms=said["p99_ms"],
            pss_mb=usage.pss_bytes / 1e6,
            main_peak_mb=resident_bytes(peer.pid, is_peak=True) / 1e6,
            refused=said["refused"],
        )


def generate(entrance: Entrance, load: Load, offset: int) -> dict[str, float]:
    """Run the load generator. @return: what it says, and C{wall}: how long it ran with its own start."""
    command = [sys.executable, "-m", "benchmarks.load", "--offset", str(offset)]
    values = {
        "port": entrance.port,
        "username": entrance.username,
        "password": entrance.password,
        "sender": entrance.sender,
        "sessions": load.sessions,
        "per-connection": load.per_connection,
        "size": load.size,
        "seconds": load.seconds,
        "content": load.kind,
    }
    command += [word for name, value in values.items() for word in (f"--{name}", str(value))]
    begun = time.perf_counter()
    done = subprocess.run(command, check=False, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    said = json.loads(done.stdout)
    if said["refused"]:
        print(f"  {entrance.port}: {said['refused']} refused, the last with {said['last_refusal']!r}", file=sys.stderr)
    return {**said, "wall": time.perf_counter() - begun}


@contextmanager
def runway(
    wanted: Sequence[str] = ("sink", "SMTPeter", "Postfix", "Haraka"), inliners: Sequence[str] = (PREMAILER,)
) -> Iterator[Runway]:
    """
    Start the destination and the peers that are wanted and there.

    @param inliners: CSS engines of SMTPeter; there is one SMTPeter for each.
    """
    with tempfile.TemporaryDirectory(prefix="smtpeter-benchmark-") as name:
        base, port = Path(name), free_ports(1)[0]
        counter = base / "counter"
        map_counters(counter)
        command = [sys.executable, "-m", "benchmarks.sink", "--port", str(port), "--counter", str(counter)]
        sink = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        peers: list[Peer] = []
        try:
            for inliner in inliners:
                smtpeter = SMTPeter(port, inliner=inliner)
                peers.append(smtpeter)
                smtpeter.start()
            certificate = smtpeter.installation.certificate
            key = certificate.with_name("key.pem")
            others: list[Peer] = []
            if "sink" in wanted:
                others.append(TrivialSink(Folder(base / "trivial"), certificate, key, base / "trivial-counter"))
            if "forgetful" in wanted:
                others.append(SMTPeter(port, name="the same, no database", program=FORGETFUL))
            if "Postfix" in wanted:
                others.append(Postfix(Folder(base / "postfix"), port, certificate, key))
            if "Haraka" in wanted and is_installed():
                others.append(Haraka(Folder(base / "haraka"), port, certificate, key))
            for peer in others:
                peers.append(peer)
                peer.start()
            yield Runway(counter, sink.pid, peers)
        finally:
            for peer in peers:
                peer.stop()
            sink.terminate()
            sink.wait()


def contest(course: Runway, loads: Sequence[Load], rounds: int, entrances: Sequence[str] = ()) -> None:
    """
    Measure and print a table for each load, medians over the rounds.

    @param entrances: which of SMTPeter's ways in; all others have one.
    """
    ways = [(peer, way) for peer in course.peers for way in peer.entrances if not way.name or way.name in entrances]
    for peer, way in ways:
        course.measure(peer, way, Load(seconds=1.0, sessions=2))
    for load in loads:
        found: dict[tuple[Peer, Entrance], list[Figures]] = {each: [] for each in ways}
        for _ in range(rounds):
            for peer, way in ways:
                found[peer, way].append(course.measure(peer, way, load))
        print_table(load.title, {f"{peer.name} {way.name}".strip(): rows for (peer, way), rows in found.items()})


def print_table(title: str, found: dict[str, list[Figures]]) -> None:
    """Medians, and how many times the fastest of the peers the delivered rate is."""
    medians = {
        name: Figures(**{key: statistics.median(getattr(row, key) for row in rows) for key in asdict(rows[0])})
        for name, rows in found.items()
    }
    peers = [row.delivered_rate for name, row in medians.items() if name.startswith(("Postfix", "Haraka"))]
    best = max(peers, default=0.0)
    print(f"\n{title}")
    print(
        f"{'':24} {'accepted/s':>10} {'delivered/s':>11} {'x peer':>6} {'CPU ms':>7} {'p50 ms':>7} {'p99 ms':>7} "
        f"{'PSS MB':>7} {'peak MB':>7} {'gen. ms':>7}"
    )
    for name, row in medians.items():
        times = f"{row.delivered_rate / best:6.2f}" if best else "     -"
        print(
            f"{name:24} {row.accepted_rate:10.0f} {row.delivered_rate:11.0f} {times} {row.cpu_ms:7.2f} "
            f"{row.median_ms:7.1f} {row.p99_ms:7.1f} {row.pss_mb:7.0f} {row.main_peak_mb:7.0f} {row.generator_ms:7.3f}"
        )
    sys.stdout.flush()
