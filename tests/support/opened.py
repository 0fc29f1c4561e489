"""Which files are opened, as the kernel tells it: by whatever code in this process or another."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_OPEN = 0x20
_IN_NONBLOCK = os.O_NONBLOCK
_NAME_AT = 16
_LENGTH_AT = 12


@contextmanager
def watch_folder(folder: Path) -> Iterator[list[str]]:
    """
    Watch a folder (inotify(7)).

    @return: at the end of the block, the names in it that were opened meanwhile, in order.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_IN_NONBLOCK)
    opened: list[str] = []
    try:
        if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        yield opened
        opened += _names(descriptor)
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> Iterator[str]:
    try:
        events = os.read(descriptor, 65536)
    except BlockingIOError:
        return
    while events:
        length = int.from_bytes(events[_LENGTH_AT:_NAME_AT], "little")
        name = events[_NAME_AT : _NAME_AT + length].rstrip(b"\0")
        if name:
            yield os.fsdecode(name)
        events = events[_NAME_AT + length :]
