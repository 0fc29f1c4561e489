"""
Claims: the main process stays under 180 MB at rest and under load. Beside it the time from start to the first greeting
or readiness, and the memory of each peer's processes (PSS).
"""

import time

from benchmarks.contest import Load, runway
from benchmarks.machine import resident_bytes
from benchmarks.peers import used
from tests.support.installation import Installation

MB = 1e6


def start_seconds() -> float:
    """From C{twistd} to ready."""
    with Installation(1, is_started=False) as server:
        begun = time.perf_counter()
        server.start()
        return time.perf_counter() - begun


def main() -> None:
    """Measure."""
    starts = sorted(start_seconds() for _ in range(3))
    print(f"SMTPeter is ready after {starts[1]:.2f} s (median of 3)\n")
    with runway(("Postfix", "Haraka")) as course:
        print(f"{'MB':24} {'idle PSS':>9} {'main RSS':>9} {'loaded PSS':>11} {'main peak':>10}")
        for peer in course.peers:
            idle, main_idle = used(peer), resident_bytes(peer.pid)
            way = next((one for one in peer.entrances if one.name == "features on"), peer.entrances[0])
            for size in (4096, 51_200):
                course.measure(peer, way, Load(sessions=50, size=size, seconds=5.0))
            loaded, peak = used(peer), resident_bytes(peer.pid, is_peak=True)
            print(
                f"{peer.name:24} {idle.pss_bytes / MB:9.0f} {main_idle / MB:9.0f} {loaded.pss_bytes / MB:11.0f} "
                f"{peak / MB:10.0f}"
            )


if __name__ == "__main__":
    main()
