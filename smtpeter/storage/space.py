"""
Keeps the last part of the disk for settlements.

On a full disk even an UPDATE fails: a message would be delivered without a record of it, and be sent again.
"""

import os
from collections.abc import Callable

from attrs import frozen
from sqlalchemy import make_url

from smtpeter.storage.engines import is_memory, is_sqlite

RESERVE_BYTES = 64 * 1024 * 1024


@frozen(kw_only=True)
class DiskReserve:
    """
    The file system of the database.

    @ivar folder: any path on it.
    """

    folder: str
    reserve_bytes: int = RESERVE_BYTES

    def is_short(self) -> bool:
        """Whether only the reserve is left. A question to the kernel, some microseconds long."""
        try:
            status = os.statvfs(self.folder)
        except OSError:
            return False
        return status.f_bavail * status.f_frsize < self.reserve_bytes


def shortness(url: str) -> Callable[[], bool]:
    """
    Tells whether only the reserve is left on the disk of a database.

    @param url: an SQLAlchemy URL. A PostgreSQL server keeps its disk itself: the answer is always no.
    """
    path = make_url(url).database
    if not is_sqlite(url) or is_memory(url) or path is None:
        return lambda: False
    return DiskReserve(folder=os.path.dirname(path) or ".").is_short
