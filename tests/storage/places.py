"""Where tests of storage run: each law is mixed into one test case for SQLite and one for PostgreSQL."""

from typing import TYPE_CHECKING

from typing_extensions import override

from smtpeter.storage.database import Database
from tests.support.database import InlineLanes, Lanes, close, memory_database, postgresql_url, threaded_database
from tests.support.threaded import HeldLanes

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object


class Place(SynchronousTestCase):
    """A kind of database."""

    def make_lanes(self) -> Lanes:
        """Lanes that a test may hold."""
        raise NotImplementedError

    def open_database(self, lanes: Lanes | None = None) -> Database:
        """A new, migrated one, which is gone when the test ends."""
        raise NotImplementedError


class InMemory(Place):
    """SQLite in memory, without threads."""

    @override
    def make_lanes(self) -> Lanes:
        return InlineLanes()

    @override
    def open_database(self, lanes: Lanes | None = None) -> Database:
        return memory_database(lanes)


class OnPostgreSQL(Place):
    """A PostgreSQL server, with the adapter's threads."""

    @override
    def make_lanes(self) -> Lanes:
        return HeldLanes()

    @override
    def open_database(self, lanes: Lanes | None = None) -> Database:
        database = threaded_database(postgresql_url(self.addCleanup), lanes)
        self.addCleanup(close, database)
        return database
