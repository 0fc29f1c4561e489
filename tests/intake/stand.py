"""An intake desk whose surroundings tests look at."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from itertools import count
from typing import Literal, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.intake import Intake
from smtpeter.boundaries.queue import Handover, Shelf
from smtpeter.intake.desk import IntakeDesk
from smtpeter.intake.returning import ReturnAddresses
from smtpeter.intake.threads import Threads
from smtpeter.model.account import SenderDomain
from smtpeter.model.event import Event
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Draft, Once, Recipient, Return, Submission, Trace
from smtpeter.model.options import Features

T = TypeVar("T")
NOW = 1_800_000_000.0
KEYS = MacKeys(current=1, keys={1: b"k" * 32})
CONTENT = b"From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: Hello\r\n\r\nHello.\r\n"
TRACE = Trace(protocol="ESMTPSA", helo="client.example.com", peer="192.0.2.9")


def ended(work: Awaitable[T]) -> T:
    """What work that is done at once gave, or raises what it raised."""

    async def whole() -> T:
        return await work

    results: list[T | Failure] = []
    _ = Deferred.fromCoroutine(whole()).addBoth(results.append)
    if not results:
        raise AssertionError("it is not done at once")
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


@define(eq=False)
class Notebook:
    """
    A shelf and a handover that note in which order they are used.

    @ivar has_room: what a reservation is answered.
    @ivar failure: raised instead of storing.
    @ivar gate: while set, storing waits for it.
    @ivar suppressed: addresses that are on the list.
    """

    has_room: bool | Awaitable[bool] = True
    failure: Exception | None = None
    gate: "Deferred[None] | None" = None
    suppressed: frozenset[str] = frozenset()
    calls: list[tuple[object, ...]] = field(factory=list)
    submissions: list[Submission] = field(factory=list)
    events: list[Event] = field(factory=list)
    returned: list[Return] = field(factory=list)
    handed: list[Submission] = field(factory=list)
    keys: list[Once | None] = field(factory=list)
    commits: int = 0

    def reserve(
        self, messages: int, size_bytes: int, account_id: int, domains: Collection[str]
    ) -> bool | Awaitable[bool]:
        """Note the question."""
        self.calls.append(("reserve", messages, size_bytes, account_id, frozenset(domains)))
        return self.has_room

    def hand_over(self, submission: Submission) -> None:
        """Note it."""
        self.calls.append(("hand_over", submission.id))
        self.handed.append(submission)

    def give_back(self, messages: int, size_bytes: int) -> None:
        """Note it."""
        self.calls.append(("give_back", messages, size_bytes))

    async def store(
        self, submission: Submission, events: Sequence[Event], is_claimed: bool, once: Once | None = None
    ) -> Collection[str]:
        """Keep it."""
        self.calls.append(("store", is_claimed))
        await self._commit()
        self.keys.append(once)
        self.submissions.append(submission)
        self.events.extend(events)
        return {message.id for message in submission.messages if message.recipient.address in self.suppressed}

    async def store_return(self, returned: Sequence[Return]) -> None:
        """Keep it."""
        await self._commit()
        self.returned.extend(returned)

    async def _commit(self) -> None:
        if self.gate is not None:
            await self.gate
        if self.failure is not None:
            raise self.failure
        self.commits += 1


@define(eq=False)
class KnownDomains:
    """
    Sender domains of account 1.

    @ivar failure: raised instead of an answer.
    """

    approved: frozenset[str] = frozenset(("example.com", "xn--bcher-kva.example"))
    waiting: frozenset[str] = frozenset(("new.example",))
    failure: Exception | None = None

    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        """One of them."""
        if self.failure is not None:
            raise self.failure
        if account_id != 1 or name not in self.approved | self.waiting:
            return None
        return SenderDomain(account_id=1, name=name, is_approved=name in self.approved, key=None)

    async def is_served(self, name: str) -> bool:
        """Whether it is approved."""
        if self.failure is not None:
            raise self.failure
        return name in self.approved


@define(eq=False)
class CountedThreads:
    """Runs at once, and counts."""

    runs: int = 0

    async def run(self, function: Callable[[bytes], T], content: bytes) -> T:
        """Call it."""
        self.runs += 1
        return function(content)


@define(eq=False, kw_only=True)
class Stand:
    """A desk and what is around it."""

    notebook: Notebook
    domains: KnownDomains
    threads: CountedThreads
    desk: IntakeDesk


def stand(
    handover: Handover | None = None,
    sender_rule: Literal["required", "optional"] = "required",
    max_age_seconds: float = 86_400.0,
) -> Stand:
    """Set it up. @param handover: the queue; the notebook when C{None}."""
    clock, numbers = Clock(), count(1)
    clock.advance(NOW)
    notebook, domains, threads = Notebook(), KnownDomains(), CountedThreads()
    _shelf: Shelf = notebook
    _handover: Handover = notebook
    _domains: SenderDomains = domains
    _threads: Threads = threads
    addresses = ReturnAddresses(
        sender_domains=domains,
        keys=KEYS,
        bounce_domains=frozenset(("bounces.example.com",)),
        own_domains=frozenset(("mail.example.com",)),
    )
    desk = IntakeDesk(
        shelf=notebook,
        handover=handover or notebook,
        sender_domains=domains,
        return_addresses=addresses,
        threads=threads,
        clock=clock,
        chance=lambda size: b"".join(next(numbers).to_bytes(6, "big") for _ in range(size // 6)),
        sender_rule=sender_rule,
        max_age_seconds=max_age_seconds,
    )
    _intake: Intake = desk
    return Stand(notebook=notebook, domains=domains, threads=threads, desk=desk)


def draft(content: bytes = CONTENT, recipients: Sequence[str] = ("bob@example.net",), account_id: int = 1) -> Draft:
    """What a door hands in."""
    return Draft(
        account_id=account_id,
        login_id=7,
        features=Features(trackclicks=True, trackopens=True),
        reverse_path="ann@example.com",
        recipients=tuple(Recipient(address=address) for address in recipients),
        content=content,
        trace=TRACE,
        ret="HDRS",
        envid="QQ1",
    )
