"""Copies an SQLite database while servers write to it."""

import os
import sqlite3
from contextlib import closing

from sqlalchemy import make_url

from smtpeter.storage.engines import is_memory, is_sqlite


class BackupRefused(Exception):
    """No copy was made; the message says why and what to do."""


def backup(url: str, path: str) -> None:
    """
    Write a consistent copy: everything that was committed when it began. It is one read transaction, so writers go on
    (the log grows meanwhile). The copy is on stable storage under its name only when it is whole, readable by its owner
    only. Blocks; call it in a thread or a process of its own.

    @param path: a file that does not exist.
    @raise BackupRefused: the database is not SQLite, or the file exists.
    @raise OSError: it cannot be written there.
    @raise sqlite3.Error: the database cannot be read, or the copy not written.
    """
    database = make_url(url).database
    if not is_sqlite(url) or is_memory(url) or database is None:
        raise BackupRefused("only an SQLite database can be copied: use pg_dump for PostgreSQL")
    if not os.path.exists(database):
        raise BackupRefused(f"there is no database {database}")
    if os.path.exists(path):
        raise BackupRefused(f"{path} exists: name a new file")
    partial = f"{path}.partial"
    os.close(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    try:
        _copy(database, partial)
        _sync(partial)
        os.rename(partial, path)
        _sync(os.path.dirname(os.path.abspath(path)))
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise


def _copy(database: str, path: str) -> None:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(path)) as target:
        # All pages in one step: in several, every foreign commit would begin the copy anew.
        source.backup(target, pages=-1)
        # The copy is one file: no log beside it.
        target.execute("PRAGMA journal_mode = DELETE")


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
