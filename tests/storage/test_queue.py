"""Tests of L{smtpeter.storage.queue}."""

from collections.abc import Coroutine
from typing import Any

from attrs import define, evolve
from sqlalchemy import Connection, Table, insert, select, text, update
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.boundaries.storage import StorageBusy, StorageFull
from smtpeter.model.message import Return, Trace
from smtpeter.model.queue import Command
from smtpeter.storage.database import Database
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.migrating import upgrade
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.tables import commands, contents, events, messages, nodes, returns, submissions
from tests.conformance.queue_commands import QueueCommandLaws
from tests.conformance.queue_store import LEASE, Queue, QueueStoreLaws, Site
from tests.conformance.samples import delivered, sample_event, sample_id, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import close, inline_database, memory_database, now, postgresql_url, threaded_database


@define(eq=False)
class _Site:
    """Nodes that share a database, or have connections of their own to it."""

    databases: dict[str, Database]
    shared: Database

    @property
    def view(self) -> StoredQueueView:
        return StoredQueueView(database=self.shared)

    @property
    def journal(self) -> StoredJournal:
        return StoredJournal(database=self.shared)

    def node(self, node_id: str) -> Queue:
        database = self.databases.get(node_id, self.shared)
        return StoredQueue(database=database, node_id=node_id, lease_seconds=LEASE)


class MemoryQueueTests(QueueStoreLaws, QueueCommandLaws, SynchronousTestCase):
    """The laws of a queue hold in memory."""

    @override
    def open_site(self) -> Site:
        return _Site({}, memory_database())


class FileQueueTests(QueueStoreLaws, QueueCommandLaws, SynchronousTestCase):
    """They hold for two processes on one file."""

    @override
    def open_site(self) -> Site:
        url = f"sqlite:///{self.mktemp()}"
        upgrade(url)
        opened = [inline_database(url) for _ in range(3)]
        for database in opened:
            self.addCleanup(close, database)
        return _Site(dict(zip(("one", "two"), opened, strict=False)), opened[2])


class PostgreSQLQueueTests(QueueStoreLaws, QueueCommandLaws, SynchronousTestCase):
    """They hold for two processes on one PostgreSQL."""

    @override
    def open_site(self) -> Site:
        url = postgresql_url(self.addCleanup)
        opened = [threaded_database(url) for _ in range(3)]
        for database in opened:
            self.addCleanup(close, database)
        return _Site(dict(zip(("one", "two"), opened, strict=False)), opened[2])


class StoredQueueLaws(Place):
    """What is particular to the tables."""

    @override
    def setUp(self) -> None:
        self.lanes = self.make_lanes()
        self.database = self.open_database(self.lanes)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1000.0))

    def count(self, *tables: Table) -> list[int]:
        def work(connection: Connection) -> list[int]:
            return [len(connection.execute(select(table)).all()) for table in tables]

        return now(self.database.read(work))

    def together(self, *works: Coroutine[Any, Any, object]) -> list[Any]:
        """Let works queue up as behind a slow commit, and tell what became of each."""
        self.lanes.hold()
        waiting = [Deferred.fromCoroutine(work) for work in works]
        outcomes: list[Any] = []
        for deferred in waiting:
            _ = deferred.addBoth(outcomes.append)
        self.assertEqual(outcomes, [])
        self.lanes.let_go()
        return outcomes

    def test_stored_together(self) -> None:
        """A submission, its content, its messages and their events are stored in one go."""
        submission = sample_submission("a@example.com", "b@example.com")
        accepted = [evolve(sample_event(message.id), type="attempt") for message in submission.messages]
        now(self.queue.store(submission, accepted, is_claimed=False))
        self.assertEqual(self.count(submissions, contents, messages, events), [1, 1, 2, 2])

    def test_poisonous_submission(self) -> None:
        """A submission that cannot be stored takes nothing with it, and leaves nothing of itself."""
        good, bad, also_good = sample_submission(), sample_submission(), sample_submission()
        bad = evolve(bad, sender_domain="\udc80.example")
        outcomes = self.together(*(self.queue.store(one, [], is_claimed=True) for one in (good, bad, also_good)))
        self.assertEqual([isinstance(outcome, Failure) for outcome in outcomes], [False, True, False])
        self.assertEqual(self.count(submissions, contents, messages), [2, 2, 2])

    def test_lost_among_others(self) -> None:
        """Of settlements that are written together only those whose claim is lost are refused."""
        stored = [sample_submission() for _ in range(3)]
        for one in stored:
            now(self.queue.store(one, [], is_claimed=True))
        ids = [one.messages[0].id for one in stored]
        now(self.queue.release([ids[1]]))
        outcomes = self.together(*(self.queue.settle(delivered(message_id)) for message_id in ids))
        self.assertEqual([outcome is None for outcome in outcomes], [True, False, True])
        self.assertIsInstance(outcomes[1].value, ClaimLost)
        self.assertEqual(self.count(events), [2])

    def test_identity_taken(self) -> None:
        """A process whose node's identity was taken cannot store claimed mail that nobody would ever free."""
        now(StoredQueue(database=self.database, node_id="one").enlist(1001.0))
        with self.assertRaises(StorageBusy):
            now(self.queue.store(sample_submission(), [], is_claimed=True))
        now(self.queue.store(sample_submission(), [], is_claimed=False))
        self.assertEqual(self.count(messages), [1])

    def test_orphaned_claim(self) -> None:
        """A claim whose node is not known is free."""

        def orphan(connection: Connection) -> None:
            connection.execute(update(messages).values(node="gone", epoch=1))

        now(self.queue.store(sample_submission(), [], is_claimed=False))
        now(self.database.transaction(orphan))
        self.assertEqual(len(now(self.queue.claim_due(1000.0, 10, 1000))), 1)

    def test_sweep_is_rare(self) -> None:
        """Other nodes' claims are looked at a few times in a lease, not at every claim."""
        now(self.queue.claim_due(1000.0, 10, 1000))
        now(self.queue.store(sample_submission(), [], is_claimed=False))
        now(self.database.transaction(lambda connection: connection.execute(update(messages).values(node="x")).close()))
        self.assertEqual(now(self.queue.claim_due(1005.0, 10, 1000)), [])
        self.assertEqual(len(now(self.queue.claim_due(1010.0, 10, 1000))), 1)

    def test_reserve(self) -> None:
        """When only the reserve of the disk is left nothing is accepted, and what was accepted is settled."""
        submission = sample_submission()
        now(self.queue.store(submission, [], is_claimed=True))
        short = StoredQueue(database=self.database, node_id="one", is_short=lambda: True)
        with self.assertRaises(StorageFull):
            now(short.store(sample_submission(), [], is_claimed=False))
        with self.assertRaises(StorageFull):
            now(short.store_return([self.returned()]))
        now(self.queue.settle(delivered(submission.messages[0].id)))
        self.assertEqual(self.count(messages, events, returns), [1, 1, 0])

    def returned(self) -> Return:
        return Return(
            id=sample_id(),
            message_id="m" * 20,
            recipient="bounce@example.com",
            reverse_path="",
            content=b"Subject: back\r\n\r\n\xff",
            trace=Trace(protocol="ESMTP", helo="mx.example.net", peer="192.0.2.9"),
            received_at=1234.5,
        )

    def test_returns(self) -> None:
        """Mail that came back is stored whole, all of one call or none."""
        first, second = self.returned(), self.returned()
        now(self.queue.store_return([first, second]))
        with self.assertRaises(Exception):  # noqa: B017
            now(self.queue.store_return([self.returned(), first]))
        rows = now(self.database.read(lambda connection: connection.execute(select(returns)).all()))
        self.assertEqual([row.id for row in rows], [first.id, second.id])
        self.assertEqual((rows[0].content, rows[0].received_at), (first.content, 1234.5))

    def test_dead_node_keeps_no_commands(self) -> None:
        """Commands are removed when all live nodes have seen them; a dead one does not count."""
        dead = {"id": "dead", "epoch": 1, "renewed_at": 1.0, "commands_seen": 0}
        now(self.database.transaction(lambda connection: connection.execute(insert(nodes).values(dead)).close()))
        now(StoredQueueView(database=self.database).add_command(Command(kind="retry"), 1000.0))
        self.assertEqual(len(now(self.queue.take_commands(1001.0))), 1)
        self.assertEqual(self.count(commands), [0])


class MemoryStoredQueueTests(InMemory, StoredQueueLaws, SynchronousTestCase):
    """On SQLite."""

    def test_no_write_without_commands(self) -> None:
        """Looking for commands every second costs no write."""
        before = now(self.database.read(lambda connection: connection.scalar(text("SELECT total_changes()"))))
        now(self.queue.take_commands(1001.0))
        after = now(self.database.read(lambda connection: connection.scalar(text("SELECT total_changes()"))))
        self.assertEqual(after, before)


class PostgreSQLStoredQueueTests(OnPostgreSQL, StoredQueueLaws, SynchronousTestCase):
    """On PostgreSQL."""
