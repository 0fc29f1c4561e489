"""
Answers data requests in the background: looks through what there is about an address, some rows at a time.

What is found is written after each step together with the place where to go on, so a restart loses one step at most,
and what a step that was interrupted wrote is written over. One server at a time holds a data request.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.archive.chores import Chore
from smtpeter.boundaries.archive import SentMessages
from smtpeter.boundaries.inquiries import Findings, InquiryShelf, NotHeld
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.events.dossiers import (
    Record,
    event_records,
    message_record,
    return_records,
    suppression_record,
    write_arrays,
)
from smtpeter.model.inquiry import STAGES, Inquiry, Match, Progress

T = TypeVar("T")

ROWS_FOR_ONE = 20
"""So many rows are looked through where others are changed: it costs a reader as much."""

MESSAGES = 8
"""In a step at most: each is prepared anew, as it was for sending."""

BYTES = 1 << 20
"""No further message is taken into a step that has so much content."""

EVENTS = 1000
"""In an array."""

RETURNS = 10
PARTS = 4
"""In a transaction."""


class Threads(Protocol):
    """Runs what would keep the reactor waiting."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function in a thread, and give what it gives or raise what it raises."""


@define(eq=False, kw_only=True)
class Gathering(Chore):
    """Answers one data request after the other."""

    name = "data requests answered"
    _shelf: InquiryShelf
    _findings: Findings
    _sent: SentMessages
    _threads: Threads
    _node_id: str
    _held: Inquiry | None = field(default=None, init=False)
    _log = Logger()

    @override
    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        """Look through some rows for the data request that is at hand, or take the next."""
        inquiry, self._held = self._held or await self._shelf.hold(self._node_id, now), None
        if inquiry is None:
            return 0, False
        arrays, after = await self._look(inquiry, limit)
        try:
            held = await self._write(inquiry, arrays, after, now)
        except NotHeld:
            return 0, True
        self._held = None if held.is_ready else held
        return int(held.is_ready), True

    async def _look(self, inquiry: Inquiry, limit: int) -> tuple[list[list[Record]], str | None]:
        """What a step finds, and where to go on in its stage; C{None} at its end."""
        stage, after, rows = inquiry.progress.stage, inquiry.progress.after, limit * ROWS_FOR_ONE
        if stage == "messages":
            return await self._messages(inquiry, after, rows)
        if stage == "events":
            found, next = await self._findings.events(inquiry, after, rows, EVENTS)
            return [event_records(found)], next
        entry = await self._findings.suppression(inquiry)
        return [[] if entry is None else [suppression_record(entry)]], None

    async def _messages(self, inquiry: Inquiry, after: str, rows: int) -> tuple[list[list[Record]], str | None]:
        found, next = await self._findings.messages(inquiry, after, rows, MESSAGES)
        arrays: list[list[Record]] = []
        size = 0
        for place, match in enumerate(found):
            if size >= BYTES:
                return arrays, found[place - 1].message_id
            record, content_bytes = await self._record(inquiry, match)
            size += content_bytes
            arrays += await self._arrays(match, record)
        return arrays, next

    async def _arrays(self, match: Match, record: Record) -> list[list[Record]]:
        """One with all of a message; more when very much happened to it."""
        returned = return_records(await self._findings.returns_of(match, RETURNS))
        events = await self._findings.events_of(match, 0, EVENTS)
        arrays = [[record, *event_records(events), *returned]]
        while len(events) == EVENTS:
            events = await self._findings.events_of(match, events[-1].id or 0, EVENTS)
            arrays.append(event_records(events))
        return arrays

    async def _record(self, inquiry: Inquiry, match: Match) -> tuple[Record, int]:
        """A message, and the size of its content; one that cannot be shown does not keep the rest from being shown."""
        try:
            content = await self._sent.content(inquiry.account_id, match.message_id)
            return await self._threads.run(message_record, match, content), len(content or b"")
        except (StorageBusy, CancelledError):
            raise
        except Exception:
            self._log.failure("the content of {message} could not be read", message=match.message_id)
            return message_record(match, None), 0

    async def _write(
        self, inquiry: Inquiry, arrays: Sequence[Sequence[Record]], after: str | None, now: float
    ) -> Inquiry:
        number = inquiry.progress.parts
        parts, size = await self._threads.run(write_arrays, arrays, number == 0)
        for start in range(0, len(parts), PARTS):
            chosen = parts[start : start + PARTS]
            await self._shelf.write(self._node_id, inquiry, number + start, chosen, now)
        progress, is_ready = _next(inquiry.progress, after)
        progress = evolve(progress, parts=number + len(parts), size_bytes=inquiry.progress.size_bytes + size)
        await self._shelf.advance(self._node_id, inquiry, progress, is_ready, now)
        return evolve(inquiry, progress=progress, is_ready=is_ready)


def _next(progress: Progress, after: str | None) -> tuple[Progress, bool]:
    """Where the next step begins, and whether there is none."""
    if after is not None:
        return evolve(progress, after=after), False
    place = STAGES.index(progress.stage) + 1
    if place == len(STAGES):
        return progress, True
    return evolve(progress, stage=STAGES[place], after=""), False
