"""Tests of what happens when PostgreSQL goes away, and of commits whose answer does not come."""

from collections.abc import Sequence
from threading import Barrier
from typing import Any

from sqlalchemy import Connection, text
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.message import State, Submission
from smtpeter.model.queue import Command
from smtpeter.storage import arrivals
from smtpeter.storage.engines import open_writer
from smtpeter.storage.failures import CommitInDoubt
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.notes import NotesOnPostgreSQL, read_all, write, write_all
from tests.support.cutting import CuttingProxy
from tests.support.database import close, now, postgresql_url, threaded_database
from tests.support.foreground import FOREGROUND
from tests.support.postgresql import ADDRESS, postgresql
from tests.support.threaded import HeldLanes


class AwayTests(NotesOnPostgreSQL, SynchronousTestCase):
    """The server, or the way to it, is gone for a while."""

    def test_restarted(self) -> None:
        """While the server is away everything is busy; when it is back all works, and what was committed is there."""
        now(self.database.transaction(write("before")))
        now(self.database.read(read_all))
        self.server.stop()
        self.addCleanup(self.server.start)
        for _ in range(2):
            with self.assertRaises(StorageBusy):
                now(self.database.transaction(write("meanwhile")))
            with self.assertRaises(StorageBusy):
                now(self.database.read(read_all))
        self.server.start()
        self._cleanups.pop()
        now(self.database.transaction(write("after")))
        self.assertEqual(now(self.database.read(read_all)), ["before", "after"])

    def test_idle_connections_lost(self) -> None:
        """Connections that were cut while nobody used them are replaced unnoticed."""
        now(self.database.transaction(write("before")))
        now(self.database.read(read_all))
        self.server.cut_connections(self.name)
        now(self.database.transaction(write("after")))
        self.assertEqual(now(self.database.read(read_all)), ["before", "after"])

    def test_lost_in_a_transaction(self) -> None:
        """A connection that is lost in the middle leaves nothing of its group, and everybody of it is told so."""

        def cut(connection: Connection) -> None:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        outcomes = self.together(
            self.database.transaction(write("a")),
            self.database.transaction(cut),
            self.database.together(write_all, "b"),
        )
        self.assertEqual([type(outcome) for outcome in outcomes], [StorageBusy] * 3)
        self.assertEqual(self.notes(), [])
        now(self.database.transaction(write("a")))
        self.assertEqual(self.notes(), ["a"])

    def test_one_line(self) -> None:
        """The reason stands in one line, for logs and people."""
        self.server.stop()
        self.addCleanup(self.server.start)
        with self.assertRaises(StorageBusy) as caught:
            now(self.database.transaction(write("a")))
        self.assertRegex(str(caught.exception), r"\A[^\n]*(refused|closed)[^\n]*\Z")

    def test_deadlock(self) -> None:
        """Two groups that wait for each other both come to their end: the one that is undone is run again."""
        now(self.database.transaction(write("x")))
        now(self.database.transaction(write("y")))
        meeting, met = Barrier(2), set[str]()

        def touch(connection: Connection, first: str, second: str) -> None:
            for note in (first, second):
                connection.execute(text("UPDATE notes SET note = note WHERE note = :note"), {"note": note})
                if first not in met:
                    met.add(first)
                    meeting.wait(10)

        other = threaded_database(self.server.url(self.name))
        self.addCleanup(close, other)
        works = [
            Deferred.fromCoroutine(self.database.transaction(lambda connection: touch(connection, "x", "y"))),
            Deferred.fromCoroutine(other.transaction(lambda connection: touch(connection, "y", "x"))),
        ]
        FOREGROUND.wait(lambda: all(work.called for work in works))
        self.assertEqual([self.successResultOf(work) for work in works], [None, None])


class StalledTests(SynchronousTestCase):
    """A client that stands still in the middle of a transaction."""

    def test_ended(self) -> None:
        """The server ends it, so that the others, who wait for its lock, go on."""
        url = postgresql_url(self.addCleanup)
        database = threaded_database(url)
        self.addCleanup(close, database)
        stalled = open_writer(url, busy_seconds=0.5)
        self.addCleanup(stalled.dispose)
        connection = stalled.connect()
        self.addCleanup(connection.invalidate)
        connection.execute(arrivals._ORDER_EVENTS)
        submission = sample_submission()
        queue = StoredQueue(database=database, node_id="one")
        now(queue.store(submission, [sample_event(submission.messages[0].id)], is_claimed=False))
        self.assertEqual(len(now(StoredJournal(database=database).events_after(0, 10))), 1)


class DoubtTests(SynchronousTestCase):
    """The connection is cut while it commits."""

    @override
    def setUp(self) -> None:
        url = postgresql_url(self.addCleanup)
        server = postgresql()
        self.proxy = CuttingProxy((ADDRESS, server.port))
        self.proxy.start()
        self.addCleanup(self.proxy.stop)
        self.lanes = HeldLanes()
        self.database = threaded_database(url.replace(str(server.port), str(self.proxy.port)), self.lanes)
        self.addCleanup(close, self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        self.view = StoredQueueView(database=self.database)
        now(self.queue.enlist(1000.0))

    def store(self, is_claimed: bool = True) -> Submission:
        submission = sample_submission("a@example.com", "b@example.com")
        now(self.queue.store(submission, [], is_claimed))
        return submission

    def claimed(self, at: float = 1000.0) -> list[str]:
        return sorted(one.message.recipient.address for one in now(self.queue.claim_due(at, 10, 1 << 20)))

    def state(self, message_id: str) -> State | None:
        found = now(self.view.message(message_id))
        return None if found is None else found.state

    def check_stored_in_doubt(self) -> None:
        with self.assertRaises(StorageBusy):
            self.store()
        self.assertEqual(self.claimed(), ["a@example.com", "b@example.com"])
        self.assertEqual(self.claimed(), [])

    def test_stored(self) -> None:
        """Mail whose storing was not confirmed, but happened, is claimed anew by its node, once: it is not stuck."""
        self.proxy.lose_commit_answer()
        self.check_stored_in_doubt()

    def test_stored_late(self) -> None:
        """The same when the commit happens only after the node has gone on: it waits until that is certain."""
        self.proxy.delay_commit(1.0)
        self.check_stored_in_doubt()

    def test_not_stored(self) -> None:
        """When the commit did not happen there is nothing to claim, and the client's second try is stored once."""
        self.proxy.lose_commit()
        with self.assertRaises(StorageBusy):
            self.store()
        self.assertEqual(self.claimed(), [])
        self.store(is_claimed=False)
        self.assertEqual(self.claimed(), ["a@example.com", "b@example.com"])

    def test_own_claims_stay(self) -> None:
        """What the node holds in memory is not given back beside the doubtful."""
        kept = self.store()
        self.test_stored()
        now(self.queue.settle(delivered(kept.messages[0].id)))
        self.assertIs(self.state(kept.messages[0].id), State.DELIVERED)

    def test_claimed(self) -> None:
        """Messages whose claiming was not confirmed are claimed again by the next claim, and then held."""
        self.store(is_claimed=False)
        self.proxy.lose_commit_answer()
        with self.assertRaises(StorageBusy):
            self.claimed()
        self.assertEqual(self.claimed(), ["a@example.com", "b@example.com"])
        self.assertEqual(self.claimed(), [])

    def test_claimed_late(self) -> None:
        """The same when that commit happens late."""
        self.store(is_claimed=False)
        self.proxy.delay_commit(1.0)
        with self.assertRaises(StorageBusy):
            self.claimed()
        self.assertEqual(self.claimed(), ["a@example.com", "b@example.com"])

    def test_settled(self) -> None:
        """A settlement that happened without confirmation is refused the second time; its event is there once."""
        message_id = self.store().messages[0].id
        self.proxy.lose_commit_answer()
        with self.assertRaises(StorageBusy):
            now(self.queue.settle(delivered(message_id)))
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered(message_id)))
        self.assertIs(self.state(message_id), State.DELIVERED)
        self.assertEqual(len(now(StoredJournal(database=self.database).events_after(0, 10))), 1)

    def test_commands(self) -> None:
        """A command reaches the node's memory although taking it was not confirmed."""
        command = Command(kind="retry", account_id=9)
        now(self.view.add_command(command, 1000.0))
        self.proxy.lose_commit_answer(after=1)
        self.assertEqual(now(self.queue.take_commands(1001.0)), [command])
        self.assertTrue(self.proxy.committed.is_set())
        self.assertEqual(now(self.queue.take_commands(1002.0)), [])

    def test_told_apart(self) -> None:
        """Each of a group is told of the doubt, with what it would have got; what failed by itself is told that."""

        def fail(connection: Connection) -> None:
            raise LookupError

        def bulk(connection: Connection, items: Sequence[int]) -> list[int]:
            return [item * 2 for item in items]

        self.lanes.hold()
        works: list[Deferred[Any]] = [
            Deferred.fromCoroutine(self.database.together(bulk, 21)),
            Deferred.fromCoroutine(self.database.transaction(fail)),
            Deferred.fromCoroutine(self.database.together(bulk, 4)),
        ]
        self.proxy.lose_commit_answer()
        self.lanes.let_go()
        FOREGROUND.wait(lambda: all(work.called for work in works))
        first = self.failureResultOf(works[0], CommitInDoubt).value
        self.failureResultOf(works[1], LookupError)
        second = self.failureResultOf(works[2], CommitInDoubt).value
        self.assertEqual((first.result, second.result), (42, 8))
        self.assertIsNot(first, second)
