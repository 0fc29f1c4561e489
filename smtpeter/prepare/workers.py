"""
CSS inlining outside the reactor: a few worker processes, each with its lane, and the results of late.

The same style sheet goes to the same worker, which has it compiled, unless that one has a long task or many that wait.
Requests at one time that have one answer (L{smtpeter.prepare.alike}) are done once, and results, and refusals for a
while, are kept: so repeated HTML, and the letters of a mailing, cost an engine nothing. Requests wait in queues with
bounds; beyond these they are refused at once, so that mail does not pile up.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from typing_extensions import override

import smtpeter
from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.alike import Keys, style_key
from smtpeter.prepare.frames import packed_request, unpacked_result
from smtpeter.prepare.lanes import Lane, Task
from smtpeter.prepare.pipes import WorkerProcess

MAX_CHARACTERS = 4 * 1024 * 1024
"""Of HTML in one request."""
MAX_WAITING = 1000
"""Requests that wait or run at one time."""
MAX_WAITING_BYTES = 64 * 1024 * 1024
"""Octets of all those."""
MAX_RESULTS_BYTES = 32 * 1024 * 1024
"""Octets, as in frames, of the results that are kept."""
REFUSAL_SECONDS = 300.0
"""How long it is remembered that a document could not be inlined."""
PATIENCE_SECONDS = 0.1
"""A task that takes longer lets idle workers take what waits behind it."""
CROWD = 8
"""So many waiting tasks let the next go to a lane with fewer."""

BUSY = "The CSS engine has too much to do at the moment."
TOO_LARGE = "The HTML is too large for its CSS to be inlined."

_ALARM_SECONDS = 5.0
_REFUSAL_BYTES = 200


def inline_workers(
    clock: IReactorTime,
    processes: IReactorProcess,
    count: int,
    timeout_seconds: float,
    memory_bytes: int,
    python: str = sys.executable,
    engine: str = "premailer",
) -> "InlineWorkers":
    """
    The service with real processes.

    @param clock: the reactor.
    @param processes: the reactor.
    @param count: of processes, each of some 40 MB.
    @param timeout_seconds: the limit of a request once it is a worker's turn.
    @param memory_bytes: of address space, for each process.
    @param engine: its name in the configuration.
    """
    spawn = spawner(processes, timeout_seconds, memory_bytes, python, engine)
    return InlineWorkers(clock, spawn, count, timeout_seconds)


def spawner(
    reactor: IReactorProcess,
    timeout_seconds: float,
    memory_bytes: int,
    python: str = sys.executable,
    engine: str = "premailer",
    module: str = "smtpeter.prepare.worker",
) -> Callable[[WorkerProcess], object]:
    """
    What starts a worker process: with pipes for its three streams, no other descriptor, and an environment of its own.

    @param timeout_seconds: the limit of a request; the process ends itself somewhat later if nobody else does.
    @param memory_bytes: of address space.
    @param engine: its name in the configuration.
    @param module: what runs in it.
    """
    root = str(Path(smtpeter.__file__).parent.parent)
    alarm = f"{timeout_seconds + _ALARM_SECONDS}"
    arguments = [python, "-P", "-m", module, str(memory_bytes), alarm, engine]
    environment = {"PYTHONPATH": root, "LC_ALL": "C.UTF-8"}
    descriptors: dict[int, int | str] = {0: "w", 1: "r", 2: "r"}
    return lambda process: reactor.spawnProcess(
        process, python, arguments, env=environment, path="/", childFDs=descriptors
    )


@define(eq=False, slots=False)
class InlineWorkers(Service):
    """
    An L{Inliner<smtpeter.boundaries.prepare.Inliner>}. Processes start at the first use after C{startService}.

    @ivar _spawn: starts a process that speaks frames with what it is given.
    @ivar _count: how many processes at most.
    @ivar _killed: counts processes that were ended over a task that took too long.
    """

    _clock: IReactorTime
    _spawn: Callable[[WorkerProcess], object]
    _count: int = 1
    _timeout_seconds: float = 5.0
    _killed: Tally = uncounted
    _lanes: list[Lane] = field(init=False, factory=list)
    _keys: Keys = field(init=False, factory=Keys)
    _tasks: dict[bytes, Task] = field(init=False, factory=dict)
    _tasks_bytes: int = field(init=False, default=0)
    _results: OrderedDict[bytes, tuple[InlineResult | str, int, float]] = field(init=False, factory=OrderedDict)
    _results_bytes: int = field(init=False, default=0)

    @override
    def startService(self) -> None:
        super().startService()
        self._lanes = [self._new_lane() for _ in range(self._count)]

    @override
    def stopService(self) -> Deferred[list[None]]:
        """End all processes. Who still waits is cancelled rather than refused: no mail goes out half done."""
        super().stopService()
        lanes, self._lanes = self._lanes, []
        return gatherResults([lane.stop() for lane in lanes])

    async def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to style attributes, in a worker.

        @raise InliningFailed: refused by the engine, ended by a limit of time or memory, or too much to do.
        @raise CancelledError: the service does not run, or no longer.
        """
        if len(request.html) > MAX_CHARACTERS:
            raise InliningFailed(TOO_LARGE)
        key = self._keys.key(request)
        self._keys.note(request, key in self._results or key in self._tasks)
        kept = self._kept(key)
        if kept is not None:
            return kept
        task = self._tasks.get(key) or self._new_task(key, packed_request(request))
        waiter = task.wait()
        if task.key not in self._tasks:
            self._enqueue(task, request)
        result: InlineResult = await waiter
        return result

    def _new_task(self, key: bytes, content: bytes) -> Task:
        if not self._lanes:
            raise CancelledError()
        task = Task(key, content, unpacked_result)
        if len(self._tasks) >= MAX_WAITING or self._tasks_bytes + len(task.content) > MAX_WAITING_BYTES:
            raise InliningFailed(BUSY)
        return task

    def _enqueue(self, task: Task, request: InlineRequest) -> None:
        self._tasks[task.key] = task
        self._tasks_bytes += len(task.content)
        # Without chance, so that style sheets stay where they are compiled.
        home = int.from_bytes(style_key(request)[:8]) % len(self._lanes)
        self._chosen(self._lanes[home]).add(task)

    def _chosen(self, home: Lane) -> Lane:
        if home.is_overdue:
            return next((lane for lane in self._lanes if lane.is_idle), home)
        if home.behind >= CROWD:
            return min(self._lanes, key=lambda lane: (lane.behind, lane is not home))
        return home

    def _spread(self) -> None:
        """Let idle lanes take what waits behind a long task."""
        for lane in self._lanes:
            if lane.is_overdue:
                for idle in [other for other in self._lanes if other.is_idle]:
                    task = lane.take()
                    if task is not None:
                        idle.add(task)

    def _conclude(self, task: Task, outcome: InlineResult | Exception, size_bytes: int) -> None:
        del self._tasks[task.key]
        self._tasks_bytes -= len(task.content)
        if isinstance(outcome, InlineResult):
            self._keep(task.key, outcome, size_bytes, float("inf"))
        elif isinstance(outcome, InliningFailed) and task.was_begun:
            self._keep(task.key, str(outcome), _REFUSAL_BYTES, self._clock.seconds() + REFUSAL_SECONDS)
        task.finish(outcome)

    def _kept(self, key: bytes) -> InlineResult | None:
        """
        The result of an equal request.

        @raise InliningFailed: it was refused a short while ago.
        """
        found = self._results.get(key)
        if found is None:
            return None
        outcome, _, until = found
        if until < self._clock.seconds():
            self._forget(key)
            return None
        self._results.move_to_end(key)
        if isinstance(outcome, str):
            raise InliningFailed(outcome)
        return outcome

    def _keep(self, key: bytes, outcome: InlineResult | str, size_bytes: int, until: float) -> None:
        self._results[key] = (outcome, size_bytes, until)
        self._results_bytes += size_bytes
        while self._results_bytes > MAX_RESULTS_BYTES:
            self._forget(next(iter(self._results)))

    def _forget(self, key: bytes) -> None:
        self._results_bytes -= self._results.pop(key)[1]

    def _new_lane(self) -> Lane:
        seconds, patience = self._timeout_seconds, PATIENCE_SECONDS
        return Lane(self._clock, self._spawn, seconds, patience, self._conclude, self._spread, self._killed)
