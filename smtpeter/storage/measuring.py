"""Lanes that tell how large their batches are and what they take."""

from collections.abc import Callable

from attrs import define
from twisted.internet.interfaces import IReactorFromThreads

from smtpeter.boundaries.metrics import Measure
from smtpeter.storage.groups import Operation
from smtpeter.storage.lanes import Deliver, Lane, MakeLane, Run

WRITER = "database-writer"


@define(eq=False, kw_only=True)
class MeasuredLanes:
    """
    A L{MakeLane} around another one; of the writers' lane each batch is measured.

    @ivar seconds: a clock for durations; called in threads.
    @ivar sizes: takes the number of operations of a commit.
    @ivar times: takes what it took, in seconds, from the begin of the transaction to its answer.
    """

    make_lane: MakeLane
    seconds: Callable[[], float]
    sizes: Measure
    times: Measure

    def __call__(self, *, reactor: IReactorFromThreads, name: str, threads: int, limit: int, run: Run) -> Lane:
        """Make a lane."""
        chosen = self._measured(run) if name == WRITER else run
        return self.make_lane(reactor=reactor, name=name, threads=threads, limit=limit, run=chosen)

    def _measured(self, run: Run) -> Run:
        def measured(batch: list[Operation]) -> Deliver:
            began = self.seconds()
            deliver = run(batch)
            took = self.seconds() - began

            def deliver_and_tell() -> None:
                self.sizes(len(batch))
                self.times(took)
                deliver()

            return deliver_and_tell

        return measured
