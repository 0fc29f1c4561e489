"""
Where loads wait to be prepared, and how many are prepared at once.

Two lanes, since style sheets can cost a hundred times as much as anything else: what is cheap never waits behind them.
Within a lane accounts take turns, so that one account's flood delays no other; within an account first in is first out.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from smtpeter.boundaries.prepare import Prepared, Preparer
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.queue.gate import Gate
from smtpeter.queue.loads import Load
from smtpeter.queue.tasks import Tasks

PER_TURN = 16
"""How many loads of a lane are begun before the reactor looks at its sockets again."""

Ready = Callable[[Load, Prepared], None]
Failed = Callable[[Load, bool], None]


@define(eq=False)
class Lane:
    """A waiting line with so many places at work."""

    places: int
    at_work: int = field(default=0, init=False)
    _lines: dict[int, deque[Load]] = field(factory=dict, init=False)

    def add(self, load: Load) -> None:
        """Let a load wait behind those of its account."""
        self._lines.setdefault(load.submission.account_id, deque()).append(load)

    def take(self) -> Load | None:
        """The next to be worked on, if there is one and a place for it; L{free} gives the place back."""
        if self.at_work >= self.places or not self._lines:
            return None
        account_id = next(iter(self._lines))
        line = self._lines.pop(account_id)
        load = line.popleft()
        if line:
            self._lines[account_id] = line
        self.at_work += 1
        return load

    def free(self) -> None:
        """Work on one has ended."""
        self.at_work -= 1

    def clear(self) -> list[Load]:
        """Take out all that wait."""
        lines, self._lines = self._lines, {}
        return [load for line in lines.values() for load in line]


@define(eq=False)
class Lanes:
    """
    Gets loads prepared.

    @ivar ready: told of each that is.
    @ivar failed: told of each that is not, and whether it is only that storage is busy.
    @ivar dropped: told of each whose preparing was interrupted, since the server stops.
    """

    _log = Logger()
    clock: IReactorTime
    preparer: Preparer
    gate: Gate
    ready: Ready
    failed: Failed
    dropped: Callable[[Load], None]
    quick: Lane
    costly: Lane
    _call: IDelayedCall | None = field(default=None, init=False)
    _tasks: Tasks = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._tasks = Tasks(self.clock)

    def add(self, load: Load) -> None:
        """Have a load prepared when its turn comes."""
        self._lane_of(load).add(load)
        self.wake()

    def wake(self) -> None:
        """Go on, soon: there is a load, a place, or an open gate."""
        if self._call is None and self.gate.is_open:
            self._call = self.clock.callLater(0, self._turn)

    def clear(self) -> list[Load]:
        """Take out all that wait."""
        return self.quick.clear() + self.costly.clear()

    async def stop(self, seconds: float) -> None:
        """Wait for those at work, at most so long."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        await self._tasks.ended(seconds)

    def _lane_of(self, load: Load) -> Lane:
        features = load.submission.features
        return self.costly if features.inlinecss or features.images == "hosted" else self.quick

    def _turn(self) -> None:
        self._call = None
        begun = 0
        for lane in (self.quick, self.costly):
            begun = max(begun, self._begin(lane))
        if begun == PER_TURN:
            self.wake()

    def _begin(self, lane: Lane) -> int:
        for begun in range(PER_TURN):
            load = lane.take() if self.gate.is_open else None
            if load is None:
                return begun
            self._tasks.start(self._prepare(load, lane))
        return PER_TURN

    async def _prepare(self, load: Load, lane: Lane) -> None:
        try:
            prepared = await self.preparer.prepare(load.submission)
        except StorageBusy:
            self._end(lane)
            self.failed(load, True)
        except CancelledError:
            self._end(lane)
            self.dropped(load)
            raise
        except Exception:
            self._log.failure("submission {id} could not be prepared", id=load.submission.id)
            self._end(lane)
            self.failed(load, False)
        else:
            self._end(lane)
            self.ready(load, prepared)

    def _end(self, lane: Lane) -> None:
        lane.free()
        self.wake()
