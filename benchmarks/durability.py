"""
Shows that the peers are equally durable: how many syncs of the disk each makes for a message.

Messages come one at a time over one session, so that none can share a sync; needs strace.
"""

import re
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.contest import Load, Runway, runway
from benchmarks.peers import Entrance, Peer

_CALLS = re.compile(r"\b(fsync|fdatasync)\(")


def syncs(course: Runway, peer: Peer, way: Entrance) -> tuple[int, dict[str, int]]:
    """@return: messages, and how often each call was made for them."""
    with tempfile.NamedTemporaryFile() as told:
        command = ("strace", "-f", "-e", "trace=fsync,fdatasync", "-o", told.name, "-p", str(peer.pid))
        others = [word for pid in _children(peer.pid) for word in ("-p", str(pid))]
        tracing = subprocess.Popen((*command, *others), stderr=subprocess.DEVNULL)
        time.sleep(1.0)
        figures = course.measure(peer, way, Load(sessions=1, seconds=3.0))
        time.sleep(0.5)
        tracing.terminate()
        tracing.wait()
        found = Counter(_CALLS.findall(Path(told.name).read_text()))
    return round(figures.accepted_rate * 3.0), found


def _children(pid: int) -> list[int]:
    found = subprocess.run(("ps", "-eo", "pid=,ppid="), capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in found.splitlines()]
    children = [child for child, parent in pairs if parent == pid]
    return children + [grand for child in children for grand in _children(child)]


def main() -> None:
    """Measure."""
    with runway(("Postfix", "Haraka")) as course:
        print(f"{'':24} {'messages':>9} {'syncs':>7} {'a message':>10}")
        for peer in course.peers:
            way = peer.entrances[0]
            course.measure(peer, way, Load(sessions=1, seconds=1.0))
            messages, found = syncs(course, peer, way)
            total = sum(found.values())
            print(f"{peer.name:24} {messages:9} {total:7} {total / max(messages, 1):10.2f}  {dict(found)}")


if __name__ == "__main__":
    main()
