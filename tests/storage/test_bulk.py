"""Tests of L{smtpeter.storage.bulk}."""

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.storage.bulk import SIZES, Bulk
from smtpeter.storage.engines import open_writer
from tests.support.database import postgresql_url

_METADATA = MetaData()
_THINGS = Table("things", _METADATA, Column("id", Integer, primary_key=True), Column("name", Text, nullable=False))
_INSERT = Bulk(insert(_THINGS), ("id", "name"))
_RENAMED = update(_THINGS).where(_THINGS.c.id == bindparam("which")).values(name=bindparam("new"))
_RENAME = Bulk(_RENAMED, ("which", "new"))
_RENAME_AT_ONCE = Bulk(_RENAMED, ("which", "new"), "UPDATE things SET name = column2 FROM {rows} WHERE id = column1")


class BulkTests(SynchronousTestCase):
    """Many rows by one call, on SQLite."""

    connection: Connection

    @override
    def setUp(self) -> None:
        self.connection = opened(self, self.url())

    def url(self) -> str:
        """Of the database."""
        return "sqlite://"

    def things(self) -> list[tuple[int, str]]:
        """What is there."""
        return [(row.id, row.name) for row in self.connection.execute(select(_THINGS).order_by(_THINGS.c.id))]

    def test_any_number(self) -> None:
        """Every row is inserted once and counted, whatever their number is made of."""
        expected: list[tuple[int, str]] = []
        for count in (1, 2, 3, 7, 63, 64, 65, 200):
            rows = [(len(expected) + number, f"n{number}") for number in range(count)]
            written = _INSERT.execute(self.connection, [{"name": name, "id": key} for key, name in rows])
            self.assertEqual(written, count)
            expected += rows
        self.assertEqual(self.things(), expected)

    def test_updates(self) -> None:
        """Rows that are updated are counted; who is not there is not."""
        _INSERT.execute(self.connection, [{"id": number, "name": "old"} for number in range(3)])
        rows = [{"which": which, "new": f"new {which}"} for which in (0, 2, 9)]
        self.assertEqual(_RENAME.execute(self.connection, rows), 2)
        self.assertEqual(self.things(), [(0, "new 0"), (1, "old"), (2, "new 2")])

    def test_updates_at_once(self) -> None:
        """So it is with an update that has a form of its own for many rows, whatever their number is made of."""
        _INSERT.execute(self.connection, [{"id": number, "name": "old"} for number in range(300)])
        begins = 0
        for count in (1, 2, 3, 64, 67):
            some = range(begins, begins + count)
            rows = [{"new": f"new {which}", "which": which} for which in (*some, 999)]
            self.assertEqual(_RENAME_AT_ONCE.execute(self.connection, rows), count)
            begins += count
        expected = [(number, f"new {number}" if number < begins else "old") for number in range(300)]
        self.assertEqual(self.things(), expected)

    def test_refused(self) -> None:
        """What the database refuses is raised as SQLAlchemy does, from one row and from several."""
        row = {"id": 1, "name": "a"}
        _INSERT.execute(self.connection, [row])
        self.assertRaises(IntegrityError, _INSERT.execute, self.connection, [row])
        self.assertRaises(IntegrityError, _INSERT.execute, self.connection, [{"id": 2, "name": "b"}, row])


def opened(case: SynchronousTestCase, url: str) -> Connection:
    """A transaction, and the table in it."""
    connection = open_writer(url).connect()
    case.addCleanup(connection.engine.dispose)
    case.addCleanup(connection.close)
    connection.begin()
    _METADATA.create_all(connection)
    return connection


class FewStatementsTests(SynchronousTestCase):
    """SQLite is asked seldom."""

    def test_statements(self) -> None:
        """A hundred rows take as few statements as the sizes allow, not a hundred."""
        connection = opened(self, "sqlite://")
        said: list[str] = []
        connection.connection.driver_connection.set_trace_callback(said.append)  # type: ignore[union-attr]
        _INSERT.execute(connection, [{"id": number, "name": ""} for number in range(100)])
        self.assertEqual(len(said), 3, said)
        said.clear()
        _RENAME_AT_ONCE.execute(connection, [{"which": number, "new": "x"} for number in range(100)])
        self.assertEqual(len(said), 3, said)
        self.assertEqual(sum(SIZES[place] for place in (0, 1, 4)), 100)


class PostgreSQLBulkTests(BulkTests):
    """The same on PostgreSQL."""

    @override
    def url(self) -> str:
        return postgresql_url(self.addCleanup)

    @override
    def test_refused(self) -> None:
        """What the database refuses is raised as SQLAlchemy does."""
        row = {"id": 1, "name": "a"}
        _INSERT.execute(self.connection, [row])
        self.assertRaises(IntegrityError, _INSERT.execute, self.connection, [row])
