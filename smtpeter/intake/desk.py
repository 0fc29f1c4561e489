"""The desk at which mail is handed in: checks it, commits it to stable storage, gives a receipt."""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, Literal, TypeVar

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.intake import Receipt, Refused, ReturnAddress
from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.queue import Handover, Shelf
from smtpeter.intake.acceptance import CHANCE_BYTES, Acceptance, accept, ids_needed
from smtpeter.intake.reading import Reading, check_limits, read_content
from smtpeter.intake.returning import ReturnAddresses
from smtpeter.intake.threads import Threads
from smtpeter.model.identity import new_id
from smtpeter.model.message import Draft, Once, Return, Submission, Trace

SMALL_BYTES = 65_536
"""Contents up to this size are read at once; larger ones in a thread."""

Result = TypeVar("Result")


@define(eq=False, kw_only=True)
class IntakeDesk:
    """
    See L{smtpeter.boundaries.intake.Intake}.

    @ivar sender_rule: whether a sender domain must be approved, or may be unknown (mail goes out unsigned then).
    @ivar max_age_seconds: how long delivery is tried.
    @ivar chance: gives so many random bytes.
    @ivar accepted: counts messages by the way they came in.
    @ivar accepted_bytes: the same for the bytes of their contents, once per submission.
    """

    shelf: Shelf
    handover: Handover
    sender_domains: SenderDomains
    return_addresses: ReturnAddresses
    threads: Threads
    clock: IReactorTime
    chance: Callable[[int], bytes]
    sender_rule: Literal["required", "optional"] = "required"
    max_age_seconds: float = 86_400.0
    accepted: Tally = uncounted
    accepted_bytes: Tally = uncounted

    async def submit(self, draft: Draft) -> Receipt:
        """
        Accept a draft. Once the write has begun it is finished, even when the client is gone: mail that was stored as
        claimed must reach the queue.

        @raise Refused: the content or its sender is not accepted; nothing was stored.
        @raise AlreadyAsked: there is a submission with the draft's key; nothing was stored.
        @raise StorageFull: no space.
        @raise StorageBusy: cannot be stored now.
        """
        acceptance = await self._accept(draft)
        await _shielded(self._put(acceptance, draft.once))
        return acceptance.receipt

    async def draw_up(self, draft: Draft) -> Submission:
        """
        What L{submit} would store, under ids that nothing else has. Nothing is stored.

        @raise Refused: the content or its sender is not accepted.
        @raise StorageBusy: sender domains cannot be read now.
        """
        return (await self._accept(draft)).submission

    def may_be_return(self, address: str) -> bool:
        """Whether L{find_return} is worth asking: no storage, no cryptography."""
        return self.return_addresses.may_be(address)

    async def find_return(self, address: str) -> ReturnAddress | None:
        """
        Whether an envelope recipient is a return address (its MAC is checked) or a role address of a served domain.

        @raise StorageBusy: cannot be told now.
        """
        return await self.return_addresses.find(address)

    async def take_return(
        self, addresses: tuple[ReturnAddress, ...], reverse_path: str, content: bytes, trace: Trace
    ) -> str:
        """
        Store mail that came back, once per address, all in one commit.

        @return: the id of the first.
        @raise Refused: the content is not acceptable.
        @raise StorageBusy: cannot be stored now.
        """
        await self._read(check_limits, content)
        now = self.clock.seconds()
        returned = [
            Return(
                id=new_id(now, self.chance(CHANCE_BYTES)),
                message_id=address.message_id,
                recipient=address.address,
                reverse_path=reverse_path,
                content=content,
                trace=trace,
                received_at=now,
            )
            for address in dict.fromkeys(addresses)
        ]
        await _shielded(self.shelf.store_return(returned))
        return returned[0].id

    async def _accept(self, draft: Draft) -> Acceptance:
        reading = await self._read(read_content, draft.content)
        sender_domain = await self._approved(draft.account_id, reading)
        chance = self.chance(CHANCE_BYTES * ids_needed(draft))
        return accept(draft, reading.wishes, sender_domain, self.clock.seconds(), self.max_age_seconds, chance)

    async def _read(self, function: Callable[[bytes], Result], content: bytes) -> Result:
        if len(content) <= SMALL_BYTES:
            return function(content)
        return await self.threads.run(function, content)

    async def _approved(self, account_id: int, reading: Reading) -> str:
        """The sender domain whose settings and key apply; empty for one that is not approved and need not be."""
        name = reading.sender_domain
        found = await self.sender_domains.find_domain(account_id, name) if name else None
        if found is not None and found.is_approved:
            return name
        if self.sender_rule == "optional":
            return ""
        if not name:
            raise Refused(550, "5.7.1", f"{reading.fault[:1].upper()}{reading.fault[1:]}")
        text = f"You cannot send mailings from {name} without configuring it as sender domain"
        raise Refused(550, "5.7.1", text)

    async def _put(self, acceptance: Acceptance, once: Once | None) -> None:
        submission = acceptance.submission
        messages, size_bytes = len(submission.messages), len(submission.content)
        domains = {message.domain for message in submission.messages}
        room = self.handover.reserve(messages, size_bytes, submission.account_id, domains)
        is_claimed = room if isinstance(room, bool) else await room
        try:
            suppressed = await self.shelf.store(submission, acceptance.events, is_claimed, once)
        except BaseException:
            if is_claimed:
                self.handover.give_back(messages, size_bytes)
            raise
        self.accepted(submission.source, messages)
        self.accepted_bytes(submission.source, size_bytes)
        if is_claimed:
            self._hand_over(submission, suppressed)

    def _hand_over(self, submission: Submission, suppressed: Collection[str]) -> None:
        """Let those go on that are to be sent. The others leave their room, and their content if nobody gets it."""
        if not suppressed:
            self.handover.hand_over(submission)
            return
        wanted = tuple(message for message in submission.messages if message.id not in suppressed)
        self.handover.give_back(len(suppressed), 0 if wanted else len(submission.content))
        if wanted:
            self.handover.hand_over(evolve(submission, messages=wanted))


def _shielded(work: Coroutine["Deferred[Any]", Any, Result]) -> "Deferred[Result]":
    """Await work that goes on when whoever awaits it is cancelled."""
    shield: Deferred[Result] = Deferred()

    def end(result: Result | Failure) -> None:
        if not shield.called:
            shield.callback(result)

    _ = Deferred.fromCoroutine(work).addBoth(end)
    return shield
