"""Tests of L{smtpeter.archive.monitors}, on the database in memory."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field, frozen
from sqlalchemy import delete, select
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive import monitors
from smtpeter.archive.monitors import DAY_SECONDS, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Monitors, Post, wait_after
from smtpeter.boundaries.fetch import Fetched, Fetcher, FetchError, FetchFailed, FetchRefused
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.events.dossiers import write_arrays
from smtpeter.model.inquiry import Inquiry, Progress, Telling
from smtpeter.storage.inquiries import StoredInquiries
from smtpeter.storage.inquiry_tables import inquiry_parts
from smtpeter.storage.monitors import StoredMonitors
from smtpeter.storage.tables import contents, messages
from tests.archive.test_gathering import NoThreads
from tests.conformance.samples import sample_id
from tests.support.database import memory_database, now

URL = "https://shop.example/told"
AT = 5000.0


@frozen
class Posted:
    """What was given to a URL."""

    url: str
    content: bytes
    headers: Mapping[str, str]


@define(eq=False)
class Web(Fetcher):
    """Answers with a status, fails, or keeps whoever asks waiting."""

    status: int = 200
    failure: Exception | None = None
    waits: Deferred[None] | None = None
    posted: list[Posted] = field(factory=list)

    @override
    async def get(self, url: str, size_limit: int | None = None) -> Fetched:
        raise NotImplementedError

    @override
    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Fetched:
        self.posted.append(Posted(url, content, headers))
        if self.waits is not None:
            await self.waits
        if self.failure is not None:
            raise self.failure
        return Fetched(status=self.status, type="", charset="", content=b"")


@define(eq=False)
class Shelf(StoredMonitors):
    """Storage that is busy when an end is to be written, so many times."""

    busy: int = 0

    @override
    async def end(self, telling: Telling) -> None:
        if self.busy:
            self.busy -= 1
            raise StorageBusy("x")
        await super().end(telling)


@define(eq=False)
class Interrupting(StoredInquiries):
    """Has something happen while parts are read."""

    interrupt: Callable[[], None] = field(default=lambda: None)

    @override
    async def part(self, inquiry_id: str, number: int) -> bytes | None:
        self.interrupt()
        return await super().part(inquiry_id, number)


class WaitTests(SynchronousTestCase):
    """When it is tried again."""

    def test_waits(self) -> None:
        """Pauses double from a minute up to an hour, however often it was tried."""
        self.assertEqual([wait_after(tries) for tries in (0, 1, 2, 5)], [60.0, 120.0, 240.0, 1920.0])
        self.assertEqual({wait_after(tries) for tries in (6, 7, 100, 10**6)}, {3600.0})
        self.assertEqual((FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS), (60.0, 3600.0))


class MonitorTests(SynchronousTestCase):
    """Answers and who hears of them."""

    @override
    def setUp(self) -> None:
        self.database = memory_database()
        self.book = Interrupting(database=self.database)
        self.shelf = Shelf(database=self.database)
        self.web = Web()
        self.chore = self.server()

    def server(self) -> Monitors:
        """The chore of a server that has just started."""
        post = Post(hostname="mail.example", max_age_seconds=500.0, new_id=sample_id, chance=bytes)
        return Monitors(shelf=self.shelf, book=self.book, fetcher=self.web, threads=NoThreads(), post=post)

    def answered(self, monitor: str = URL, account_id: int = 7, size_bytes: int | None = None) -> Inquiry:
        """A data request with its answer."""
        asked = Inquiry(id=sample_id(), account_id=account_id, address="joe@y.example", created_at=1.0, monitor=monitor)
        now(self.book.ask(asked))
        held = now(self.book.hold("one", AT))
        assert held is not None
        parts, size = write_arrays([[{"a": "ü"}], [{"b": 1}]], True)
        now(self.book.write("one", held, 0, parts, AT))
        progress = Progress(parts=len(parts), size_bytes=size if size_bytes is None else size_bytes)
        now(self.book.advance("one", held, progress, True, AT))
        return asked

    def step(self, at: float = AT, chore: Monitors | None = None) -> int:
        told, is_more = now((chore or self.chore).step(at, 64))
        self.assertFalse(is_more)
        return told

    def letters(self) -> list[Any]:
        query = select(messages.c.recipient, contents.c.content).join_from(
            messages, contents, contents.c.submission_id == messages.c.submission_id
        )
        return list(now(self.database.read(lambda connection: connection.execute(query).all())))

    def test_posted(self) -> None:
        """A URL gets the whole answer as JSON, once."""
        self.answered()
        self.assertEqual([self.step(), self.step(1e9), self.step(1e9, self.server())], [1, 0, 0])
        (posted,) = self.web.posted
        self.assertEqual((posted.url, posted.headers), (URL, {"Content-Type": "application/json"}))
        about = {"type": "email", "id": "joe@y.example"}
        self.assertEqual(json.loads(posted.content), {"info": about, "data": [[{"a": "ü"}], [{"b": 1}]]})
        self.assertEqual(self.letters(), [])

    def test_mailed(self) -> None:
        """An e-mail address gets one letter, and no web server is asked."""
        asked = self.answered("p@z.example")
        self.assertEqual([self.step(), self.step(1e9), self.step(1e9, self.server())], [1, 0, 0])
        ((recipient, content),) = self.letters()
        self.assertEqual((recipient, self.web.posted), ("p@z.example", []))
        self.assertIn(f"datarequest-{asked.id}.json".encode(), content)

    def test_large(self) -> None:
        """Of an answer that is too large the monitor hears where it is."""
        asked = self.answered(size_bytes=monitors.MOST_BYTES + 1)
        self.assertEqual(self.step(), 1)
        (posted,) = self.web.posted
        self.assertEqual(
            json.loads(posted.content),
            {
                "info": {"type": "email", "id": "joe@y.example"},
                "data": f"Data too large to be sent: GET /v1/datarequest/{asked.id} has it.",
            },
        )
        self.answered("p@z.example", size_bytes=monitors.MOST_BYTES + 1)
        self.assertEqual(self.step(), 1)
        ((_, content),) = self.letters()
        self.assertIn(b"too large for a message", content)
        self.answered(size_bytes=monitors.MOST_BYTES)
        self.assertEqual(self.step(), 1)
        self.assertIsInstance(json.loads(self.web.posted[-1].content)["data"], list)

    def test_again(self) -> None:
        """What was not taken is given again after a pause, longer each time, until it is taken."""
        for failure, status in (
            (FetchFailed("x"), 200),
            (FetchRefused("x"), 200),
            (None, 500),
            (None, 404),
            (None, 302),
            (None, 199),
        ):
            self.web = Web(status=status, failure=failure)
            self.chore = self.server()
            self.answered()
            self.assertEqual(self.step(AT), 0)
            self.assertEqual(self.step(AT + 59.0), 0)
            self.assertEqual(len(self.web.posted), 1)
            self.assertEqual([self.step(AT + 60.0), self.step(AT + 179.0)], [0, 0])
            self.assertEqual(len(self.web.posted), 2)
            self.web.failure, self.web.status = None, 299
            self.assertEqual([self.step(AT + 180.0), self.step(1e9)], [1, 0])
            self.assertEqual(len(self.web.posted), 3)

    def test_given_up(self) -> None:
        """After a day it is not tried any more, and the monitor is forgotten."""
        asked = self.answered()
        self.web.failure = FetchError("x")
        at = AT
        while now(self.shelf.due(1e9, 1)) and at < AT + 2 * DAY_SECONDS:
            self.step(at)
            at += 60.0
        self.assertEqual(len(self.web.posted), 6 + 23)
        self.assertLess(at, AT + DAY_SECONDS + 60.0)
        self.assertGreater(at, AT + DAY_SECONDS - LONGEST_WAIT_SECONDS)
        found = now(self.book.find(7, asked.id))
        self.assertEqual((found and found.is_ready, found and found.monitor), (True, None))

    def test_restart(self) -> None:
        """A crash in the middle of a try loses nothing: it is tried again, but not at once, nor by another."""
        self.answered()
        self.web.waits = Deferred()
        running = Deferred.fromCoroutine(self.chore.step(AT, 64))
        self.assertEqual(len(self.web.posted), 1)
        self.assertEqual(self.step(AT + 59.0, self.server()), 0)
        self.assertEqual(len(self.web.posted), 1)
        self.web.waits = None
        self.assertEqual(self.step(AT + 60.0, self.server()), 1)
        self.assertEqual(len(self.web.posted), 2)
        self.assertNoResult(running)

    def test_unwritten(self) -> None:
        """That a monitor was told is written as soon as storage takes it, and nothing is told twice until then."""
        self.answered()
        self.shelf.busy = 2
        self.assertEqual(self.step(), 1)
        with self.assertRaises(StorageBusy):
            now(self.chore.step(AT + 60.0, 64))
        self.assertEqual(self.step(AT + 60.0), 0)
        self.assertEqual(len(self.web.posted), 1)
        self.assertEqual(now(self.shelf.due(1e9, 1)), [])

    def test_slow(self) -> None:
        """A slow server keeps the others' monitors waiting for one step only; of an account one is told at a time."""
        for account_id in (7, 7, 8):
            self.answered(f"{URL}{account_id}", account_id)
        self.answered("p@z.example", 9)
        self.web.waits = Deferred()
        running = Deferred.fromCoroutine(self.chore.step(AT, 64))
        self.assertEqual(sorted(one.url for one in self.web.posted), [f"{URL}7", f"{URL}8"])
        self.assertEqual(len(self.letters()), 1)
        self.web.waits.callback(None)
        self.assertEqual(self.successResultOf(running), (3, False))
        self.web.waits = None
        self.assertEqual(self.step(), 1)

    def test_stopped(self) -> None:
        """A server that stops does not wait for a slow one; what was not told is told later."""
        self.answered()
        self.web.waits = Deferred()
        running = Deferred.fromCoroutine(self.chore.step(AT, 64))
        self.assertNoResult(running)
        self.chore.interrupt()
        self.assertEqual(self.successResultOf(running), (0, False))
        self.web.waits = None
        self.assertEqual([self.step(AT + 59.0), self.step(AT + 60.0), self.step(1e9)], [0, 1, 0])

    def test_stopped_before(self) -> None:
        """A server that stops asks nobody any more."""
        self.answered()
        self.book = Interrupting(database=self.database)
        self.chore = self.server()
        self.book.interrupt = self.chore.interrupt
        self.assertEqual(self.step(), 0)
        self.assertEqual(self.web.posted, [])
        self.book.interrupt = lambda: None
        self.assertEqual(self.step(AT + 60.0), 1)

    def test_gone(self) -> None:
        """An answer that is kept no longer is not told in pieces."""
        for monitor in (URL, "p@z.example"):
            self.answered(monitor)
            now(self.database.transaction(lambda connection: connection.execute(delete(inquiry_parts))))
            self.assertEqual(self.step(), 0)
        self.assertEqual((self.web.posted, self.letters()), ([], []))

    def test_fault(self) -> None:
        """A fault of ours is logged, keeps no other monitor from being told, and is tried again."""
        self.answered()
        self.answered("p@z.example", 8)
        self.web.failure = ValueError("x")
        self.assertEqual(self.step(), 1)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.web.failure = None
        self.assertEqual(self.step(AT + 60.0), 1)

    def test_secret(self) -> None:
        """A URL, which may carry a secret, stands in no repr of what is told."""
        telling = Telling(inquiry=evolve(self.answered(), monitor=f"{URL}?key=hidden"), ready_at=1.0, tries=0)
        self.assertNotIn("hidden", repr(telling))
