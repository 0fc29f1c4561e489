"""Tests of several nodes on one PostgreSQL, which really work at the same time."""

import time
from collections import Counter

from sqlalchemy import Connection
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.event import Event
from smtpeter.storage import arrivals
from smtpeter.storage.claims import Demand, claim
from smtpeter.storage.database import Database
from smtpeter.storage.engines import open_writer
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.rows import event_row
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.support.database import close, now, postgresql_url, threaded_database
from tests.support.foreground import FOREGROUND


class ClusterCase(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.url = postgresql_url(self.addCleanup)
        self.databases = [self.open() for _ in range(2)]
        self.nodes = [self.node(name, one) for name, one in zip(("one", "two"), self.databases, strict=True)]
        self.journal = StoredJournal(database=self.databases[0])

    def open(self, busy_seconds: float = 5.0) -> Database:
        database = threaded_database(self.url, busy_seconds=busy_seconds)
        self.addCleanup(close, database)
        return database

    def node(self, name: str, database: Database) -> StoredQueue:
        queue = StoredQueue(database=database, node_id=name)
        now(queue.enlist(1000.0))
        return queue

    def held_open(self) -> Connection:
        """A connection of somebody else's, in a transaction that does not end until the test says so."""
        engine = open_writer(self.url)
        self.addCleanup(engine.dispose)
        connection = engine.connect()
        self.addCleanup(connection.close)
        connection.begin()
        return connection


class ClaimingTests(ClusterCase):
    """Claims that meet."""

    def test_claimed_once(self) -> None:
        """Nodes that claim at the same time share the messages: none is claimed twice, none is left."""
        stored = self.shelve(400)
        taken = now(self.all_taken())
        self.assertEqual(sorted(taken[0] + taken[1]), stored)

    def shelve(self, count: int) -> list[str]:
        """Store messages that nobody has claimed."""
        submission = sample_submission(*(f"{number}@{number % 7}.example" for number in range(count)))
        now(self.nodes[0].store(submission, [], is_claimed=False))
        return sorted(message.id for message in submission.messages)

    async def all_taken(self) -> list[list[str]]:
        works = [Deferred.fromCoroutine(self.taken(node)) for node in self.nodes]
        return list(await gatherResults(works))

    async def taken(self, node: StoredQueue) -> list[str]:
        found: list[str] = []
        while some := await node.claim_due(1000.0, 10, 1 << 20):
            found += [one.message.id for one in some]
        return found

    def test_open_claim_blocks_nobody(self) -> None:
        """Who comes while another's claim is not committed does not wait, and gets as many of what follows."""
        stored = self.shelve(20)
        connection = self.held_open()
        node = self.nodes[1]._node
        assert node is not None
        first = claim(connection, node, Demand(now=1000.0, limit=5, max_bytes=1 << 20))
        began_at = time.monotonic()
        rest = now(self.nodes[0].claim_due(1000.0, 15, 1 << 20))
        self.assertLess(time.monotonic() - began_at, 3.0)
        self.assertEqual(sorted(one.message.id for one in (*first.queued, *rest)), stored)

    def test_excluding_claims(self) -> None:
        """The same holds for claims that look further, past what they do not want."""
        stored = self.shelve(70)

        async def taken(node: StoredQueue) -> list[str]:
            found: list[str] = []
            while some := await node.claim_due(1000.0, 3, 1 << 20, {"0.example"}):
                found += [one.message.id for one in some]
            return found

        self.taken = taken  # type: ignore[method-assign]
        first, second = now(self.all_taken())
        self.assertEqual(set(first) & set(second), set())
        # One that found only what the other was taking has ended early; the next look would have got the rest.
        rest = now(taken(self.nodes[0]))
        self.assertEqual(len({*first, *second, *rest}), len(stored) - 10)


class JournalOrderTests(ClusterCase):
    """Readers go by the highest id that they have seen."""

    def append(self, connection: Connection, attempt: str) -> None:
        arrivals.insert_events(connection, [sample_event("m", attempt=attempt)])

    def page(self, cursor: int = 0) -> list[Event]:
        return now(self.journal.events_after(cursor, 1000))

    def test_second_writer_waits(self) -> None:
        """Behind a transaction that has appended and is not committed the next waits; reads and the reactor do not."""
        connection = self.held_open()
        self.append(connection, "first")
        waiting = Deferred.fromCoroutine(
            self.databases[0].transaction(lambda connection: self.append(connection, "second"))
        )
        self.assertEqual(self.page(), [])
        FOREGROUND.pass_by(0.3)
        self.assertFalse(waiting.called)
        self.assertEqual(self.page(), [])
        connection.commit()
        FOREGROUND.wait(lambda: waiting.called)
        self.assertEqual([event.data["attempt"] for event in self.page()], ["first", "second"])

    def test_lost_without(self) -> None:
        """Without taking turns a reader that has seen the second never sees the first."""
        first, second = self.held_open(), self.held_open()
        for connection, attempt in ((first, "first"), (second, "second")):
            arrivals._INSERT_EVENTS.execute(connection, [event_row(sample_event("m", attempt=attempt))])
        second.commit()
        (seen,) = self.page()
        first.commit()
        self.assertEqual(self.page(cursor=seen.id or 0), [])
        self.assertEqual(len(self.page()), 2)

    def test_bounded_wait(self) -> None:
        """The wait for a turn has an end: busy, and nothing was written."""
        hasty = self.open(busy_seconds=0.2)
        connection = self.held_open()
        self.append(connection, "first")
        with self.assertRaises(StorageBusy):
            now(hasty.transaction(lambda connection: self.append(connection, "second")))
        connection.commit()
        self.assertEqual(len(self.page()), 1)

    def test_followed(self) -> None:
        """Who follows the journal while two nodes accept and settle sees every event once, in order."""
        followed, written = now(self.busy_hour())
        self.assertEqual(followed, now(self.journal.events_after(0, 10_000)))
        self.assertEqual(Counter(event.message_id for event in followed), dict.fromkeys(written, 2))

    async def busy_hour(self) -> tuple[list[Event], list[str]]:
        works = [Deferred.fromCoroutine(self.work(node)) for node in self.nodes for _ in range(8)]
        followed: list[Event] = []
        while not all(work.called for work in works):
            followed += await self.journal.events_after(followed[-1].id or 0 if followed else 0, 7)
        written = [message_id for some in await gatherResults(works) for message_id in some]
        while page := await self.journal.events_after(followed[-1].id or 0, 100):
            followed += page
        return followed, written

    async def work(self, node: StoredQueue) -> list[str]:
        done: list[str] = []
        for _ in range(8):
            submission = sample_submission()
            message_id = submission.messages[0].id
            await node.store(submission, [sample_event(message_id)], is_claimed=True)
            await node.settle(delivered(message_id))
            done.append(message_id)
        return done


class IdentityTests(ClusterCase):
    """Two processes under one identity."""

    def test_enlisting_waits(self) -> None:
        """A restarted node waits for what its earlier self is still committing, and frees it."""
        connection = self.held_open()
        submission = sample_submission()
        node = self.nodes[0]._node
        self.nodes[0]._store(connection, [(submission, [], node, None)])
        again = StoredQueue(database=self.databases[1], node_id="one")
        waiting = Deferred.fromCoroutine(again.enlist(1001.0))
        FOREGROUND.pass_by(0.3)
        self.assertFalse(waiting.called)
        connection.commit()
        FOREGROUND.wait(lambda: waiting.called)
        self.successResultOf(waiting)
        self.assertEqual(len(now(again.claim_due(1001.0, 10, 1 << 20))), 1)
        self.assertEqual(now(self.nodes[0].claim_due(1001.0, 10, 1 << 20)), [])

    def test_old_self_claims_nothing(self) -> None:
        """A process whose identity was taken claims nothing."""
        now(self.nodes[0].store(sample_submission(), [], is_claimed=False))
        again = StoredQueue(database=self.databases[1], node_id="one")
        now(again.enlist(1001.0))
        self.assertEqual(now(self.nodes[0].claim_due(1001.0, 10, 1 << 20)), [])
        self.assertEqual(len(now(again.claim_due(1001.0, 10, 1 << 20))), 1)

    def test_heartbeat_beside_claims(self) -> None:
        """The heartbeat does not wait for claims that are under way."""
        connection = self.held_open()
        self.nodes[0]._store(connection, [(sample_submission(), [], self.nodes[0]._node, None)])
        now(self.nodes[0].renew(1002.0))
        connection.commit()
