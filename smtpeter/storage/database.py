"""
The database as the reactor sees it: plain functions of a connection go in, awaitable results come out.

The shape is that of C{twisted.enterprise.adbapi}; unlike there, writes that wait at the same time share a transaction
and its fsync (L{smtpeter.storage.groups}), which is worth a factor of ten, and failures are told apart by what a caller
can do about them. Reads have threads and connections of their own and never wait for a commit.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast, overload

from attrs import define, field
from sqlalchemy import Connection, Engine
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.storage.engines import is_memory, is_sqlite, open_reader, open_writer
from smtpeter.storage.groups import Answers, Operation, commit_group, read_each
from smtpeter.storage.lanes import Deliver, Lane, MakeLane, Run, ThreadLane

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

GROUP_LIMIT = 256
POSTGRESQL_WRITERS = 4
READERS = 2


@define(eq=False)
class _Opened:
    """What exists between start and close."""

    writer: Engine
    reader: Engine
    writes: Lane
    reads: Lane


@define(eq=False, kw_only=True)
class Database:
    """
    One database with its threads.

    @ivar _url: an SQLAlchemy URL, C{sqlite:///path} or C{postgresql+psycopg://…}.
    @ivar _busy_seconds: how long a transaction waits for another process's lock.
    """

    _url: str
    _reactor: IReactorFromThreads
    _busy_seconds: float = 5.0
    _make_lane: MakeLane = ThreadLane
    _opened: _Opened | None = None
    _failing: set[str] = field(factory=set)
    """What does not work: C{write}, C{read}."""
    _log: Logger = field(factory=Logger)

    @property
    def is_writable(self) -> bool:
        """Whether writing did not fail the last time; what cannot write may still read."""
        return "write" not in self._failing

    @property
    def is_sqlite(self) -> bool:
        """Whether it is an SQLite database."""
        return is_sqlite(self._url)

    def start(self) -> None:
        """Make the threads. Connections are opened by the first operations."""
        writers = 1 if self.is_sqlite else POSTGRESQL_WRITERS
        writer = open_writer(self._url, self._busy_seconds, writers)
        # A database in memory lives as long as its only connection.
        reader = writer if is_memory(self._url) else open_reader(self._url, self._busy_seconds, READERS)
        writes = self._make_lane(
            reactor=self._reactor,
            name="database-writer",
            threads=writers,
            limit=GROUP_LIMIT,
            run=self._running("write", commit_group, writer),
        )
        reads = self._make_lane(
            reactor=self._reactor,
            name="database-reader",
            threads=READERS,
            limit=1,
            run=self._running("read", read_each, reader),
        )
        self._opened = _Opened(writer, reader, writes, reads)
        writes.start()
        reads.start()

    async def close(self) -> None:
        """Execute what is queued, then end the threads and connections. Later operations are L{StorageBusy}."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        await opened.writes.stop()
        await opened.reads.stop()
        opened.writer.dispose()
        opened.reader.dispose()

    async def transaction(self, work: Callable[[Connection], T]) -> T:
        """
        Write, or read what is then written.

        @param work: called in a thread, perhaps more than once; without effects beyond the connection. Its failure
            undoes what it did and nothing else.
        @return: what it returned, once that is committed.
        @raise StorageFull: no space; nothing was changed.
        @raise StorageBusy: not now; nothing was changed.
        """
        return cast(T, await self._put(self._ready().writes, Operation(work=work)))

    @overload
    async def together(self, work: Callable[[Connection, Sequence[I]], None], item: I, size_bytes: int = 0) -> None: ...

    @overload
    async def together(
        self, work: Callable[[Connection, Sequence[I]], Sequence[R]], item: I, size_bytes: int = 0
    ) -> R: ...

    async def together(
        self, work: Callable[[Connection, Sequence[I]], Sequence[R] | None], item: I, size_bytes: int = 0
    ) -> R | None:
        """
        Write in bulk: the items that were given for an equal C{work} at about the same time are written by one call.

        @param work: called with some items, and again with each alone should that fail; as in L{transaction} else.
        @param size_bytes: about how much the item writes.
        @return: the item's own result, once it is committed.
        @raise StorageFull: no space; nothing was changed.
        @raise StorageBusy: not now; nothing was changed.
        """
        operation = Operation(work=work, item=item, size_bytes=size_bytes)
        return cast(R, await self._put(self._ready().writes, operation))

    async def read(self, work: Callable[[Connection], T]) -> T:
        """
        Read from one snapshot, which has everything whose result was awaited before.

        @raise StorageBusy: not now.
        """
        return cast(T, await self._put(self._ready().reads, Operation(work=work)))

    def _ready(self) -> _Opened:
        if self._opened is None:
            raise StorageBusy("the database is closed")
        return self._opened

    async def _put(self, lane: Lane, operation: Operation) -> Any:
        lane.put(operation)
        return await operation.answer

    def _running(self, what: str, execute: Callable[[Engine, Sequence[Operation]], Answers], engine: Engine) -> Run:
        def run(batch: list[Operation]) -> Deliver:
            try:
                answers = execute(engine, batch)
            except BaseException as failure:
                # The thread must live: whoever waits for it would wait for ever.
                answers = [(operation, Failure(failure)) for operation in batch]
            return partial(self._deliver, what, answers)

        return run

    def _deliver(self, what: str, answers: Answers) -> None:
        for operation, result in answers:
            operation.answer.callback(result)
        self._watch(what, [result for _, result in answers])

    def _watch(self, what: str, results: Sequence[object]) -> None:
        """Log once when the database begins to fail, and once when it works again, for writing and for reading."""
        troubles = [result for result in results if isinstance(result, Failure) and result.check(StorageBusy)]
        if troubles:
            if not self._failing:
                self._log.error("the database fails: {reason}", reason=troubles[0].getErrorMessage())
            self._failing.add(what)
        elif what in self._failing:
            self._failing.remove(what)
            if not self._failing:
                self._log.info("the database works again")
