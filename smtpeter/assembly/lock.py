"""The node's identity and its lock: one server at a time on one C{state_dir}."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

_ID_BYTES = 8


class StateInUse(Exception):
    """Another server works on this C{state_dir}; the message names it."""


@define(eq=False)
class StateFolder:
    """
    C{state_dir} of a running server: C{node} holds the id under which it claims messages, C{lock} is held as it runs.

    The lock is the kernel's (flock): it ends with the process, however that ends.
    """

    path: Path
    _descriptor: int | None = field(default=None, init=False)

    def acquire(self) -> None:
        """
        Take the lock and keep it.

        @raise StateInUse: somebody else has it.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _give(self.path / "lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StateInUse(
                f"{self.path} is in use by another smtpeter server (process {owner or 'unknown'}): "
                "stop it, or give this one a state_dir of its own"
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode("ascii"))
        self._descriptor = descriptor

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def node_id(self, chance: Callable[[int], bytes]) -> str:
        """The node's id, made when there is none; it outlives a loss of power."""
        file = self.path / "node"
        identity = file.read_text("ascii").strip() if file.exists() else ""
        if not identity:
            identity = chance(_ID_BYTES).hex()
            _write_durably(file, identity + "\n")
        return identity


def _write_durably(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="ascii") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    _give(new)
    new.replace(file)


def _give(file: Path) -> None:
    """Root makes it for the user that the server becomes (twistd --uid): the owner of the folder."""
    if os.geteuid() == 0:
        owner = file.parent.stat()
        os.chown(file, owner.st_uid, owner.st_gid)
