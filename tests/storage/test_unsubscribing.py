"""Tests of L{smtpeter.storage.unsubscribing}."""

from attrs import evolve
from sqlalchemy import select, text
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.event import Event
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.arrivals import take_turn
from smtpeter.storage.database import Database
from smtpeter.storage.engines import open_writer
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.storage.tables import event_tags
from smtpeter.storage.unsubscribing import StoredUnsubscribing
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import Lanes, close, now, postgresql_url, threaded_database

WILL = SuppressionReason.UNSUBSCRIBE


class UnsubscribingLaws(Place):
    """What is kept of a reader who wants no more."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.book = StoredUnsubscribing(database=self.database)
        self.suppressions = StoredSuppressions(database=self.database)
        self.journal = StoredJournal(database=self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1.0))
        self.message, self.other = self.store("Reader@example.com", "b@example.com")

    def store(self, *recipients: str) -> list[str]:
        """Store mail, and record that it was delivered."""
        submission = evolve(sample_submission(*recipients), account_id=7, tags=("spring",))
        ids = [message.id for message in submission.messages]
        now(self.queue.store(submission, [evolve(sample_event(one), account_id=7) for one in ids], is_claimed=True))
        for one in ids:
            now(self.queue.settle(delivered(one)))
        return ids

    def told(self) -> list[Event]:
        found = now(self.journal.events_after(0, 100))
        return [evolve(event, id=None) for event in found if event.type == "unsubscribe"]

    def entry(self, account_id: int = 7, address: str = "reader@example.com") -> Suppression | None:
        return now(self.suppressions.find(account_id, address))

    def wanted(self, at: float) -> Event:
        return Event(
            message_id=self.message,
            account_id=7,
            type="unsubscribe",
            at=at,
            recipient="Reader@example.com",
            tags=("spring",),
            data={"envelope": "sender@example.org"},
        )

    def test_kept(self) -> None:
        """The account's list has the address, and the journal the event with the message's tags, and no other's."""
        self.assertTrue(now(self.book.unsubscribe(self.message, 5000.0)))
        entry = Suppression(account_id=7, address="reader@example.com", reason=WILL, at=5000.0, message_id=self.message)
        self.assertEqual(self.entry(), entry)
        self.assertIsNone(self.entry(1))
        self.assertIsNone(self.entry(address="b@example.com"))
        self.assertEqual(self.told(), [self.wanted(5000.0)])
        tags = now(self.database.read(lambda connection: connection.execute(select(event_tags)).all()))
        self.assertIn(("spring", 5000.0), [(row.tag, row.at) for row in tags])

    def test_repeated(self) -> None:
        """Repeating it changes nothing; the same by another message to the address is an event of that message."""
        other, _ = self.store("Reader@example.com", "c@example.com")
        for at in (5000.0, 6000.0):
            self.assertTrue(now(self.book.unsubscribe(self.message, at)))
        self.assertEqual(self.told(), [self.wanted(5000.0)])
        self.assertTrue(now(self.book.unsubscribe(other, 7000.0)))
        self.assertEqual(self.told(), [self.wanted(5000.0), evolve(self.wanted(7000.0), message_id=other)])
        entry = self.entry()
        assert entry is not None
        self.assertEqual(entry.at, 5000.0)

    def test_again(self) -> None:
        """Who was taken off the list since is put there again, and told of again."""
        now(self.book.unsubscribe(self.message, 5000.0))
        self.assertTrue(now(self.suppressions.remove(7, "reader@example.com")))
        self.assertTrue(now(self.book.unsubscribe(self.message, 6000.0)))
        self.assertEqual(self.told(), [self.wanted(5000.0), self.wanted(6000.0)])
        entry = self.entry()
        assert entry is not None
        self.assertEqual(entry.at, 6000.0)

    def test_listed(self) -> None:
        """An address that is listed for another reason: the reader's will is told, and takes the place of a bounce."""
        for reason, kept in ((SuppressionReason.HARD_BOUNCE, WILL), (SuppressionReason.COMPLAINT,) * 2):
            now(self.suppressions.remove(7, "reader@example.com"))
            entry = Suppression(account_id=7, address="reader@example.com", reason=reason, at=1.0)
            now(self.suppressions.add([entry]))
            now(self.book.unsubscribe(self.message, 5000.0))
            found = self.entry()
            assert found is not None
            self.assertEqual((found.reason, len(self.told())), (kept, 1))

    def test_not_listed(self) -> None:
        """Where the operator wants no list of it the event alone is written, once."""
        book = StoredUnsubscribing(database=self.database, reasons=(SuppressionReason.COMPLAINT,))
        for at in (5000.0, 6000.0):
            self.assertTrue(now(book.unsubscribe(self.message, at)))
        self.assertEqual(self.told(), [self.wanted(5000.0)])
        self.assertIsNone(self.entry())

    def test_content_gone(self) -> None:
        """It works after the content was removed, as long as the message is known; then it tells that it is not."""
        archive = StoredArchive(database=self.database)
        self.assertEqual(now(archive.drop_contents(1e9, "", 10)).removed, 1)
        self.assertTrue(now(self.book.unsubscribe(self.message, 5000.0)))
        self.assertEqual(len(self.told()), 1)
        now(archive.drop_submissions(1e9, "", 10))
        self.assertFalse(now(self.book.unsubscribe(self.other, 5000.0)))
        self.assertIsNone(self.entry(address="b@example.com"))


class InMemoryTests(InMemory, UnsubscribingLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLTests(OnPostgreSQL, UnsubscribingLaws, SynchronousTestCase):
    """On PostgreSQL."""

    @override
    def open_database(self, lanes: Lanes | None = None) -> Database:
        self.url = postgresql_url(self.addCleanup)
        return self.open()

    def open(self) -> Database:
        """Open the database again, as another server does."""
        database = threaded_database(self.url)
        self.addCleanup(close, database)
        return database

    def test_at_once(self) -> None:
        """Two servers that are asked at the same time write one event."""
        books = [self.book, StoredUnsubscribing(database=self.open())]
        engine = open_writer(self.url)
        self.addCleanup(engine.dispose)
        with engine.connect() as connection, connection.begin():
            take_turn(connection)
            asked = [Deferred.fromCoroutine(book.unsubscribe(self.message, 5000.0)) for book in books]
            waiting = text("SELECT count(*), pg_sleep(0.01) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            counts = (connection.scalar(waiting) for _ in range(1000))
            self.assertTrue(any(count == len(books) for count in counts))

        async def wait() -> list[bool]:
            return [await one for one in asked]

        self.assertEqual(now(wait()), [True, True])
        self.assertEqual(self.told(), [self.wanted(5000.0)])
