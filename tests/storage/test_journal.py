"""Tests of L{smtpeter.storage.journal}."""

from typing import Literal

from attrs import evolve
from sqlalchemy import delete
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.event import Event
from smtpeter.model.visit import Visit
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.tables import events, messages
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


class JournalLaws(Place):
    """Facts are appended and read in order."""

    @override
    def setUp(self) -> None:
        self.lanes = self.make_lanes()
        self.database = self.open_database(self.lanes)
        self.journal = StoredJournal(database=self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1.0))

    def accept(self, account_id: int = 1) -> str:
        submission = sample_submission(account_id=account_id)
        message_id = submission.messages[0].id
        accepted = evolve(sample_event(message_id, account_id=account_id), type="attempt")
        now(self.queue.store(submission, [accepted], is_claimed=True))
        return message_id

    def page(
        self, cursor: int = 0, limit: int = 100, account: int | None = None, message: str | None = None
    ) -> list[Event]:
        return now(self.journal.events_after(cursor, limit, account, message))

    def visit(self, message_id: str, type: Literal["click", "open"] = "click", at: float = 5.5) -> None:
        data = {"url": "https://example.com/ü", "ip": "192.0.2.1"}
        now(self.journal.record_visits([Visit(message_id=message_id, type=type, at=at, data=data)]))

    def test_in_order(self) -> None:
        """Events are read in the order in which they were committed, page by page, none twice, none left out."""
        ids = [self.accept() for _ in range(5)]
        for message_id in reversed(ids):
            now(self.queue.settle(delivered(message_id)))
        whole = self.page()
        self.assertEqual([event.message_id for event in whole], ids + ids[::-1])
        paged: list[Event] = []
        while page := self.page(paged[-1].id or 0 if paged else 0, limit=3):
            self.assertLessEqual(len(page), 3)
            paged += page
        self.assertEqual(paged, whole)
        places = [event.id or 0 for event in whole]
        self.assertEqual(places, sorted(set(places)))

    def test_in_order_within_a_group(self) -> None:
        """What is committed together is in the order in which it was asked for."""
        ids = [self.accept() for _ in range(4)]
        self.lanes.hold()
        waiting = [Deferred.fromCoroutine(self.queue.settle(delivered(message_id))) for message_id in ids]
        self.lanes.let_go()
        for one in waiting:
            self.successResultOf(one)
        self.assertEqual([event.message_id for event in self.page(cursor=4)], ids)

    def test_narrowed(self) -> None:
        """A reader may ask for one account, or one message."""
        mine, other = self.accept(), self.accept(account_id=2)
        now(self.queue.settle(delivered(mine)))
        self.assertEqual([event.message_id for event in self.page(account=2)], [other])
        self.assertEqual([event.type for event in self.page(message=mine)], ["attempt", "delivery"])
        self.assertEqual(self.page(account=2, message=mine), [])

    def test_never_reused(self) -> None:
        """A place in the journal is not given again when the last events are removed: cursors stay good."""
        self.accept()
        (first,) = self.page()
        now(self.database.transaction(lambda connection: connection.execute(delete(events)).close()))
        self.accept()
        (second,) = self.page()
        self.assertGreater(second.id or 0, first.id or 0)

    def test_visit(self) -> None:
        """A visit gets account, recipient and tags of its message, and keeps its fields."""
        message_id = self.accept(account_id=3)
        self.visit(message_id)
        wanted = Event(
            message_id=message_id,
            account_id=3,
            type="click",
            at=5.5,
            recipient="user@example.com",
            tags=("spring", "läufer"),
            data={"url": "https://example.com/ü", "ip": "192.0.2.1"},
        )
        self.assertEqual(evolve(self.page()[-1], id=None), wanted)

    def test_visit_of_nobody(self) -> None:
        """A visit of a message that is not known any more is dropped."""
        message_id = self.accept()
        now(self.database.transaction(lambda connection: connection.execute(delete(messages)).close()))
        self.visit(message_id)
        self.assertEqual(len(self.page()), 1)

    def test_visits_together(self) -> None:
        """Visits that are written together are each recorded, the same message twice too, in their order."""
        first, second = self.accept(), self.accept()
        self.lanes.hold()
        visits = [(first, 1.0), ("unknown", 2.0), (second, 3.0), (first, 4.0)]
        waiting = [
            Deferred.fromCoroutine(self.journal.record_visits([Visit(message_id=one, type="open", at=at, data={})]))
            for one, at in visits
        ]
        self.lanes.let_go()
        for one in waiting:
            self.successResultOf(one)
        written = [(event.message_id, event.at, event.type) for event in self.page(cursor=2)]
        self.assertEqual(written, [(first, 1.0, "open"), (second, 3.0, "open"), (first, 4.0, "open")])


class MemoryJournalTests(InMemory, JournalLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLJournalTests(OnPostgreSQL, JournalLaws, SynchronousTestCase):
    """On PostgreSQL."""
