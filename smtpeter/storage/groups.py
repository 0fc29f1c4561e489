"""
Executes a group of operations in one transaction, so that many durable writes share one fsync.

Equal bulk operations are joined to one call. A group in which one fails is undone and run again, each operation
isolated by a savepoint now: a failure undoes only what it did itself. When a joined call fails its items are run again
one by one, so that one poisonous item fails alone. Groups that stood in each other's way on PostgreSQL are run again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpeter.boundaries.storage import StorageFull
from smtpeter.storage.failures import in_doubt, is_collision, translate

COLLISIONS = 3
"""How often a group is begun again after a deadlock."""

_NO_ITEM = object()


@frozen(kw_only=True, eq=False)
class Operation:
    """Something asked of the database, and where its answer goes."""

    work: Callable[..., Any]
    answer: Deferred[Any] = field(factory=Deferred)
    item: Any = _NO_ITEM
    """What a bulk work is called with, among its like."""
    size_bytes: int = 0
    """About how much it writes."""

    @property
    def is_bulk(self) -> bool:
        """Whether it may be joined with its like."""
        return self.item is not _NO_ITEM


Answers = list[tuple[Operation, object]]
"""Each operation with its result or its L{Failure}."""


class _TransactionLost(Exception):
    """The database has undone the whole transaction."""


@frozen(eq=False)
class _CommitLost(Exception):
    """Nobody knows whether the commit happened."""

    failure: DBAPIError
    answers: Answers


@define(eq=False)
class _Unit:
    """Operations that are executed by one call."""

    operations: list[Operation]

    def execute(self, connection: Connection) -> Sequence[object]:
        first = self.operations[0]
        if not first.is_bulk:
            return [first.work(connection)]
        results = first.work(connection, [operation.item for operation in self.operations])
        if results is None:
            return [None] * len(self.operations)
        if len(results) != len(self.operations):
            raise RuntimeError(f"{first.work!r} gave {len(results)} results for {len(self.operations)} items")
        return list(results)


_Execute = Callable[[Connection, _Unit], Answers]


def commit_group(engine: Engine, operations: Sequence[Operation]) -> Answers:
    """
    Execute operations and commit them together.

    @return: an answer for each; results only when the commit has returned.
    """
    try:
        return _commit_at_once(engine, operations)
    except _CommitLost as lost:
        return [(operation, _doubted(lost.failure, result)) for operation, result in lost.answers]
    except Exception as failure:
        if isinstance(translate(failure), StorageFull) and len(operations) > 1:
            # What frees or needs little may still be written: a settlement beside a large content.
            half = len(operations) // 2
            return commit_group(engine, operations[:half]) + commit_group(engine, operations[half:])
        return [(operation, Failure(translate(failure))) for operation in operations]


def _doubted(failure: DBAPIError, result: object) -> Failure:
    return result if isinstance(result, Failure) else Failure(in_doubt(failure, result))


def _commit_at_once(engine: Engine, operations: Sequence[Operation]) -> Answers:
    """Without savepoints, which most groups do not need."""
    try:
        return _commit_undisturbed(engine, operations, _execute)
    except _CommitLost:
        raise
    except Exception as failure:
        if len(operations) == 1 or not _is_fault_of_one(failure):
            raise
        return _commit_undisturbed(engine, operations, _attempt)


def _is_fault_of_one(failure: Exception) -> bool:
    """Whether another operation could succeed where this one failed."""
    reason = translate(failure)
    return reason is failure or isinstance(reason, StorageFull)


def _commit_undisturbed(engine: Engine, operations: Sequence[Operation], execute: _Execute) -> Answers:
    for _ in range(COLLISIONS):
        try:
            return _commit(engine, operations, execute)
        except DBAPIError as failure:
            if not is_collision(failure):
                raise
    return _commit(engine, operations, execute)


def _commit(engine: Engine, operations: Sequence[Operation], execute: _Execute) -> Answers:
    answers: Answers = []
    with engine.connect() as connection, connection.begin() as transaction:
        for unit in _join(operations):
            answers += execute(connection, unit)
        try:
            transaction.commit()
        except DBAPIError as failure:
            if failure.connection_invalidated:
                raise _CommitLost(failure, answers) from failure
            raise
    return answers


def read_each(engine: Engine, operations: Sequence[Operation]) -> Answers:
    """Execute operations that only read, each from a snapshot of its own."""
    return [(operation, _read(engine, operation)) for operation in operations]


def _read(engine: Engine, operation: Operation) -> object:
    try:
        with engine.connect() as connection, connection.begin():
            return operation.work(connection)
    except Exception as failure:
        return Failure(translate(failure))


def _join(operations: Sequence[Operation]) -> list[_Unit]:
    units: list[_Unit] = []
    bulks: dict[Callable[..., Any], _Unit] = {}
    for operation in operations:
        known = bulks.get(operation.work) if operation.is_bulk else None
        if known is not None:
            known.operations.append(operation)
            continue
        unit = _Unit([operation])
        units.append(unit)
        if operation.is_bulk:
            bulks[operation.work] = unit
    return units


def _execute(connection: Connection, unit: _Unit) -> Answers:
    return list(zip(unit.operations, unit.execute(connection), strict=True))


def _attempt(connection: Connection, unit: _Unit) -> Answers:
    try:
        results = _isolated(connection, unit)
    except _TransactionLost as lost:
        raise (lost.__cause__ or lost) from None
    except Exception as failure:
        if not _is_fault_of_one(failure):
            raise
        if len(unit.operations) == 1:
            return [(unit.operations[0], Failure(translate(failure)))]
        return [answer for operation in unit.operations for answer in _attempt(connection, _Unit([operation]))]
    return list(zip(unit.operations, results, strict=True))


def _isolated(connection: Connection, unit: _Unit) -> Sequence[object]:
    connection.exec_driver_sql("SAVEPOINT one")
    try:
        results = unit.execute(connection)
    except Exception as failure:
        try:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one")
            connection.exec_driver_sql("RELEASE SAVEPOINT one")
        except SQLAlchemyError:
            # SQLite may undo the whole transaction when the disk is full or fails; a lost connection has none.
            raise _TransactionLost from failure
        raise
    connection.exec_driver_sql("RELEASE SAVEPOINT one")
    return results
