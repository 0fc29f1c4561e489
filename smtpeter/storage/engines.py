"""
Opens databases the way that the promise of durability needs.

SQLite runs in WAL mode with C{synchronous=FULL}, which makes an fsync per commit; with C{NORMAL} a loss of power takes
back what was acknowledged. Its driver opens transactions by itself, and not before DDL: that is switched off, and
C{BEGIN} is written by us, so that migrations are transactional and a writer takes its lock at the start.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url

CHECKPOINT_PAGES = 4000
"""16 MB of log before it is copied to the database: a page that changes often is copied less often."""

LOG_BYTES = 256 * 1024 * 1024
"""A log that grew beyond this is cut when it is reset."""


def is_sqlite(url: str | URL) -> bool:
    """Whether the URL names an SQLite database."""
    return make_url(url).get_backend_name() == "sqlite"


def is_memory(url: str | URL) -> bool:
    """Whether the URL names an SQLite database in memory, which has one connection only."""
    parsed = make_url(url)
    return is_sqlite(parsed) and parsed.database in (None, "", ":memory:")


def open_writer(url: str, busy_seconds: float = 5.0, connections: int = 1) -> Engine:
    """
    An engine whose transactions may write. Nothing is connected yet.

    @param busy_seconds: how long a transaction waits for another process's lock.
    @param connections: how many are kept open; SQLite has one writer at a time whatever is said here.
    """
    if is_sqlite(url):
        return _open_sqlite(url, busy_seconds, "BEGIN IMMEDIATE", connections, is_read_only=False)
    return _open_postgresql(url, busy_seconds, connections)


def open_reader(url: str, busy_seconds: float = 5.0, connections: int = 1) -> Engine:
    """An engine for transactions that only read, each from one consistent snapshot."""
    if is_sqlite(url):
        return _open_sqlite(url, busy_seconds, "BEGIN", connections, is_read_only=True)
    return _open_postgresql(url, busy_seconds, connections)


def _open_sqlite(url: str, busy_seconds: float, begin: str, connections: int, is_read_only: bool) -> Engine:
    if is_memory(url):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            connect_args={"check_same_thread": False, "timeout": busy_seconds},
        )
    event.listen(engine, "connect", _prepare_sqlite(busy_seconds, is_read_only))
    event.listen(engine, "begin", _begin_with(begin))
    return engine


def _prepare_sqlite(busy_seconds: float, is_read_only: bool) -> Callable[[Any, Any], None]:
    pragmas = [
        f"busy_timeout = {int(busy_seconds * 1000)}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"journal_size_limit = {LOG_BYTES}",
        "cache_size = -32768",
        "temp_store = MEMORY",
        *(["query_only = ON"] if is_read_only else []),
    ]

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return prepare


def _begin_with(statement: str) -> Callable[[Connection], None]:
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def _open_postgresql(url: str, busy_seconds: float, connections: int) -> Engine:
    engine = create_engine(url, pool_size=connections, max_overflow=0, pool_pre_ping=True)
    event.listen(engine, "connect", _prepare_postgresql(busy_seconds))
    return engine


def _prepare_postgresql(busy_seconds: float) -> Callable[[Any, Any], None]:
    """A server or a role may have C{synchronous_commit} off; a node that stalls must not hold locks for ever."""
    milliseconds = int(busy_seconds * 1000)
    settings = {
        "synchronous_commit": "on",
        "lock_timeout": f"{milliseconds}ms",
        "idle_in_transaction_session_timeout": f"{milliseconds * 2}ms",
    }

    def prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        for name, value in settings.items():
            connection.execute(f"SET {name} = '{value}'")
        connection.autocommit = False

    return prepare
