"""An intake in memory: it answers as the boundary says, and keeps what it was given."""

from attrs import define, field
from twisted.internet.defer import Deferred

from smtpeter.boundaries.intake import Receipt, ReturnAddress
from smtpeter.model.message import Draft, Trace


@define(eq=False)
class MemoryIntake:
    """
    Implements L{smtpeter.boundaries.intake.Intake}.

    @ivar failure: raised by what stores instead.
    @ivar lookup_failure: raised by C{find_return} instead.
    @ivar gate: while set, storing waits for it.
    @ivar lookup_gate: while set, looking up waits for it.
    """

    return_addresses: dict[str, ReturnAddress] = field(factory=dict)
    drafts: list[Draft] = field(factory=list)
    returns: list[tuple[tuple[ReturnAddress, ...], str, bytes, Trace]] = field(factory=list)
    asked: list[str] = field(factory=list)
    failure: Exception | None = None
    return_failure: Exception | None = None
    lookup_failure: Exception | None = None
    gate: Deferred[None] | None = None
    lookup_gate: Deferred[None] | None = None
    _stored: int = 0

    def welcome(self, address: str, message_id: str | None) -> None:
        """Make an address one that mail comes back to."""
        self.return_addresses[address] = ReturnAddress(address=address, message_id=message_id)

    async def submit(self, draft: Draft) -> Receipt:
        """Keep a draft."""
        if self.gate is not None:
            await self.gate
        if self.failure is not None:
            raise self.failure
        self.drafts.append(draft)
        return Receipt(message_ids=tuple(self._new_id() for _ in draft.recipients))

    async def find_return(self, address: str) -> ReturnAddress | None:
        """What was made one with L{welcome}."""
        self.asked.append(address)
        if self.lookup_gate is not None:
            await self.lookup_gate
        if self.lookup_failure is not None:
            raise self.lookup_failure
        return self.return_addresses.get(address)

    async def take_return(
        self, addresses: tuple[ReturnAddress, ...], reverse_path: str, content: bytes, trace: Trace
    ) -> str:
        """Keep mail that came back."""
        if self.gate is not None:
            await self.gate
        if self.return_failure is not None:
            raise self.return_failure
        self.returns.append((addresses, reverse_path, content, trace))
        return self._new_id()

    def _new_id(self) -> str:
        self._stored += 1
        return f"id{self._stored:018d}"
