"""Real database threads that a test can hold, so that operations queue up behind them as behind a slow commit."""

from threading import Event as Signal

from attrs import define, field
from sqlalchemy import Connection
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from smtpeter.storage.groups import Operation
from smtpeter.storage.lanes import Lane, Run, ThreadLane
from tests.support.foreground import FOREGROUND, LONGEST_SECONDS


@define(eq=False)
class _Blocker:
    """Keeps a thread of a lane busy until it is let go."""

    is_running: Signal = field(factory=Signal)
    may_end: Signal = field(factory=Signal)

    def work(self, connection: Connection) -> None:
        """A transaction that takes its time."""
        self.is_running.set()
        self.may_end.wait(LONGEST_SECONDS)


@define(eq=False)
class HeldLane:
    """A lane of the running server, with a rope."""

    _lane: ThreadLane
    _threads: int
    _blockers: list[_Blocker] = field(factory=list)
    _behind: list[Operation] = field(factory=list)

    def start(self) -> None:
        """Make the threads."""
        self._lane.start()

    def put(self, operation: Operation) -> None:
        """Stand in line."""
        if self._blockers:
            self._behind.append(operation)
        self._lane.put(operation)

    async def stop(self) -> None:
        """Execute what stands in line, then end the threads."""
        self.let_go()
        await self._lane.stop()

    def hold(self) -> None:
        """Give every thread something to wait for."""
        for _ in range(self._threads):
            blocker = _Blocker()
            operation = Operation(work=blocker.work)
            _ = operation.answer.addErrback(_ignore)
            self._lane.put(operation)
            assert blocker.is_running.wait(LONGEST_SECONDS), "a database thread does not run"
            self._blockers.append(blocker)

    def let_go(self) -> None:
        """Free one thread, which takes all that has queued up; then the others."""
        blockers, self._blockers = self._blockers, []
        behind, self._behind = self._behind, []
        for blocker in blockers:
            blocker.may_end.set()
            FOREGROUND.wait(lambda: all(operation.answer.called for operation in behind))


@define(eq=False)
class HeldLanes:
    """Makes lanes with threads, and holds those that write."""

    _made: list[HeldLane] = field(factory=list)

    def __call__(self, *, reactor: IReactorFromThreads, name: str, threads: int, limit: int, run: Run) -> Lane:
        lane = ThreadLane(reactor=reactor, name=name, threads=threads, limit=limit, run=run)
        if "writer" not in name:
            return lane
        self._made.append(HeldLane(lane, threads))
        return self._made[-1]

    def hold(self) -> None:
        """Let operations queue up."""
        for lane in self._made:
            lane.hold()

    def let_go(self) -> None:
        """Execute what has queued up."""
        for lane in self._made:
            lane.let_go()


def _ignore(failure: Failure) -> None:
    """What becomes of a blocker is not asked."""
