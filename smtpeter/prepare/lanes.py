"""
A lane: one worker process, the tasks that it has been sent, and those that wait for it.

The process is started when there is something to do, killed when a task passes its time, and started again for the next
task. One that dies before it is ready is not started again at once: the pause doubles each time, and tasks that come in
the meantime fail, because mail shall not wait for it.

A few small tasks are sent ahead, so that a process need not wait until a busy server has read its last reply. It works
on the first of them, whose time runs and to which a breakdown is put down; the others can go to another lane still.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.prepare import InliningFailed
from smtpeter.prepare.pipes import WorkerProcess

START_SECONDS = 30.0
"""How long a process may take until it is ready."""
MAX_PAUSE_SECONDS = 60.0
"""The longest pause before a process that would not start is tried again."""
AHEAD = 8
"""So many tasks at most are with a process at one time."""
AHEAD_BYTES = 128 * 1024
"""Octets of those; a longer one is sent alone."""

NOT_RUNNING = "The CSS engine does not start at the moment."
TIMED_OUT = "The CSS engine took longer than {:g} seconds over this HTML."
ENDED = "The CSS engine broke down over this HTML and its style sheets, most likely for want of memory."


class BrokeDown(InliningFailed):
    """The process is gone over this task: another one would go the same way."""


@define(eq=False)
class Task:
    """
    A request on its way, and who waits for it: equal requests at one time are one task.

    @ivar read: makes a result of a reply.
    @ivar was_begun: whether a worker's time for it has begun to run.
    """

    key: bytes
    content: bytes
    read: Callable[[bytes], Any]
    was_begun: bool = field(init=False, default=False)
    _waiters: list[Deferred[Any]] = field(init=False, factory=list)

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for it still."""
        return bool(self._waiters)

    def wait(self) -> Deferred[Any]:
        """The result. Cancelling it stops the waiting; a task for which nobody waits is not begun."""
        waiter: Deferred[Any] = Deferred(self._waiters.remove)
        self._waiters.append(waiter)
        return waiter

    def finish(self, outcome: Any) -> None:
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
    @ivar _sent: what the process has got and not answered; C{None} for a task that was given to another lane since.
    @ivar _turn_at: when it was the turn of the first of these.
    """

    _clock: IReactorTime
    _spawn: Callable[[WorkerProcess], object]
    _timeout_seconds: float
    _patience_seconds: float
    _on_outcome: Callable[[Task, Any, int], None]
    _on_change: Callable[[], None]
    _killed: Tally = uncounted
    is_overdue: bool = field(init=False, default=False)
    _waiting: deque[Task] = field(init=False, factory=deque)
    _sent: deque[Task | None] = field(init=False, factory=deque)
    _turn_at: float = field(init=False, default=0.0)
    _process: WorkerProcess | None = field(init=False, default=None)
    _timer: IDelayedCall | None = field(init=False, default=None)
    _has_started: bool = field(init=False, default=False)
    _failed_starts: int = field(init=False, default=0)
    _not_before: float = field(init=False, default=0.0)
    _stopped: Deferred[None] | None = field(init=False, default=None)
    _log = Logger()

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self._sent and not self._waiting

    @property
    def is_ready(self) -> bool:
        """Whether its process can begin at once."""
        return self._process is not None and self._process.is_ready

    @property
    def unfinished(self) -> int:
        """How many tasks it has, the one at work included."""
        return len(self._waiting) + len(self._sent)

    @property
    def behind(self) -> int:
        """How many tasks wait for their turn."""
        return len(self._waiting) + max(len(self._sent) - 1, 0)

    def add(self, task: Task) -> None:
        """Queue a task."""
        self._waiting.append(task)
        self._advance()

    def warm_up(self) -> None:
        """Start its process, if none is there, though there is nothing to do yet."""
        if self._process is None:
            self._start()

    def take(self) -> Task | None:
        """Give away the first task that waits for its turn."""
        for place, task in enumerate(self._sent):
            if place and task is not None:
                self._sent[place] = None
                return task
        return self._waiting.popleft() if self._waiting else None

    def stop(self) -> Deferred[None]:
        """Give up all tasks and end the process; fires when it has ended."""
        self._stopped = Deferred()
        self._take_back()
        tasks, self._waiting = self._waiting, deque()
        self._clear_timer()
        for task in tasks:
            self._on_outcome(task, CancelledError(), 0)
        if self._process is None:
            return succeed(None)
        self._process.kill()
        return self._stopped

    def _advance(self) -> None:
        """Do the next thing that can be done."""
        while self._waiting:
            if not self._waiting[0].is_wanted:
                self._on_outcome(self._waiting.popleft(), CancelledError(), 0)
            elif self._process is None:
                self._start()
                return
            elif self._process.is_ready and self._has_room(self._waiting[0]):
                self._send(self._process, self._waiting.popleft())
            else:
                return

    def _has_room(self, task: Task) -> bool:
        if self.is_overdue or len(self._sent) >= AHEAD:
            return not self._sent
        size_bytes = sum(len(one.content) for one in self._sent if one is not None)
        return not self._sent or size_bytes + len(task.content) <= AHEAD_BYTES

    def _start(self) -> None:
        if self._clock.seconds() < self._not_before:
            self._fail_waiting()
            return
        self._has_started = False
        self._process = WorkerProcess(self._ready, self._replied, self._ended)
        self._timer = self._clock.callLater(START_SECONDS, self._process.kill)
        try:
            self._spawn(self._process)
        except OSError as reason:
            self._log.error("a worker process cannot be started: {reason}", reason=reason)
            self._ended()

    def _ready(self) -> None:
        self._has_started = True
        self._failed_starts = 0
        self._clear_timer()
        self._advance()

    def _send(self, process: WorkerProcess, task: Task) -> None:
        self._sent.append(task)
        if len(self._sent) == 1:
            self._begin_turn()
        process.send(task.content)

    def _begin_turn(self) -> None:
        """One timer goes on from turn to turn, and finds out when it has run whose time it is."""
        task = self._sent[0]
        if task is not None:
            task.was_begun = True
        self.is_overdue = False
        self._turn_at = self._clock.seconds()
        if self._timer is None:
            self._timer = self._clock.callLater(self._patience(), self._look)

    def _look(self) -> None:
        self._timer = None
        passed = self._clock.seconds() - self._turn_at
        if passed >= self._timeout_seconds:
            self._time_out()
            return
        if passed >= self._patience():
            self.is_overdue = True
        following = self._timeout_seconds if self.is_overdue else self._patience()
        self._timer = self._clock.callLater(following - passed, self._look)
        if self.is_overdue:
            self._on_change()

    def _patience(self) -> float:
        return min(self._patience_seconds, self._timeout_seconds)

    def _replied(self, content: bytes) -> None:
        if self._sent:
            task, outcome = self._sent[0], None
            try:
                outcome = None if task is None else task.read(content)
            except Exception as reason:
                # What a process says of itself is a stranger's work.
                outcome = reason
            self._conclude(outcome, len(content))

    def _time_out(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._killed()
        self._break_off(BrokeDown(TIMED_OUT.format(self._timeout_seconds)))

    def _break_off(self, reason: InliningFailed) -> None:
        """The process is gone: the first task has failed, all others wait again."""
        first = self._sent.popleft()
        self._take_back()
        self._sent.append(first)
        self._conclude(reason, 0)

    def _take_back(self) -> None:
        self._waiting.extendleft(task for task in reversed(self._sent) if task is not None)
        self._sent.clear()

    def _conclude(self, outcome: Any, size_bytes: int) -> None:
        """The outcome of the first task; it is the turn of the next."""
        task = self._sent.popleft()
        if self._sent:
            self._begin_turn()
        else:
            self.is_overdue = False
            self._clear_timer()
        if task is not None:
            self._on_outcome(task, outcome, size_bytes)
        self._advance()
        if self.is_idle:
            self._on_change()

    def _ended(self) -> None:
        self._process = None
        if self._stopped is not None:
            self._stopped.callback(None)
        elif not self._has_started:
            self._clear_timer()
            self._pause()
        elif self._sent:
            self._break_off(BrokeDown(ENDED))
        else:
            self._clear_timer()
            self._advance()

    def _pause(self) -> None:
        """It died before it was ready."""
        seconds = min(2.0**self._failed_starts, MAX_PAUSE_SECONDS)
        self._failed_starts = min(self._failed_starts + 1, 10)
        self._not_before = self._clock.seconds() + seconds
        self._log.error("a worker process did not start; next attempt in {seconds} seconds or later", seconds=seconds)
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        while self._waiting:
            self._on_outcome(self._waiting.popleft(), InliningFailed(NOT_RUNNING), 0)

    def _clear_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
