"""
Lets new mail wait for room in memory, for a moment, while mail goes out as fast as it comes in.

A processor that is busy with both takes mail in faster than it sends it. What finds no room in memory then has to be
read from the database again, which takes the time that sending lacks. Postfix waits in the same place
(C{in_flow_delay}). Nobody waits for a destination that is slow or dead: once somebody has waited in vain, nobody does
for a while, and what finds no room is left to storage at once, as it is while anything is there that found none.
"""

from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

IMPATIENT_SECONDS = 60.0
"""How long nobody waits after somebody has waited in vain."""

MOST_MESSAGES = 50
"""Submissions of more recipients do not wait: they need too much room at once."""

LINES_AT_ONCE = 8
"""How many lines are looked at when a message has left the memory; the others have their turn with the next ones."""


@frozen
class Ask:
    """How much room is wanted, and whose share it counts against (L{smtpeter.boundaries.queue.Handover.reserve})."""

    messages: int
    size_bytes: int
    account_id: int
    domains: frozenset[str]

    @property
    def line(self) -> tuple[int, frozenset[str]]:
        """Those that wait for the same shares wait behind each other."""
        return self.account_id, self.domains


@define(eq=False)
class _Waiting:
    ask: Ask
    answer: Deferred[bool] = field(factory=Deferred)
    end: IDelayedCall | None = None


@define(eq=False)
class Inflow:
    """
    The lines before the memory.

    @ivar _wait_seconds: how long somebody waits at most; 0: nobody does.
    @ivar _reserve: takes room if there is some.
    """

    _clock: IReactorTime
    _wait_seconds: float
    _reserve: Callable[[Ask], bool]
    _lines: dict[tuple[int, frozenset[str]], deque[_Waiting]] = field(factory=dict, init=False)
    _impatience: IDelayedCall | None = field(default=None, init=False)

    @property
    def is_waiting(self) -> bool:
        """Whether anybody waits."""
        return bool(self._lines)

    def has_line(self, ask: Ask) -> bool:
        """Whether somebody waits for the same shares: who comes later stands behind."""
        return bool(self._lines) and ask.line in self._lines

    def may_wait(self, messages: int) -> bool:
        """Whether waiting is worth while."""
        return self._wait_seconds > 0 and messages <= MOST_MESSAGES and self._impatience is None

    def wait(self, ask: Ask) -> "Deferred[bool]":
        """Stand in line. @return: whether room was taken; it comes within the time to wait."""
        waiting = _Waiting(ask)
        waiting.end = self._clock.callLater(self._wait_seconds, self._in_vain, waiting)
        self._lines.setdefault(ask.line, deque()).append(waiting)
        return waiting.answer

    def freed(self) -> None:
        """There may be room now for those in front."""
        for key in list(self._lines)[:LINES_AT_ONCE] if self._lines else ():
            line = self._lines.pop(key)
            while line and self._reserve(line[0].ask):
                self._answer(line.popleft(), True)
            if line:
                # Behind the others, and before whoever came meanwhile.
                line.extend(self._lines.pop(key, ()))
                self._lines[key] = line

    def clear(self) -> None:
        """Let nobody wait any more, nor later."""
        self._wait_seconds = 0
        lines, self._lines = self._lines, {}
        for line in lines.values():
            for waiting in line:
                self._answer(waiting, False)
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _in_vain(self, waiting: _Waiting) -> None:
        line = self._lines[waiting.ask.line]
        line.remove(waiting)
        if not line:
            del self._lines[waiting.ask.line]
        if self._impatience is None:
            self._impatience = self._clock.callLater(IMPATIENT_SECONDS, self._be_patient)
        self._answer(waiting, False)

    def _be_patient(self) -> None:
        self._impatience = None

    def _answer(self, waiting: _Waiting, is_granted: bool) -> None:
        if waiting.end is not None and waiting.end.active():
            waiting.end.cancel()
        waiting.answer.callback(is_granted)
