"""Tells many outcomes without holding up the reactor: so many a turn, and never inside the call that caused them."""

from collections import deque
from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from smtpeter.model.outcome import Outcome
from smtpeter.relay.lines import Entry

PER_TURN = 500

Word = Callable[[Entry], Outcome]
"""Makes the outcome of an entry, when its turn comes."""


@define(eq=False)
class Reports:
    """Outcomes on their way."""

    _clock: IReactorTime
    _waiting: deque[tuple[Entry, Word]] = field(factory=deque)
    _is_scheduled: bool = False

    def __len__(self) -> int:
        return len(self._waiting)

    def later(self, entries: Sequence[Entry], word: Word) -> None:
        """Report them soon, in this order."""
        self._waiting.extend((entry, word) for entry in entries)
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            self._clock.callLater(0, self._run)

    def _run(self) -> None:
        self._is_scheduled = False
        try:
            for _ in range(min(PER_TURN, len(self._waiting))):
                entry, word = self._waiting.popleft()
                entry.report(word(entry))
        finally:
            self._schedule()
