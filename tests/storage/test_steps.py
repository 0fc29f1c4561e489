"""Tests of L{smtpeter.storage.steps}: the clock is set back."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.message import State
from smtpeter.storage.queue import StoredQueue
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now

NOON = 1_800_000_000.0
AHEAD = 365 * 86_400.0


class SetBackLaws(Place):
    """A message is deferred for five minutes while the clock is a year ahead."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.queue = self.node()

    def node(self) -> StoredQueue:
        return StoredQueue(database=self.database, node_id="a", lease_seconds=30.0)

    def defer(self, at: float) -> None:
        """A new message has been tried once, and is to be tried again."""
        mail = evolve(sample_submission(), received_at=at, expires_at=at + 86_400)
        now(self.queue.store(mail, (), is_claimed=True))
        happened = sample_event(mail.messages[0].id, at)
        settled = delivered(mail.messages[0].id)
        deferred = evolve(settled, state=State.QUEUED, next_attempt_at=at + 300, events=(happened,))
        now(self.queue.settle(deferred))

    def test_heartbeat(self) -> None:
        """The next heartbeat brings it as near as it was, and the ones after that leave it there."""
        now(self.queue.enlist(NOON + AHEAD))
        self.defer(NOON + AHEAD)
        self.assertEqual(now(self.queue.next_due()), NOON + AHEAD + 300)
        now(self.queue.renew(NOON + 5))
        self.assertEqual(now(self.queue.next_due()), NOON + 305)
        now(self.queue.renew(NOON + 15))
        self.assertEqual(now(self.queue.next_due()), NOON + 305)

    def test_start(self) -> None:
        """The next start does so too, though the last heartbeat was before the clock went wrong."""
        now(self.queue.enlist(NOON))
        self.defer(NOON + AHEAD)
        self.queue = self.node()
        now(self.queue.enlist(NOON + 20))
        self.assertEqual(now(self.queue.next_due()), NOON + 320)

    def test_never_in_the_past(self) -> None:
        """What would have been due by now is due now."""
        now(self.queue.enlist(NOON))
        self.defer(NOON)
        now(self.queue.renew(NOON + 290))
        now(self.queue.renew(NOON - AHEAD))
        self.assertEqual(now(self.queue.next_due()), NOON - AHEAD + 10)
        now(self.queue.renew(NOON + AHEAD))
        now(self.queue.renew(NOON))
        self.assertEqual(now(self.queue.next_due()), NOON - AHEAD + 10)

    def test_small_step(self) -> None:
        """A few seconds change nothing."""
        now(self.queue.enlist(NOON))
        self.defer(NOON)
        now(self.queue.renew(NOON - 30))
        self.assertEqual(now(self.queue.next_due()), NOON + 300)


class MemorySetBackTests(InMemory, SetBackLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLSetBackTests(OnPostgreSQL, SetBackLaws, SynchronousTestCase):
    """On PostgreSQL."""
