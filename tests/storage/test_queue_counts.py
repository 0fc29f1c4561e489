"""Tests of L{smtpeter.storage.queue_counts}."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.message import State
from smtpeter.model.queue import Settlement
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_counts import StoredQueueCounts
from tests.conformance.samples import deferred, delivered, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


class QueueCountsLaws(Place):
    """Counting what is queued."""

    @override
    def setUp(self) -> None:
        database = self.open_database()
        self.queue = StoredQueue(database=database, node_id="one")
        now(self.queue.enlist(1000.0))
        self.counts = StoredQueueCounts(database=database)

    def put(self, *recipients: str, is_claimed: bool = False, received_at: float = 1000.0) -> list[str]:
        one = sample_submission(*recipients, received_at=received_at)
        now(self.queue.store(one, [], is_claimed))
        return [message.id for message in one.messages]

    def test_by_domain(self) -> None:
        """What waits and what is claimed counts, what is final or held does not."""
        self.put("a@big.example", "b@big.example", "c@small.example")
        claimed = self.put("d@big.example", "e@small.example", "f@small.example", is_claimed=True)
        now(self.queue.settle(delivered(claimed[1])))
        held = Settlement(message_id=claimed[2], state=State.HELD, attempts=0, next_attempt_at=None)
        now(self.queue.settle(held))
        self.assertEqual(now(self.counts.by_domain(10)), ({"big.example": 3, "small.example": 1}, 4))

    def test_most(self) -> None:
        """Of many domains those with the most are named; the total is of all."""
        for number in range(5):
            self.put(*(f"user{place}@d{number}.example" for place in range(number + 1)))
        self.assertEqual(now(self.counts.by_domain(2)), ({"d4.example": 5, "d3.example": 4}, 15))

    def test_empty(self) -> None:
        """An empty queue has nothing."""
        self.assertEqual(now(self.counts.by_domain(2)), ({}, 0))
        self.assertIsNone(now(self.counts.next_due()))

    def test_next_due(self) -> None:
        """The message that fell due first tells since when; claimed ones are being worked on."""
        (first,) = self.put("a@a.example", is_claimed=True, received_at=1.0)
        self.put("b@a.example", received_at=2000.0)
        self.assertEqual(now(self.counts.next_due()), 2000.0)
        now(self.queue.settle(deferred(first, until=1500.0)))
        self.assertEqual(now(self.counts.next_due()), 1500.0)


class MemoryQueueCountsTests(InMemory, QueueCountsLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLQueueCountsTests(OnPostgreSQL, QueueCountsLaws, SynchronousTestCase):
    """On PostgreSQL."""
