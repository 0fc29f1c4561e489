"""Tests of L{smtpeter.storage.monitors}."""

from attrs import evolve
from sqlalchemy import func, select
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.inquiry import Inquiry, Progress, Telling
from smtpeter.storage.inquiries import StoredInquiries
from smtpeter.storage.inquiry_tables import inquiries
from smtpeter.storage.monitors import StoredMonitors
from smtpeter.storage.tables import events, messages
from tests.conformance.samples import sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.storage.test_inquiries import inquiry
from tests.support.database import now

URL = "https://shop.example/told"
EMPTY = Progress()


class MonitorLaws(Place):
    """Who is to be told."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.book = StoredInquiries(database=self.database)
        self.store = StoredMonitors(database=self.database)

    def ask(self, account_id: int = 7, monitor: str | None = URL) -> Inquiry:
        asked = evolve(inquiry(account_id=account_id), monitor=monitor)
        now(self.book.ask(asked))
        return asked

    def answer(self, at: float, progress: Progress = EMPTY) -> None:
        """Answer the next."""
        held = now(self.book.hold("one", at))
        assert held is not None
        now(self.book.advance("one", held, progress, True, at))

    def due(self, at: float, limit: int = 10) -> list[Telling]:
        return now(self.store.due(at, limit))

    def count(self, table: object = messages) -> int:
        query = select(func.count()).select_from(table)  # type: ignore[arg-type]
        return now(self.database.read(lambda connection: connection.scalar(query))) or 0

    def test_due(self) -> None:
        """A monitor is due from the answer on, with all that telling it needs; without a monitor nobody is."""
        asked = self.ask()
        self.assertEqual(self.due(1e9), [])
        held = now(self.book.hold("one", 5000.0))
        assert held is not None
        now(self.book.advance("one", held, Progress(parts=1), False, 5000.0))
        self.assertEqual(self.due(1e9), [])
        self.answer(5000.0, Progress(parts=2, size_bytes=9))
        wanted = evolve(asked, is_ready=True, progress=Progress(parts=2, size_bytes=9))
        self.assertEqual(self.due(5000.0), [Telling(inquiry=wanted, ready_at=5000.0, tries=0)])
        self.assertEqual(self.due(4999.0), [])
        self.ask(8, None)
        self.answer(5001.0)
        self.assertEqual(len(self.due(1e9)), 1)

    def test_turns(self) -> None:
        """Of each account there is one, its longest overdue; whoever waits longest comes first."""
        asked = [self.ask(account_id) for account_id in (7, 7, 8, 9)]
        for at in range(4):
            self.answer(5000.0 + at)
        first, *_ = found = self.due(6000.0)
        self.assertEqual({one.inquiry.account_id for one in found}, {7, 8, 9})
        self.assertEqual(len(found), 3)
        self.assertEqual((first.inquiry.id, first.ready_at), (asked[0].id, 5000.0))
        self.assertEqual([one.ready_at for one in found], sorted(one.ready_at for one in found))
        self.assertEqual(self.due(6000.0, 2), found[:2])
        now(self.store.end(first))
        self.assertIn(asked[1].id, [one.inquiry.id for one in self.due(6000.0)])

    def test_claimed(self) -> None:
        """Whoever is first takes it, and nobody else until its time; then it is the next try."""
        self.ask()
        self.answer(5000.0)
        (telling,) = self.due(5000.0)
        self.assertEqual([now(self.store.claim(telling, 5060.0)) for _ in range(2)], [True, False])
        self.assertEqual(self.due(5059.0), [])
        (again,) = self.due(5060.0)
        self.assertEqual(again, evolve(telling, tries=1))
        self.assertFalse(now(self.store.claim(telling, 5120.0)))
        self.assertTrue(now(self.store.claim(again, 5120.0)))

    def test_ended(self) -> None:
        """A monitor that was told is told no more, and is not kept; the answer stays."""
        asked = self.ask()
        self.answer(5000.0)
        (telling,) = self.due(5000.0)
        now(self.store.end(telling))
        self.assertEqual(self.due(1e9), [])
        self.assertFalse(now(self.store.claim(telling, 5060.0)))
        self.assertEqual(now(self.book.find(7, asked.id)), evolve(asked, is_ready=True, monitor=None))
        kept = now(self.database.read(lambda connection: connection.scalar(select(inquiries.c.monitor))))
        self.assertIsNone(kept)

    def test_sent(self) -> None:
        """A letter is queued once, however often it is tried, without an event."""
        self.ask()
        self.answer(5000.0)
        (telling,) = self.due(5000.0)
        sent = [now(self.store.send(telling, sample_submission("p@z.example", account_id=7))) for _ in range(2)]
        self.assertEqual(sent, [True, False])
        self.assertEqual((self.count(), self.count(events)), (1, 0))
        self.assertEqual(self.due(1e9), [])

    def test_unsent(self) -> None:
        """A letter that cannot be queued leaves its monitor to be told."""
        self.ask()
        self.answer(5000.0)
        (telling,) = self.due(5000.0)
        letter = sample_submission("p@z.example", account_id=7)
        broken = evolve(letter, messages=(letter.messages[0], letter.messages[0]))
        with self.assertRaises(Exception):  # noqa: B017 - whatever the database says
            now(self.store.send(telling, broken))
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.due(5000.0), [telling])


class MemoryMonitorTests(InMemory, MonitorLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLMonitorTests(OnPostgreSQL, MonitorLaws, SynchronousTestCase):
    """On PostgreSQL."""
