"""Tests of what C{/readyz} asks."""

from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.assembly.readiness import ServerReadiness
from smtpeter.boundaries.storage import StorageBusy
from tests.support.database import close, memory_database


@define
class AwayDatabase:
    """Nobody can read it."""

    async def read(self, function: object) -> object:
        """Not now."""
        raise StorageBusy("it is away")


@define
class ReadOnlyDatabase:
    """Nobody can write it."""

    is_writable = False

    async def read(self, function: object) -> object:
        """It answers."""
        return 1


class ReadinessTests(SynchronousTestCase):
    """L{ServerReadiness}."""

    @override
    def setUp(self) -> None:
        self.database = memory_database()
        self.addCleanup(close, self.database)

    def faults(self, database: Any, is_open: bool = True, is_moving: bool = True) -> list[str]:
        """What is wrong."""
        readiness = ServerReadiness(database, lambda: is_open, lambda: is_moving)
        return self.successResultOf(Deferred.fromCoroutine(readiness.faults()))

    def test_ready(self) -> None:
        """Nothing is wrong with a database that answers, open doors and mail that moves."""
        self.assertEqual(self.faults(self.database), [])

    def test_faults(self) -> None:
        """Each of the three is told, and the last two together."""
        self.assertEqual(self.faults(self.database, is_open=False), ["the server is starting or stopping"])
        self.assertEqual(self.faults(self.database, is_moving=False), ["mail is not moving"])
        self.assertEqual(
            self.faults(AwayDatabase(), is_moving=False),
            ["mail is not moving", "the database does not answer: it is away"],
        )

    def test_only_read(self) -> None:
        """A database that answers and cannot be written is a fault."""
        self.assertEqual(self.faults(ReadOnlyDatabase()), ["writing to the database fails"])
