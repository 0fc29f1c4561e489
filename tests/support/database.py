"""
The real storage for tests: on SQLite in memory without threads, where everything is done when a call returns, or on
PostgreSQL with its threads, for which L{now} waits.
"""

from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from attrs import define, field
from sqlalchemy import Connection
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from smtpeter.storage.database import Database
from smtpeter.storage.engines import open_writer
from smtpeter.storage.groups import Operation
from smtpeter.storage.lanes import Lane, Run
from smtpeter.storage.migrating import upgrade_connection
from tests.support.foreground import FOREGROUND
from tests.support.postgresql import postgresql
from tests.support.threaded import HeldLanes

T = TypeVar("T")


@define(eq=False, kw_only=True)
class InlineLane:
    """A lane without a thread: an operation is executed when it is put, or with others when the lane is let go."""

    _run: Run
    _limit: int
    _is_held: bool = False
    _line: list[Operation] = field(factory=list)

    def start(self) -> None:
        """There is no thread to make."""

    def put(self, operation: Operation) -> None:
        """Execute at once, or stand in line while the lane is held."""
        self._line.append(operation)
        if not self._is_held:
            self._flush()

    async def stop(self) -> None:
        """Execute what stands in line."""
        self.let_go()

    def hold(self) -> None:
        """Let operations queue up, as behind a slow commit."""
        self._is_held = True

    def let_go(self) -> None:
        """Execute what has queued up, in the batches that a thread would make of it."""
        self._is_held = False
        self._flush()

    def _flush(self) -> None:
        while self._line:
            batch, self._line = self._line[: self._limit], self._line[self._limit :]
            self._run(batch)()


@define(eq=False)
class InlineLanes:
    """Makes lanes without threads, and holds them all."""

    _made: list[InlineLane] = field(factory=list)

    def __call__(self, *, reactor: IReactorFromThreads, name: str, threads: int, limit: int, run: Run) -> Lane:
        lane = InlineLane(run=run, limit=limit)
        self._made.append(lane)
        return lane

    def hold(self) -> None:
        """Let operations queue up."""
        for lane in self._made:
            lane.hold()

    def let_go(self) -> None:
        """Execute what has queued up."""
        for lane in self._made:
            lane.let_go()


class Lanes(Protocol):
    """Makes lanes, and holds them all."""

    def __call__(self, *, reactor: IReactorFromThreads, name: str, threads: int, limit: int, run: Run) -> Lane: ...

    def hold(self) -> None:
        """Let operations queue up."""

    def let_go(self) -> None:
        """Execute what has queued up."""


class OpenDatabase(Protocol):
    """Opens a database with all tables, which is closed when the test ends."""

    def __call__(self, lanes: Lanes | None = None) -> Database: ...


def now(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that waits for nothing but databases; its failure is raised."""
    results: list[T] = []
    failures: list[Failure] = []
    waiting = Deferred.fromCoroutine(work)
    _ = waiting.addCallbacks(results.append, failures.append)
    if not waiting.called and not _threaded:
        waiting.cancel()
        raise RuntimeError("the work waits")
    FOREGROUND.wait(lambda: bool(results or failures))
    if failures:
        failures[0].raiseException()
    return results[0]


def memory_database(lanes: Lanes | None = None) -> Database:
    """A started database in memory with all tables, migrated; it is gone with its last reference."""
    database = inline_database("sqlite://", lanes)
    now(database.transaction(_make_tables))
    return database


def inline_database(url: str, lanes: Lanes | None = None, busy_seconds: float = 0.0) -> Database:
    """A started database without threads, as it is; close it when it is a file."""
    database = Database(
        url=url,
        reactor=cast(IReactorFromThreads, Clock()),
        busy_seconds=busy_seconds,
        make_lane=InlineLanes() if lanes is None else lanes,
    )
    database.start()
    return database


def threaded_database(url: str, lanes: Lanes | None = None, busy_seconds: float = 5.0) -> Database:
    """A started database with threads, as it is; it must be closed."""
    database = Database(
        url=url,
        reactor=FOREGROUND.as_reactor,
        busy_seconds=busy_seconds,
        make_lane=HeldLanes() if lanes is None else lanes,
    )
    database.start()
    _threaded.add(database)
    return database


def close(database: Database) -> None:
    """Close a database, as a test's cleanup."""
    now(database.close())
    _threaded.discard(database)


def postgresql_url(add_cleanup: Callable[..., None]) -> str:
    """The URL of a database with all tables on the test process's server; it is emptied when the test ends."""
    server = postgresql()
    name = server.borrow_database()
    add_cleanup(server.return_database, name)
    return server.url(name)


_threaded: set[Database] = set()
"""Those that are open."""


def _make_tables(connection: Connection) -> None:
    for statement in _migrated():
        connection.exec_driver_sql(statement)


@cache
def _migrated() -> tuple[str, ...]:
    """What the migrations make, as statements: running them anew for every test would take most of its time."""
    engine = open_writer("sqlite://")
    with engine.connect() as connection, connection.begin():
        version = upgrade_connection(connection)
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        statements = [row.sql for row in made]
    engine.dispose()
    return (*statements, f"INSERT INTO alembic_version VALUES ('{version}')")
