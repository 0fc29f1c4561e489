"""A running server from outside: its limits, its children, the time it takes."""

import os
import resource
from pathlib import Path

from tests.support.installation import Installation

UNLIMITED = resource.RLIM_INFINITY


def pid_of(it: Installation) -> int:
    """The server's process id."""
    assert it.process is not None
    return it.process.pid


def limit_file_size(it: Installation, size_bytes: int) -> None:
    """From now on it can write no file beyond so many bytes: every write fails, as on a broken disk, with 0."""
    hard = resource.prlimit(pid_of(it), resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid_of(it), resource.RLIMIT_FSIZE, (size_bytes, hard))


def cpu_seconds(it: Installation) -> float:
    """How much processor time it has taken so far."""
    fields = Path(f"/proc/{pid_of(it)}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(it: Installation) -> int:
    """How many descriptors it has open."""
    return len(os.listdir(f"/proc/{pid_of(it)}/fd"))


def children(it: Installation) -> list[int]:
    """Its child processes."""
    found = []
    for task in Path(f"/proc/{pid_of(it)}/task").iterdir():
        found += [int(one) for one in (task / "children").read_text().split()]
    return found


def memory_bytes(it: Installation, is_peak: bool = False) -> int:
    """Its resident memory, or the most that it ever was."""
    wanted = "VmHWM:" if is_peak else "VmRSS:"
    lines = Path(f"/proc/{pid_of(it)}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(wanted))
