"""Tests of L{smtpeter.storage.queue_view}."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.message import State
from smtpeter.model.queue import DestinationCount, MessageView
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from tests.conformance.samples import deferred, delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


class QueueViewLaws(Place):
    """What an operator sees."""

    @override
    def setUp(self) -> None:
        database = self.open_database()
        self.view = StoredQueueView(database=database)
        self.queue = StoredQueue(database=database, node_id="one")
        now(self.queue.enlist(1.0))

    def shelve(self, *recipients: str, at: float = 1000.0, account_id: int = 1) -> list[str]:
        submission = sample_submission(*recipients, received_at=at, account_id=account_id)
        now(self.queue.store(submission, [], is_claimed=True))
        return [message.id for message in submission.messages]

    def test_destinations(self) -> None:
        """Queued messages are counted by domain, largest first, whether claimed or waiting; others are not."""
        first, second = self.shelve("a@b.example", "b@b.example", at=10.0)
        self.shelve("c@b.example", "a@a.example", "x@z.example", at=20.0)
        (done,) = self.shelve("done@z.example")
        now(self.queue.settle(delivered(done)))
        now(self.queue.settle(deferred(first, until=500.0, last_reply="451 first")))
        now(self.queue.settle(deferred(second, until=400.0, last_reply="451 second")))
        wanted = [
            DestinationCount(domain="b.example", messages=3, oldest_at=10.0, next_attempt_at=20.0, reason="451 second"),
            DestinationCount(domain="a.example", messages=1, oldest_at=20.0, next_attempt_at=20.0),
            DestinationCount(domain="z.example", messages=1, oldest_at=20.0, next_attempt_at=20.0),
        ]
        self.assertEqual(now(self.view.destinations()), wanted)

    def test_claimed_reason(self) -> None:
        """While all messages of a domain are being tried, the reason is that of their last attempts."""
        (message_id,) = self.shelve("a@b.example")
        now(self.queue.settle(deferred(message_id, until=5.0, last_reply="451 busy")))
        now(self.queue.claim_due(6.0, 1, 1))
        self.assertEqual([one.reason for one in now(self.view.destinations())], ["451 busy"])

    def test_destinations_of_an_account(self) -> None:
        """The same for one account."""
        self.shelve("a@b.example")
        self.shelve("a@b.example", "a@c.example", account_id=2)
        found = now(self.view.destinations(2))
        self.assertEqual([(one.domain, one.messages) for one in found], [("b.example", 1), ("c.example", 1)])
        self.assertEqual(now(self.view.destinations(3)), [])

    def test_message(self) -> None:
        """All that is known of a message, its events oldest first."""
        submission = sample_submission(content=b"x" * 77)
        message_id = submission.messages[0].id
        accepted = evolve(sample_event(message_id, at=1.0), type="attempt")
        now(self.queue.store(submission, [accepted], is_claimed=True))
        now(self.queue.settle(delivered(message_id)))
        found = now(self.view.message(message_id))
        assert found is not None
        self.assertEqual([event.type for event in found.events], ["attempt", "delivery"])
        wanted = MessageView(
            id=message_id,
            submission_id=submission.id,
            account_id=1,
            recipient="user@example.com",
            reverse_path="sender@example.org",
            state=State.DELIVERED,
            attempts=1,
            received_at=1000.0,
            expires_at=90_000.0,
            next_attempt_at=None,
            last_reply="250 2.0.0 OK",
            features=("inlinecss",),
            tags=("spring", "läufer"),
            warnings=("unknown option",),
            size_bytes=77,
            events=found.events,
        )
        self.assertEqual(found, wanted)

    def test_no_message(self) -> None:
        """An id that nobody has shows nothing, whatever stands in it."""
        for unknown in ("0" * 20, "", "a\0b", "%", "ü"):
            self.assertIsNone(now(self.view.message(unknown)))


class MemoryQueueViewTests(InMemory, QueueViewLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLQueueViewTests(OnPostgreSQL, QueueViewLaws, SynchronousTestCase):
    """On PostgreSQL."""
