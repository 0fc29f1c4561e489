"""Tests of L{smtpeter.storage.measuring}."""

from typing import cast

from sqlalchemy import Connection, text
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.storage.database import Database
from smtpeter.storage.measuring import MeasuredLanes
from tests.support.database import InlineLanes, close, now


def write(connection: Connection) -> str:
    """Something."""
    return str(connection.scalar(text("SELECT 'done'")))


class MeasuredLanesTests(SynchronousTestCase):
    """Batches of writes are measured."""

    @override
    def setUp(self) -> None:
        self.sizes: list[float] = []
        self.times: list[float] = []
        self.lanes = InlineLanes()
        readings = iter(range(0, 100, 3))
        measured = MeasuredLanes(
            make_lane=self.lanes, seconds=lambda: next(readings), sizes=self.sizes.append, times=self.times.append
        )
        self.database = Database(url="sqlite://", reactor=cast(IReactorFromThreads, None), make_lane=measured)
        self.database.start()
        self.addCleanup(close, self.database)

    def test_writes(self) -> None:
        """Each commit tells its size and its time, and gives the answers."""
        self.assertEqual(now(self.database.transaction(write)), "done")
        self.lanes.hold()
        waiting = [Deferred.fromCoroutine(self.database.transaction(write)) for _ in range(3)]
        self.lanes.let_go()
        self.assertEqual(self.successResultOf(gatherResults(waiting)), ["done"] * 3)
        self.assertEqual((self.sizes, self.times), ([1, 3], [3, 3]))

    def test_reads(self) -> None:
        """Reads are not counted."""
        self.assertEqual(now(self.database.read(write)), "done")
        self.assertEqual(self.sizes, [])
