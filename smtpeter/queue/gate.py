"""The gate that every message passes right before it is sent."""

from attrs import define, field
from twisted.internet.defer import Deferred


class SendingStopped(Exception):
    """This message must not be sent any more: its result could not be recorded, or its claim is gone."""


@define(eq=False)
class Gate:
    """
    Closed while results cannot be recorded or the lease is not held. Whoever comes then waits; who holds an old pass
    is turned away.

    @ivar era: the number on passes given out now.
    """

    era: int = field(default=0, init=False)
    has_given_up: bool = field(default=False, init=False)
    """Whether nobody is let wait any more."""
    _reasons: set[str] = field(factory=set, init=False)
    _waiting: list["Deferred[None]"] = field(factory=list, init=False)

    @property
    def is_open(self) -> bool:
        """Whether sending is allowed."""
        return not self._reasons

    def close(self, reason: str) -> None:
        """Let nobody pass until that reason is gone."""
        self._reasons.add(reason)

    def open(self, reason: str) -> None:
        """Remove a reason; with the last one those who wait go on."""
        self._reasons.discard(reason)
        if not self._reasons:
            self._wake()

    def void_passes(self) -> None:
        """From now on passes given out before are good for nothing."""
        self.era += 1
        self._wake()

    def give_up(self) -> None:
        """Turn away all who wait now or would have to."""
        self.has_given_up = True
        self._wake()

    def is_void(self, era: int) -> bool:
        """Whether who holds a pass of that era can never get through."""
        return era != self.era or (self.has_given_up and not self.is_open)

    async def passed(self, era: int) -> None:
        """
        Wait until sending is allowed.

        @raise SendingStopped: it will not be, for a pass of that era.
        """
        while True:
            if self.is_void(era):
                raise SendingStopped
            if self.is_open:
                return
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)
