"""
What bounds the server's rates on this machine: who spends how much processor time for a message, with and without the
database on its way, and what rate that would allow at most.

Two ceilings stand beside each rate. "one thread": the server's main thread would be busy all the time. "machine": all
processors would be busy with the server, the load generator and the destination, and nobody would wait. Both take a
message to cost what it costs now. "cores" is how many the server kept busy. The server that has no database loses mail
by design (L{benchmarks.forgetful}); it is there to be measured and for nothing else.
"""

import argparse
import os
import statistics
import sys

from attrs import asdict, frozen

from benchmarks.contest import Load, Runway, runway
from benchmarks.large import SIZE
from benchmarks.machine import thread_seconds
from benchmarks.peers import Entrance, Peer
from benchmarks.sink import COUNTERS, map_counters

CORES = len(os.sched_getaffinity(0))
ENTRANCE = "features off"


@frozen(kw_only=True)
class Shares:
    """A rate, and the processor time behind it: milliseconds for a message."""

    delivered_rate: float
    main_ms: float
    """Of the server's main thread."""
    others_ms: float
    """Of its other threads, the one that writes to the database before all, and its other processes."""
    generator_ms: float
    sink_ms: float

    @property
    def cores(self) -> float:
        """How many processors the server's threads and processes kept busy together."""
        return self.delivered_rate * (self.main_ms + self.others_ms) / 1000

    @property
    def thread_ceiling(self) -> float:
        """Messages a second if the main thread never waited."""
        return 1000 / self.main_ms

    @property
    def machine_ceiling(self) -> float:
        """Messages a second if no processor ever waited."""
        return CORES * 1000 / (self.main_ms + self.others_ms + self.generator_ms + self.sink_ms)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; medians are shown")
    parser.add_argument("--seconds", type=float, default=3.0, help="of load in each measurement")
    given = parser.parse_args()
    with runway(("forgetful",)) as course:
        ways = [(peer, way) for peer in course.peers for way in peer.entrances if way.name == ENTRANCE]
        for peer, way in ways:
            course.measure(peer, way, Load(seconds=1.0, sessions=2))
        for load in _loads(given.seconds):
            found: dict[str, list[Shares]] = {peer.name: [] for peer, _ in ways}
            for _ in range(given.rounds):
                for peer, way in ways:
                    found[peer.name].append(measure(course, peer, way, load))
            print_table(load.title, found)


def _loads(seconds: float) -> list[Load]:
    return [
        Load(seconds=seconds),
        Load(seconds=seconds, sessions=50),
        Load(seconds=seconds, size=SIZE),
        Load(seconds=seconds, per_connection=1),
    ]


def measure(course: Runway, peer: Peer, way: Entrance, load: Load) -> Shares:
    """One measurement, and what each thread had used before and after."""
    counters = map_counters(course.counter)
    count, server, sink = COUNTERS.unpack_from(counters)[0], thread_seconds(peer.pid), thread_seconds(course.sink_pid)
    figures = course.measure(peer, way, load)
    used, sink_used = _growth(server, thread_seconds(peer.pid)), _growth(sink, thread_seconds(course.sink_pid))
    per_message = 1000 / max(COUNTERS.unpack_from(counters)[0] - count, 1)
    main_seconds = used.pop(peer.pid)
    return Shares(
        delivered_rate=figures.delivered_rate,
        main_ms=main_seconds * per_message,
        others_ms=sum(used.values()) * per_message,
        generator_ms=figures.generator_ms,
        sink_ms=sum(sink_used.values()) * per_message,
    )


def _growth(before: dict[int, float], after: dict[int, float]) -> dict[int, float]:
    return {thread: seconds - before.get(thread, 0.0) for thread, seconds in after.items()}


def print_table(title: str, found: dict[str, list[Shares]]) -> None:
    """Medians over the rounds, and the ceilings that follow from them."""
    print(f"\n{title}; {CORES} processors")
    print(
        f"{'':24} {'delivered/s':>11} {'main ms':>8} {'others ms':>9} {'gen. ms':>8} {'sink ms':>8} "
        f"{'cores':>6} {'one thread/s':>12} {'machine/s':>10}"
    )
    for name, rows in found.items():
        row = Shares(**{key: statistics.median(getattr(row, key) for row in rows) for key in asdict(rows[0])})
        print(
            f"{name:24} {row.delivered_rate:11.0f} {row.main_ms:8.3f} {row.others_ms:9.3f} {row.generator_ms:8.3f} "
            f"{row.sink_ms:8.3f} {row.cores:6.2f} {row.thread_ceiling:12.0f} {row.machine_ceiling:10.0f}"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
