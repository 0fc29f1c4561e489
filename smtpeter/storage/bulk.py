"""
Executes one statement with many rows.

SQLAlchemy works on every value of every row before the driver sees it, which is half of the writer's time at batches of
ten. Our hot rows hold what the drivers take as it is (text, numbers, bytes), so the statement is compiled once for each
dialect and the rows go to the driver as tuples.

SQLite's driver gives the interpreter's lock away for each row, and waits for it again. So there rows are written by
statements of many rows, of few sizes, since each is compiled once.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, Insert, Update
from sqlalchemy.exc import DBAPIError

from smtpeter.storage.rows import Row

SIZES = (64, 32, 16, 8, 4, 2)
"""Rows in a statement that writes several."""


@frozen
class _Compiled:
    sql: str
    constants: Row
    parameters: Callable[[Row], Any]
    """Of a row with the constants."""
    several: dict[int, str]
    """The statements that write several rows."""


@define(eq=False)
class Bulk:
    """
    An insert or an update by bound parameters.

    @ivar _names: the keys that every row has.
    @ivar _update_sqlite: an update for SQLite by what stands for C{{rows}} in it, whose columns are C{column1} and so
        on, in the order of the names.
    """

    _statement: Insert | Update
    _names: tuple[str, ...]
    _update_sqlite: str = ""
    _compiled: dict[str, _Compiled] = field(factory=dict, init=False)

    def execute(self, connection: Connection, rows: Sequence[Row]) -> int:
        """
        Execute it for each row.

        @param rows: at least one.
        @return: how many rows of the table were written.
        @raise DBAPIError: it fails.
        """
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(connection)
        if compiled.constants:
            rows = [{**compiled.constants, **row} for row in rows]
        parameters = [compiled.parameters(row) for row in rows]
        try:
            cursor = connection.connection.cursor()
            try:
                return _run(cursor, compiled, parameters)
            finally:
                cursor.close()
        except dialect.loaded_dbapi.Error as error:
            raise _translated(connection, compiled.sql, error) from error

    def _compile(self, connection: Connection) -> _Compiled:
        is_insert = isinstance(self._statement, Insert)
        made = self._statement.compile(dialect=connection.dialect, column_keys=list(self._names) if is_insert else None)
        constants = {name: value for name, value in made.params.items() if name not in self._names}
        if made.positiontup is None:
            return _Compiled(made.string, constants, lambda row: row, {})
        several: dict[int, str] = {}
        if self._update_sqlite and connection.dialect.name == "sqlite":
            row = f"({', '.join('?' * len(self._names))})"
            several = {
                size: self._update_sqlite.format(rows=f"(VALUES {', '.join([row] * size)})") for size in (*SIZES, 1)
            }
            return _Compiled(several[1], {}, itemgetter(*self._names), several)
        if is_insert and connection.dialect.name == "sqlite":
            into, _, values = made.string.rpartition(" VALUES ")
            several = {size: f"{into} VALUES {', '.join([values] * size)}" for size in SIZES}
        return _Compiled(made.string, constants, itemgetter(*made.positiontup), several)


def _run(cursor: Any, compiled: _Compiled, parameters: Sequence[Any]) -> int:
    if not compiled.several:
        cursor.executemany(compiled.sql, parameters)
        return int(cursor.rowcount)
    written = 0
    for part in _parts(parameters):
        cursor.execute(compiled.several.get(len(part), compiled.sql), list(chain.from_iterable(part)))
        written += cursor.rowcount
    return written


def _parts(parameters: Sequence[Any]) -> Iterator[Sequence[Any]]:
    start = 0
    while start < len(parameters):
        left = len(parameters) - start
        size = next((size for size in SIZES if size <= left), 1)
        yield parameters[start : start + size]
        start += size


def _translated(connection: Connection, sql: str, error: Exception) -> Exception:
    """As SQLAlchemy would raise it; a connection that is lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection, None)  # type: ignore[arg-type]
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, (), error, dialect.loaded_dbapi.Error, connection_invalidated=is_lost, dialect=dialect, ismulti=True
    )
