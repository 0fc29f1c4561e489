"""
Tells the monitors of data requests that an answer is there: by POST to a URL, or in a letter to an e-mail address.

A try is counted in the database before it is made. So a server that crashes in the middle repeats it later, as if it
had failed, and no two servers make the same one. A letter is queued in the transaction that ends the telling: once.
"""

from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.archive.chores import Chore
from smtpeter.archive.gathering import Threads
from smtpeter.archive.letters import write_letter
from smtpeter.boundaries.fetch import Fetched, Fetcher, FetchError, FetchFailed
from smtpeter.boundaries.inquiries import InquiryBook, MonitorShelf
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.events.dossiers import read_whole, without_data
from smtpeter.model.identity import NewId
from smtpeter.model.inquiry import Inquiry, Telling

AT_ONCE = 4
"""Each of another account, with an answer in memory."""

MOST_BYTES = 10 * 1024 * 1024
"""Of an answer that is sent; of a larger one the monitor hears where to get it. Many servers take no larger mail."""

FIRST_WAIT_SECONDS = 60.0
"""Longer than any try takes; doubled after each."""
LONGEST_WAIT_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
"""From the answer on; then the monitor is given up."""

_HEADERS = {"Content-Type": "application/json"}


@frozen(kw_only=True)
class Post:
    """What letters need."""

    hostname: str
    max_age_seconds: float
    """For how long a letter's delivery is tried."""
    new_id: NewId
    chance: Callable[[int], bytes]


def wait_after(tries: int) -> float:
    """@return: seconds from a try to the next, when so many were made before it."""
    return float(min(FIRST_WAIT_SECONDS * 2 ** min(tries, 10), LONGEST_WAIT_SECONDS))


@define(eq=False, kw_only=True)
class Monitors(Chore):
    """Tells some at a time."""

    name = "monitors of data requests told"
    _shelf: MonitorShelf
    _book: InquiryBook
    _fetcher: Fetcher
    _threads: Threads
    _post: Post
    _told: list[Telling] = field(factory=list, init=False)
    """What could not be written down yet."""
    _posting: set[Deferred[Fetched]] = field(factory=set, init=False)
    _is_interrupted: bool = field(default=False, init=False)
    _log = Logger()

    @override
    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        """Tell those whose time has come, at most L{AT_ONCE}; the next ones in the next round."""
        self._is_interrupted = False
        while self._told:
            await self._shelf.end(self._told[0])
            del self._told[0]
        due = await self._shelf.due(now, AT_ONCE)
        told = await gatherResults([Deferred.fromCoroutine(self._try(telling, now)) for telling in due])
        return sum(told), False

    def interrupt(self) -> None:
        """Wait for no answer any more: the step ends soon, and what was not told is tried again at its time."""
        self._is_interrupted = True
        for posting in tuple(self._posting):
            posting.cancel()

    async def _try(self, telling: Telling, now: float) -> bool:
        next_at = now + wait_after(telling.tries)
        try:
            return await self._shelf.claim(telling, next_at) and await self._tell(telling, now)
        except (StorageBusy, CancelledError):
            return False
        except FetchError as error:
            problem = str(error)
        except Exception:
            self._log.failure("the monitor of {id} could not be told", id=telling.inquiry.id)
            problem = "a fault of the server"
        if next_at < telling.ready_at + DAY_SECONDS:
            self._log.info("the monitor of {id} was not told: {problem}", id=telling.inquiry.id, problem=problem)
        else:
            self._log.warn("the monitor of {id} is given up: {problem}", id=telling.inquiry.id, problem=problem)
            await self._end(telling)
        return False

    async def _tell(self, telling: Telling, now: float) -> bool:
        inquiry = telling.inquiry
        is_whole = inquiry.progress.size_bytes <= MOST_BYTES
        answer = await self._answer(inquiry) if is_whole else None
        if inquiry.is_told_by_post:
            await self._post_to(inquiry, answer or without_data(inquiry.address, too_large(inquiry)))
            await self._end(telling)
            return True
        post, chance = self._post, self._post.chance(16)
        letter = await self._threads.run(
            write_letter, inquiry, answer, post.hostname, now, post.max_age_seconds, post.new_id, chance
        )
        return await self._shelf.send(telling, letter)

    async def _answer(self, inquiry: Inquiry) -> bytes:
        parts = [await self._book.part(inquiry.id, number) for number in range(inquiry.progress.parts)]
        kept = [part for part in parts if part is not None]
        if len(kept) != len(parts):
            raise FetchFailed("the answer is kept no longer")
        return await self._threads.run(read_whole, inquiry.address, kept)

    async def _post_to(self, inquiry: Inquiry, answer: bytes) -> None:
        if self._is_interrupted:
            raise CancelledError
        posting = Deferred.fromCoroutine(self._fetcher.post(inquiry.monitor or "", answer, _HEADERS))
        self._posting.add(posting)
        try:
            found = await posting
        finally:
            self._posting.discard(posting)
        if not 200 <= found.status <= 299:
            raise FetchFailed(f"it answered with the status {found.status}")

    async def _end(self, telling: Telling) -> None:
        """Written down with the next step at the latest, so that nobody hears twice from a server that goes on."""
        try:
            await self._shelf.end(telling)
        except StorageBusy:
            self._told.append(telling)


def too_large(inquiry: Inquiry) -> str:
    """What stands in place of data that is too much to be sent."""
    return f"Data too large to be sent: GET /v1/datarequest/{inquiry.id} has it."
