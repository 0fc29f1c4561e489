"""
Opens databases the way that the promise of durability needs.

SQLite runs in WAL mode with C{synchronous=FULL}, which makes an fsync per commit; with C{NORMAL} a loss of power takes
back what was acknowledged. Its driver opens transactions by itself, and not before DDL: that is switched off, and
C{BEGIN} is written by us, so that migrations are transactional and a writer takes its lock at the start.

PostgreSQL runs with C{synchronous_commit=on}, whatever the server or the role has. Whoever is cut off must not hold
locks for long, so a transaction that waits for its client ends; and a server that is gone without a word is noticed.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, make_url

CHECKPOINT_PAGES = 4000
"""16 MB of log before it is copied to the database: a page that changes often is copied less often."""

WRITER_CACHE_KIB = 16_384
"""The pages of the tables that a writer appends to, and of their indices."""

READER_CACHE_KIB = 4_096

SILENCE_SECONDS = 20
"""How long a PostgreSQL server may leave what we send unacknowledged; shorter than a lease."""

LOG_BYTES = 256 * 1024 * 1024
"""A log that grew beyond this is cut when it is reset."""


class DriverMissing(Exception):
    """The library that speaks to the database is not installed; the message says how to install it."""


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
    @raise DriverMissing: PostgreSQL is asked for and cannot be spoken to.
    """
    if is_sqlite(url):
        return _open_sqlite(url, busy_seconds, "BEGIN IMMEDIATE", connections, is_read_only=False)
    return _open_postgresql(url, busy_seconds, connections, is_read_only=False)


def open_reader(url: str, busy_seconds: float = 5.0, connections: int = 1) -> Engine:
    """An engine for transactions that only read, each from one consistent snapshot."""
    if is_sqlite(url):
        return _open_sqlite(url, busy_seconds, "BEGIN", connections, is_read_only=True)
    return _open_postgresql(url, busy_seconds, connections, is_read_only=True)


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
        f"cache_size = -{READER_CACHE_KIB if is_read_only else WRITER_CACHE_KIB}",
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


def _open_postgresql(url: str, busy_seconds: float, connections: int, is_read_only: bool) -> Engine:
    parsed = make_url(url)
    chosen = {name: value for name, value in _connecting(busy_seconds).items() if name not in parsed.query}
    try:
        engine = create_engine(
            parsed, pool_size=connections, max_overflow=0, pool_pre_ping=True, connect_args=dict(chosen)
        )
    except ImportError as missing:
        raise DriverMissing(
            f"PostgreSQL needs a driver that is not installed: pip install 'smtpeter[postgresql]' ({missing})"
        ) from missing
    event.listen(engine, "connect", _prepare_postgresql(busy_seconds, is_read_only))
    return engine


def _connecting(busy_seconds: float) -> dict[str, int]:
    """What libpq is told unless the URL says otherwise; seconds, and milliseconds for the last."""
    return {
        "connect_timeout": max(2, int(busy_seconds)),
        "keepalives_idle": SILENCE_SECONDS // 2,
        "keepalives_interval": SILENCE_SECONDS // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENCE_SECONDS * 1000,
    }


def _prepare_postgresql(busy_seconds: float, is_read_only: bool) -> Callable[[Any, Any], None]:
    """
    All that a server or a role may have set otherwise.

    A writer must see what others committed while it waited for them; a reader sees one snapshot.
    """
    milliseconds = int(busy_seconds * 1000)
    settings = {
        "client_encoding": "UTF8",
        "synchronous_commit": "on",
        "lock_timeout": f"{max(1, milliseconds)}ms",
        "idle_in_transaction_session_timeout": f"{max(1000, milliseconds * 2)}ms",
        "default_transaction_isolation": "repeatable read" if is_read_only else "read committed",
        "default_transaction_read_only": "on" if is_read_only else "off",
    }

    def prepare(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute("; ".join(f"SET {name} = '{value}'" for name, value in settings.items()))
        connection.autocommit = False

    return prepare
