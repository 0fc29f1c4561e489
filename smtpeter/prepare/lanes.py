"""
A lane: one worker process, one task in it, and the tasks that wait for it.

The process is started when there is something to do, killed when a task passes its time, and started again for the next
task. One that dies before it is ready is not started again at once: the pause doubles each time, and tasks that come in
the meantime fail, because mail shall not wait for it.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.prepare import InlineResult, InliningFailed
from smtpeter.prepare.frames import unpacked_result
from smtpeter.prepare.pipes import WorkerProcess

START_SECONDS = 30.0
"""How long a process may take until it is ready."""
MAX_PAUSE_SECONDS = 60.0
"""The longest pause before a process that would not start is tried again."""

NOT_RUNNING = "The CSS engine does not start at the moment."
TIMED_OUT = "The CSS engine took longer than {:g} seconds over this HTML."
ENDED = "The CSS engine broke down over this HTML and its style sheets, most likely for want of memory."


@define(eq=False)
class Task:
    """
    A request on its way, and who waits for it: equal requests at one time are one task.

    @ivar was_begun: whether a worker has got it.
    """

    key: bytes
    content: bytes
    was_begun: bool = field(init=False, default=False)
    _waiters: list[Deferred[InlineResult]] = field(init=False, factory=list)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for it still."""
        return bool(self._waiters)

    def wait(self) -> Deferred[InlineResult]:
        """The result. Cancelling it stops the waiting; a task for which nobody waits is not begun."""
        waiter: Deferred[InlineResult] = Deferred(self._waiters.remove)
        self._waiters.append(waiter)
        return waiter

    def finish(self, outcome: InlineResult | Exception) -> None:
        """Tell all who wait."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if isinstance(outcome, Exception):
                waiter.errback(Failure(outcome))
            else:
                waiter.callback(outcome)


@define(eq=False)
class Lane:
    """
    One worker and its queue.

    @ivar is_overdue: whether its task has taken so long that others may help with those that wait.
    """

    _clock: IReactorTime
    _spawn: Callable[[WorkerProcess], object]
    _timeout_seconds: float
    _patience_seconds: float
    _on_outcome: Callable[[Task, InlineResult | Exception, int], None]
    _on_change: Callable[[], None]
    _killed: Tally = uncounted
    waiting: deque[Task] = field(init=False, factory=deque)
    is_overdue: bool = field(init=False, default=False)
    _task: Task | None = field(init=False, default=None)
    _process: WorkerProcess | None = field(init=False, default=None)
    _timers: list[IDelayedCall] = field(init=False, factory=list)
    _has_started: bool = field(init=False, default=False)
    _failed_starts: int = field(init=False, default=0)
    _not_before: float = field(init=False, default=0.0)
    _stopped: Deferred[None] | None = field(init=False, default=None)
    _log = Logger()

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return self._task is None and not self.waiting

    def add(self, task: Task) -> None:
        """Queue a task."""
        self.waiting.append(task)
        self._advance()

    def stop(self) -> Deferred[None]:
        """Give up all tasks and end the process; fires when it has ended."""
        self._stopped = Deferred()
        tasks = [*filter(None, (self._task,)), *self.waiting]
        self._task = None
        self.waiting.clear()
        self._clear_timers()
        for task in tasks:
            self._on_outcome(task, CancelledError(), 0)
        if self._process is None:
            return succeed(None)
        self._process.kill()
        return self._stopped

    def _advance(self) -> None:
        """Do the next thing that can be done."""
        while self.waiting and not self.waiting[0].is_wanted:
            self._on_outcome(self.waiting.popleft(), CancelledError(), 0)
        if self._task is not None or not self.waiting or self._stopped is not None:
            return
        if self._process is None:
            self._start()
        elif self._process.is_ready:
            self._begin(self.waiting.popleft())

    def _start(self) -> None:
        if self._clock.seconds() < self._not_before:
            self._fail_waiting()
            return
        self._has_started = False
        self._process = WorkerProcess(self._ready, self._replied, self._ended)
        self._timers = [self._clock.callLater(START_SECONDS, self._process.kill)]
        try:
            self._spawn(self._process)
        except OSError as reason:
            self._log.error("a CSS worker cannot be started: {reason}", reason=reason)
            self._ended()

    def _ready(self) -> None:
        self._has_started = True
        self._failed_starts = 0
        self._clear_timers()
        self._advance()

    def _begin(self, task: Task) -> None:
        self._task = task
        task.was_begun = True
        self._timers = [
            self._clock.callLater(self._timeout_seconds, self._time_out),
            self._clock.callLater(min(self._patience_seconds, self._timeout_seconds), self._become_overdue),
        ]
        if self._process is not None:
            self._process.send(task.content)

    def _replied(self, content: bytes) -> None:
        if self._task is not None:
            try:
                self._conclude(unpacked_result(content), len(content))
            except InliningFailed as reason:
                self._conclude(reason, len(content))

    def _time_out(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._killed()
        self._conclude(InliningFailed(TIMED_OUT.format(self._timeout_seconds)), 0)

    def _become_overdue(self) -> None:
        self.is_overdue = True
        self._on_change()

    def _conclude(self, outcome: InlineResult | Exception, size_bytes: int) -> None:
        task, self._task = self._task, None
        self.is_overdue = False
        self._clear_timers()
        if task is not None:
            self._on_outcome(task, outcome, size_bytes)
        self._advance()
        if self.is_idle:
            self._on_change()

    def _ended(self) -> None:
        self._process = None
        self._clear_timers()
        if self._stopped is not None:
            self._stopped.callback(None)
        elif not self._has_started:
            self._pause()
        elif self._task is not None:
            self._conclude(InliningFailed(ENDED), 0)
        else:
            self._advance()

    def _pause(self) -> None:
        """It died before it was ready."""
        seconds = min(2.0**self._failed_starts, MAX_PAUSE_SECONDS)
        self._failed_starts = min(self._failed_starts + 1, 10)
        self._not_before = self._clock.seconds() + seconds
        self._log.error("a CSS worker did not start; next attempt in {seconds} seconds or later", seconds=seconds)
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        while self.waiting:
            self._on_outcome(self.waiting.popleft(), InliningFailed(NOT_RUNNING), 0)

    def _clear_timers(self) -> None:
        timers, self._timers = self._timers, []
        for timer in timers:
            if timer.active():
                timer.cancel()
