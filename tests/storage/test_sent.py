"""Tests of L{smtpeter.storage.sent}."""

from attrs import evolve
from sqlalchemy import delete
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.chores import pack_all
from smtpeter.model.archive import SentEnvelope
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.sent import StoredSent
from smtpeter.storage.tables import messages
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now

CONTENT = b"Subject: x\r\n\r\n" + b"a long line of text \xff\r\n" * 100


class SentLaws(Place):
    """Messages by account and id."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.sent = StoredSent(database=self.database)
        queue = StoredQueue(database=self.database, node_id="one")
        now(queue.enlist(1.0))
        self.submission = sample_submission("a@example.com", "b@example.com", content=CONTENT)
        self.ids = [message.id for message in self.submission.messages]
        now(queue.store(self.submission, [sample_event(one) for one in self.ids], is_claimed=True))
        for one in self.ids:
            now(queue.settle(delivered(one)))

    def wanted(self, place: int) -> object:
        return evolve(self.submission, messages=(self.submission.messages[place],))

    def test_each(self) -> None:
        """A message is read with its submission whole and itself alone."""
        for place, one in enumerate(self.ids):
            self.assertEqual(now(self.sent.submission(1, one)), self.wanted(place))
            wanted = SentEnvelope(reverse_path="sender@example.org", recipient=f"{'ab'[place]}@example.com")
            self.assertEqual(now(self.sent.envelope(1, one)), wanted)

    def test_nobody(self) -> None:
        """Another account has no such message, and nobody has one that does not exist or that no database takes."""
        for account_id, one in ((2, self.ids[0]), (1, "nobody"), (1, "\0"), (1, "\ud800"), (1, self.submission.id)):
            self.assertIsNone(now(self.sent.submission(account_id, one)))
            self.assertIsNone(now(self.sent.envelope(account_id, one)))

    def test_packed(self) -> None:
        """What is packed is read too; when its content has gone the addresses are left, and with the row nothing is."""
        archive = StoredArchive(database=self.database)
        found = now(archive.find_finished(1e9, "", 10, 1 << 20))
        self.assertEqual(len(found.contents), 1)
        now(archive.put_away(pack_all(found.contents)))
        self.assertEqual(now(self.sent.submission(1, self.ids[1])), self.wanted(1))
        now(archive.drop_packed(1e9, "", 10))
        self.assertIsNone(now(self.sent.submission(1, self.ids[1])))
        self.assertIsNotNone(now(self.sent.envelope(1, self.ids[1])))
        now(self.database.transaction(lambda connection: connection.execute(delete(messages)).close()))
        self.assertIsNone(now(self.sent.envelope(1, self.ids[1])))


class MemorySentTests(InMemory, SentLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLSentTests(OnPostgreSQL, SentLaws, SynchronousTestCase):
    """On PostgreSQL."""
