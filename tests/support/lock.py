"""Another process's lock on the server's SQLite database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.installation import Installation


@contextmanager
def locked(it: Installation) -> Iterator[None]:
    """Nobody else can write meanwhile."""
    connection = sqlite3.connect(it.folder / "run" / "state" / "smtpeter.db", timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()
