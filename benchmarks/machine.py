"""What a tree of processes has used, from C{/proc}."""

import os
from pathlib import Path

from attrs import frozen

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


@frozen(kw_only=True)
class Usage:
    """Of a process and all below it."""

    cpu_seconds: float
    """User and system, with children that have ended."""
    pss_bytes: int
    """Memory, shared pages counted in part."""
    processes: int


def usage(root: int) -> Usage:
    """Measure the tree below a process."""
    tree = _tree(root)
    return Usage(cpu_seconds=sum(map(_cpu_seconds, tree)), pss_bytes=sum(map(_pss_bytes, tree)), processes=len(tree))


def thread_seconds(root: int) -> dict[int, float]:
    """
    Processor time of each thread in the tree below a process.

    @return: by the id of the thread; that of a main thread is its process's. Threads that have ended are left out.
    """
    found = {}
    for path in (path for pid in _tree(root) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")):
        try:
            found[int(path.parent.name)] = int(path.read_text().split()[0]) / 1e9
        except OSError:
            continue
    return found


def resident_bytes(pid: int, is_peak: bool = False) -> int:
    """The resident memory of one process."""
    name = "VmHWM:" if is_peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := _stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields behind the name: state, parent, …; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) * _TICK_SECONDS if fields else 0.0


def _pss_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
