"""Tests of L{smtpeter.archive.gathering}, on the database in memory."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive import gathering
from smtpeter.archive.gathering import Gathering
from smtpeter.boundaries.archive import SentMessages
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.events.dossiers import PART_BYTES, read_part
from smtpeter.model.archive import SentEnvelope
from smtpeter.model.inquiry import Inquiry
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.findings import StoredFindings
from smtpeter.storage.inquiries import HOLD_SECONDS, StoredInquiries
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.suppressions import StoredSuppressions
from tests.conformance.samples import delivered, sample_event, sample_id, sample_submission
from tests.support.database import memory_database, now

T = TypeVar("T")


class NoThreads:
    """Calls at once."""

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        return function(*arguments)


@define(eq=False)
class Shown(SentMessages):
    """Shows the same content of every message, and fails when it is told to."""

    body: bytes = b"Subject: x\r\n\r\nx\r\n"
    failures: list[Exception] = field(factory=list)
    asked: list[tuple[int, str]] = field(factory=list)

    @override
    async def envelope(self, account_id: int, message_id: str) -> SentEnvelope | None:
        raise NotImplementedError

    @override
    async def content(self, account_id: int, message_id: str) -> bytes | None:
        self.asked.append((account_id, message_id))
        if self.failures:
            raise self.failures.pop()
        return self.body


class GatheringTests(SynchronousTestCase):
    """Data requests and what becomes of them."""

    @override
    def setUp(self) -> None:
        self.database = memory_database()
        self.store = StoredInquiries(database=self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1.0))
        self.shown = Shown()
        self.chore = self.server("one")

    def server(self, node_id: str) -> Gathering:
        """The chore of a server."""
        return Gathering(
            shelf=self.store,
            findings=StoredFindings(database=self.database),
            sent=self.shown,
            threads=NoThreads(),
            node_id=node_id,
        )

    def send(self, count: int = 1) -> list[str]:
        """Store mail that was delivered to Joe."""
        submission = sample_submission(*(f"{'jJ'[n % 2]}oe@example.com" for n in range(min(count, 2))), account_id=7)
        ids = [one.id for one in submission.messages]
        events = [evolve(sample_event(id, account_id=7), recipient="joe@example.com") for id in ids]
        now(self.queue.store(submission, events, is_claimed=True))
        for id in ids:
            now(self.queue.settle(evolve(delivered(id), events=())))
        return ids + (self.send(count - 2) if count > 2 else [])

    def ask(self, account_id: int = 7) -> Inquiry:
        asked = Inquiry(id=sample_id(), account_id=account_id, address="joe@example.com", created_at=1.0)
        now(self.store.ask(asked))
        return asked

    def work(self, chore: Gathering | None = None, limit: int = 64) -> int:
        """Step until there is nothing to do. @return: how many were answered."""
        answered, is_more = 0, True
        while is_more:
            count, is_more = now((chore or self.chore).step(5000.0, limit))
            answered += count
        return answered

    def answer(self, asked: Inquiry) -> Any:
        found = now(self.store.find(asked.account_id, asked.id))
        assert found is not None
        assert found.is_ready
        parts = [now(self.store.part(asked.id, number)) for number in range(found.progress.parts)]
        text = b"".join(read_part(part or b"") for part in parts)
        self.assertEqual(len(text), found.progress.size_bytes)
        return json.loads(b"[" + text + b"]")

    def test_answer(self) -> None:
        """All of the messages in order, each with its content and events, then the entry on the list."""
        ids = self.send(20)
        entry = Suppression(account_id=7, address="joe@example.com", reason=SuppressionReason.MANUAL, at=5.0)
        now(StoredSuppressions(database=self.database).add([entry]))
        first, other = self.ask(), self.ask(8)
        self.assertEqual(self.work(limit=1), 2)
        *messages, last = self.answer(first)
        self.assertEqual([array[0]["data"]["id"] for array in messages], ids)
        self.assertEqual([[one["type"] for one in array] for array in messages], [["message", "event"]] * 20)
        self.assertEqual(messages[0][0]["data"]["mime"], self.shown.body.decode())
        self.assertEqual([one["type"] for one in last], ["suppression"])
        self.assertEqual(self.shown.asked, [(7, id) for id in ids])
        self.assertEqual(self.answer(other), [])
        self.assertEqual(now(self.chore.step(5000.0, 64)), (0, False))

    def test_bounded(self) -> None:
        """A step takes a few messages, fewer when they are large; a large one is several parts."""
        self.send(20)
        self.ask()
        now(self.chore.step(5000.0, 64))
        self.assertEqual(len(self.shown.asked), gathering.MESSAGES)
        self.shown.body = b"Subject: x\r\n\r\n" + b"x" * (6 * PART_BYTES)
        now(self.chore.step(5000.0, 64))
        self.assertEqual(len(self.shown.asked), gathering.MESSAGES + 1)
        self.shown.body = b"Subject: x\r\n\r\n"
        self.work()
        self.assertEqual(len(self.shown.asked), 20)

    def test_large(self) -> None:
        """What is larger than a transaction writes comes back whole."""
        self.send()
        self.shown.body = b"Subject: x\r\n\r\n" + bytes(range(97, 123)) * (6 * PART_BYTES // 26)
        asked = self.ask()
        self.work()
        ((message, _),) = self.answer(asked)
        self.assertEqual(message["data"]["mime"], self.shown.body.decode())

    def test_many_events(self) -> None:
        """A message to which very much happened has further arrays, without gap or repetition."""
        self.patch(gathering, "EVENTS", 3)
        (id,) = self.send()
        more = [
            evolve(sample_event(id, account_id=7), recipient="joe@example.com", type="open", at=float(n))
            for n in range(7)
        ]
        now(self.queue.store(sample_submission(account_id=7), more, is_claimed=True))
        asked = self.ask()
        self.work()
        arrays = self.answer(asked)
        self.assertEqual([len(array) for array in arrays], [4, 3, 2])
        self.assertEqual([one["event"] for array in arrays for one in array if one["type"] == "event"].count("open"), 7)

    def test_fault(self) -> None:
        """A content that cannot be shown is left out, with a fault in the log; the rest is told."""
        self.send(2)
        self.shown.failures = [ValueError("x")]
        asked = self.ask()
        self.assertEqual(self.work(), 1)
        first, second = self.answer(asked)
        self.assertNotIn("mime", first[0]["data"])
        self.assertIn("mime", second[0]["data"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_busy(self) -> None:
        """When storage is busy the step is done again, and nothing is told twice."""
        ids = self.send(2)
        asked = self.ask()
        self.shown.failures = [StorageBusy("x")]
        with self.assertRaises(StorageBusy):
            now(self.chore.step(5000.0, 64))
        self.work()
        self.assertEqual([array[0]["data"]["id"] for array in self.answer(asked)], ids)

    def test_restart(self) -> None:
        """After a crash between any two steps the answer is the same; another server waits until it is sure."""
        ids = self.send(20)
        asked = self.ask()
        now(self.chore.step(5000.0, 64))
        self.assertEqual(now(self.server("two").step(5000.0, 64)), (0, False))
        while now(self.server("one").step(5000.0, 64))[1]:
            pass
        self.assertEqual([array[0]["data"]["id"] for array in self.answer(asked)], ids)

    def test_taken_over(self) -> None:
        """A server that was silent for too long finds that another has gone on, and leaves it alone."""
        ids = self.send(20)
        asked, other = self.ask(), self.server("two")
        now(self.chore.step(5000.0, 64))
        later = 5001.0 + HOLD_SECONDS
        now(other.step(later, 64))
        self.assertEqual(now(self.chore.step(5002.0, 64)), (0, True))
        self.assertEqual(now(self.chore.step(5002.0, 64)), (0, False))
        self.assertEqual(self.work(other), 1)
        self.assertEqual([array[0]["data"]["id"] for array in self.answer(asked)], ids)
