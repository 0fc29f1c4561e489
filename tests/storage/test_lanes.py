"""Tests of L{smtpeter.storage.lanes}, with real threads, since that is what they are."""

from collections import deque
from collections.abc import Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Event as Signal
from threading import current_thread, main_thread
from typing import cast

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorFromThreads
from twisted.trial.unittest import SynchronousTestCase, TestCase
from typing_extensions import override

from smtpeter.storage.database import Database
from smtpeter.storage.groups import Operation
from smtpeter.storage.lanes import BATCH_BYTES, GAP_SECONDS, Deliver, ThreadLane


class _Recorder:
    """Takes the reactor's place: what is called from threads is kept."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def run(self, batch: list[Operation]) -> Deliver:
        self.batches.append([operation.item for operation in batch])
        return lambda: None


def operation(number: int, size_bytes: int = 0) -> Operation:
    return Operation(work=lambda: None, item=number, size_bytes=size_bytes)


class BatchTests(SynchronousTestCase):
    """What a thread takes from its line."""

    def lane(self, limit: int = 256) -> ThreadLane:
        unused = cast(IReactorFromThreads, None)
        return ThreadLane(reactor=unused, name="x", threads=1, limit=limit, run=_Recorder().run)

    def batches(self, lane: ThreadLane, count: int) -> list[list[int]]:
        return [[one.item for one in lane._next_batch(1)] for _ in range(count)]

    def calls(self, lane: ThreadLane) -> int:
        """How many threads were called since the last time."""
        count = lane._calls.qsize()
        for _ in range(count):
            lane._calls.get_nowait()
        return count

    def test_what_has_queued_up(self) -> None:
        """A batch is what has queued up, in order, at most its limit."""
        lane = self.lane(limit=3)
        for number in range(5):
            lane.put(operation(number))
        self.assertEqual(self.batches(lane, 3), [[0, 1, 2], [3, 4], []])

    def test_bytes(self) -> None:
        """A batch ends with the operation that makes it large."""
        lane = self.lane()
        for number, size in enumerate((BATCH_BYTES - 1, 1, 1)):
            lane.put(operation(number, size))
        self.assertEqual(self.batches(lane, 2), [[0, 1], [2]])

    def test_one_call(self) -> None:
        """The first of a batch calls a thread, those that join it call nobody; what is left over calls one again."""
        lane = self.lane(limit=3)
        for number in range(4):
            lane.put(operation(number))
        self.assertEqual(self.calls(lane), 1)
        self.batches(lane, 1)
        self.assertEqual(self.calls(lane), 1)
        lane.put(operation(4))
        self.assertEqual(self.calls(lane), 0)
        self.assertEqual(self.batches(lane, 1), [[3, 4]])
        lane.put(operation(5))
        self.assertEqual(self.calls(lane), 1)

    def test_put_behind_the_last(self) -> None:
        """What is put just when a thread has taken the last, and relies on it, is not forgotten."""
        lane = self.lane()
        lane.put(operation(0))
        lane._line = _Late([operation(1)], lane._line)
        self.assertEqual(self.batches(lane, 1), [[0]])
        self.assertEqual(self.calls(lane), 2)
        self.assertEqual(self.batches(lane, 1), [[1]])

    def test_company_is_waited_for(self) -> None:
        """As many as the last time are waited for, as long as they come; whoever stays away is not."""
        lane = self.lane()
        lane.put(operation(0))
        lane._never = nap = _Script(lane, [[operation(1)], [operation(2)], []])
        self.assertEqual([one.item for one in lane._next_batch(3)], [0, 1, 2])
        self.assertEqual(nap.waits, [GAP_SECONDS, GAP_SECONDS])
        lane.put(operation(3))
        self.assertEqual([one.item for one in lane._next_batch(3)], [3])
        self.assertEqual(nap.waits[2:], [GAP_SECONDS])


class _Script(SimpleQueue):  # type: ignore[type-arg]
    """A pause in which what the test says is put; keeps how long each was."""

    def __init__(self, lane: ThreadLane, script: list[list[Operation]]) -> None:
        super().__init__()
        self.lane = lane
        self.script = script
        self.waits: list[float | None] = []

    @override
    def get(self, block: bool = True, timeout: float | None = None) -> None:
        self.waits.append(timeout)
        for one in self.script.pop(0):
            self.lane.put(one)
        raise Empty


class _Late(deque[Operation]):
    """A line to which something is put just after it was found empty."""

    def __init__(self, late: list[Operation], *arguments: Iterable[Operation]) -> None:
        super().__init__(*arguments)
        self.late = late

    @override
    def popleft(self) -> Operation:
        try:
            return super().popleft()
        except IndexError:
            self.extend(self.late)
            self.late = []
            raise


class ThreadTests(TestCase):
    """A database with its threads, under the real reactor."""

    def database(self) -> Database:
        from twisted.internet import reactor

        database = Database(url=f"sqlite:///{self.mktemp()}", reactor=cast(IReactorFromThreads, reactor))
        database.start()
        return database

    async def test_works_in_threads(self) -> None:
        """Works run in other threads, answers arrive in the reactor's."""
        database = self.database()
        where = await database.transaction(lambda connection: current_thread())
        reader = await database.read(lambda connection: current_thread())
        self.assertEqual(len({where, reader, main_thread()}), 3)
        self.assertIs(current_thread(), main_thread())
        await database.close()
        where.join(5)
        self.assertFalse(where.is_alive())

    async def test_groups_form(self) -> None:
        """What arrives while a commit runs is committed together."""
        database = self.database()
        is_running, may_end = Signal(), Signal()
        sizes: list[int] = []

        def slow(connection: Connection) -> None:
            is_running.set()
            may_end.wait(5)

        def bulk(connection: Connection, items: Sequence[int]) -> None:
            sizes.append(len(items))

        first = Deferred.fromCoroutine(database.transaction(slow))
        is_running.wait(5)
        rest = [Deferred.fromCoroutine(database.together(bulk, number)) for number in range(20)]
        may_end.set()
        await gatherResults([first, *rest])
        self.assertEqual(sizes, [20])
        await database.close()

    async def test_close_flushes(self) -> None:
        """Closing executes what is queued; nothing that was asked is forgotten."""
        database = self.database()
        waiting = [Deferred.fromCoroutine(database.transaction(lambda connection: "done")) for _ in range(300)]
        await database.close()
        self.assertEqual([self.successResultOf(one) for one in waiting], ["done"] * 300)
