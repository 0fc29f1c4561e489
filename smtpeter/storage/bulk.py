"""
Executes one statement with many rows.

SQLAlchemy works on every value of every row before the driver sees it, which is half of the writer's time at batches of
ten. Our hot rows hold what the drivers take as it is (text, numbers, bytes), so the statement is compiled once for each
dialect and the rows go to C{executemany} as tuples.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Connection, Insert, Update

from smtpeter.storage.rows import Row


@frozen
class _Compiled:
    sql: str
    constants: Row
    parameters: Callable[[Row], Any]
    """Of a row with the constants."""


@define(eq=False)
class Bulk:
    """
    An insert or an update by bound parameters.

    @ivar _names: the keys that every row has.
    """

    _statement: Insert | Update
    _names: tuple[str, ...]
    _compiled: dict[str, _Compiled] = field(factory=dict, init=False)

    def execute(self, connection: Connection, rows: Sequence[Row]) -> int:
        """
        Execute it for each row.

        @param rows: at least one.
        @return: how many rows of the table were written.
        """
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = self._compile(connection)
        if compiled.constants:
            rows = [{**compiled.constants, **row} for row in rows]
        result = connection.exec_driver_sql(compiled.sql, [compiled.parameters(row) for row in rows])
        return result.rowcount

    def _compile(self, connection: Connection) -> _Compiled:
        keys = list(self._names) if isinstance(self._statement, Insert) else None
        made = self._statement.compile(dialect=connection.dialect, column_keys=keys)
        constants = {name: value for name, value in made.params.items() if name not in self._names}
        if made.positiontup is None:
            return _Compiled(made.string, constants, lambda row: row)
        return _Compiled(made.string, constants, itemgetter(*made.positiontup))
