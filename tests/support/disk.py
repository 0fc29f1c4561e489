"""A small disk of memory under an installation, which can be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from twisted.trial.unittest import SkipTest

from tests.support.installation import Installation


@frozen
class Disk:
    """A file system of its own."""

    path: Path

    @property
    def free_bytes(self) -> int:
        """What is left."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, rest_bytes: int = 0) -> None:
        """Leave so much and no more."""
        with (self.path / "filler").open("ab") as filler:
            while (surplus := self.free_bytes - rest_bytes) > 0:
                try:
                    filler.write(bytes(min(surplus, 1 << 20)))
                    filler.flush()
                except OSError:
                    return

    def empty(self) -> None:
        """Undo L{fill}."""
        (self.path / "filler").unlink()

    def freeze(self) -> None:
        """Allow no more writing; nothing may be open."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)


@contextmanager
def small_disk(it: Installation, name: str, size: str = "96m") -> Iterator[Disk]:
    """
    Mount it in the installation's folder; as C{run} before the installation is made, to be left after it.

    @raise SkipTest: this user may not mount.
    """
    path = it.folder / name
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(path)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SkipTest(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
