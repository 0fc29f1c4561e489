"""Tests of L{smtpeter.storage.claims}."""

from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.queue import QueueStore
from smtpeter.storage import claims, nodes
from smtpeter.storage.database import Database
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.rows import message_rows, submission_row
from smtpeter.storage.tables import IS_WAITING, contents, events, messages, submissions
from tests.conformance.samples import sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import memory_database, now


def plan(database: Database, statement: Any) -> str:
    """How SQLite means to execute a statement."""

    def work(connection: Connection) -> str:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
        return "\n".join(row.detail for row in rows)

    return now(database.read(work))


def flood(database: Database, domain: str, count: int, account_id: int = 1, due_at: float = 1.0) -> None:
    """Many messages of one submission, waiting."""
    one = sample_submission(f"user@{domain}", received_at=due_at, account_id=account_id)
    (template,) = message_rows(one, None)
    rows = [{**template, "id": f"{one.id}-{number:07}"} for number in range(count)]

    def work(connection: Connection) -> None:
        connection.execute(insert(submissions).values(submission_row(one)))
        connection.execute(insert(contents).values(submission_id=one.id, content=one.content))
        connection.execute(insert(messages), rows)

    now(database.transaction(work))


class FairnessLaws(Place):
    """Many messages that are not wanted stand in front."""

    @override
    def setUp(self) -> None:
        self.patch(claims, "WINDOW", 1000)
        self.database = self.open_database()
        self.queue: QueueStore = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1000.0))
        flood(self.database, "dead.example", claims.WINDOW + 10)

    def claimed(self, limit: int = 10, accounts: tuple[int, ...] = ()) -> dict[tuple[str, int], int]:
        """How many are claimed of each domain and account, without those to the dead domain."""
        taken = now(self.queue.claim_due(1000.0, limit, 1 << 20, {"dead.example"}, accounts))
        lines = [(one.message.domain, one.submission.account_id) for one in taken]
        return {line: lines.count(line) for line in lines}

    def test_behind_a_dead_destination(self) -> None:
        """A message behind more of an excluded domain than are looked at is found all the same."""
        flood(self.database, "alive.example", 3, due_at=500.0)
        self.assertEqual(self.claimed(), {("alive.example", 1): 3})

    def test_behind_a_flood_of_an_account(self) -> None:
        """The same for an excluded account."""
        flood(self.database, "dead.example", 5, account_id=2, due_at=400.0)
        flood(self.database, "alive.example", 5, due_at=500.0)
        flood(self.database, "alive.example", 2, account_id=2, due_at=500.0)
        self.assertEqual(self.claimed(accounts=(1,)), {("alive.example", 2): 2})

    def test_equal_shares(self) -> None:
        """Lines share what is claimed: none takes all of it."""
        flood(self.database, "big.example", 50, due_at=400.0)
        flood(self.database, "big.example", 50, account_id=2, due_at=450.0)
        flood(self.database, "small.example", 1, due_at=500.0)
        shares = {("big.example", 1): 3, ("big.example", 2): 4, ("small.example", 1): 1}
        self.assertEqual(self.claimed(limit=11), shares)

    def test_not_due(self) -> None:
        """What is not due is not claimed on this way either."""
        flood(self.database, "later.example", 3, due_at=1001.0)
        self.assertEqual(self.claimed(), {})

    def test_nothing_else(self) -> None:
        """When only excluded messages are there, nothing is claimed."""
        self.assertEqual(self.claimed(), {})


class MemoryFairnessTests(InMemory, FairnessLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLFairnessTests(OnPostgreSQL, FairnessLaws, SynchronousTestCase):
    """On PostgreSQL."""


class PlanTests(SynchronousTestCase):
    """Each query has its index, so that a million settled messages cost nothing."""

    @override
    def setUp(self) -> None:
        self.database = memory_database()

    def test_next_due(self) -> None:
        """The next due message is the first entry of an index."""
        found = plan(self.database, select(func.min(messages.c.due_at)).where(IS_WAITING))
        self.assertIn("messages_due", found)

    def test_due(self) -> None:
        """Due messages are read from an index alone, already in order."""
        query = (
            select(messages.c.id, messages.c.domain, messages.c.account_id)
            .where(IS_WAITING, messages.c.due_at <= 5.0)
            .order_by(messages.c.due_at)
            .limit(10)
        )
        found = plan(self.database, query)
        self.assertIn("COVERING INDEX messages_due", found)
        self.assertNotIn("TEMP B-TREE", found)

    def test_lines(self) -> None:
        """Lines are found by seeks, never by a scan of the messages."""
        found = plan(self.database, claims._LINES.bindparams(now=5.0))
        self.assertIn("SEARCH messages USING COVERING INDEX messages_waiting", found)
        self.assertIn("(domain=? AND account_id>?)", found)
        self.assertNotIn("USING INDEX", found)

    def test_claims_of_others(self) -> None:
        """Claims that lapsed are looked for among the claimed."""
        conditions = select(messages.c.id).where(*nodes._FREE_LAPSED._where_criteria)
        found = plan(self.database, conditions.params(own="a", own_epoch=1, renewed_since=5.0))
        self.assertIn("messages_claimed", found)

    def test_pages(self) -> None:
        """Pages of the journal, of an account and of a message, are read in order from an index."""
        page = select(events).where(events.c.id > 5).order_by(events.c.id).limit(10)
        for wanted, index in (
            (page, "PRIMARY KEY"),
            (page.where(events.c.account_id == 1), "events_by_account"),
            (page.where(events.c.message_id == "m"), "events_by_message"),
        ):
            found = plan(self.database, wanted)
            self.assertIn(index, found)
            self.assertNotIn("TEMP B-TREE", found)


_MANY_EVENTS = """
    INSERT INTO events (message_id, account_id, type, at, recipient, tags, data)
    SELECT 'm' || number, mod(number, 100), 'attempt', number, 'a@example.com', '', '' FROM generate_series(1, 5000) number
"""


class PostgreSQLPlanTests(OnPostgreSQL, SynchronousTestCase):
    """PostgreSQL can use the indices too: it does not read whole tables when it is told that this is dear."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()

    def plan(self, statement: Any) -> str:
        def work(connection: Connection) -> str:
            # Of a table that is empty any index is as good as another, and when that is noticed is chance.
            connection.exec_driver_sql(_MANY_EVENTS)
            connection.exec_driver_sql("ANALYZE events")
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
            return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}"))

        return now(self.database.transaction(work))

    def test_indices(self) -> None:
        """Due messages, lines, lapsed claims and pages of the journal are read from their indices, in order."""
        due = select(messages.c.id).where(IS_WAITING, messages.c.due_at <= 5.0).order_by(messages.c.due_at).limit(10)
        lapsed = select(messages.c.id).where(*nodes._FREE_LAPSED._where_criteria)
        page = select(events).where(events.c.id > 5).order_by(events.c.id).limit(10)
        for statement, index in (
            (select(func.min(messages.c.due_at)).where(IS_WAITING), "messages_due"),
            (due, "messages_due"),
            (claims._LINES.bindparams(now=5.0), "messages_waiting"),
            (lapsed.params(own="a", own_epoch=1, renewed_since=5.0), "messages_claimed"),
            (page, "events_key"),
            (page.where(events.c.message_id == "m"), "events_by_message"),
        ):
            found = self.plan(statement)
            self.assertIn(index, found)
            self.assertNotIn("Seq Scan on messages", found)
        self.assertNotIn("Sort", self.plan(due))


class FastWayTests(SynchronousTestCase):
    """What a message costs that is never waited for."""

    def test_no_waiting_entry(self) -> None:
        """A message that is stored claimed never stands in the indices of those that wait."""
        database = memory_database()
        queue = StoredQueue(database=database, node_id="one")
        now(queue.enlist(1.0))
        submission = sample_submission()
        now(queue.store(submission, [sample_event(submission.messages[0].id)], is_claimed=True))

        def waiting(connection: Connection) -> int | None:
            count = "SELECT count(*) FROM messages INDEXED BY messages_due WHERE state = 'queued' AND node IS NULL"
            return connection.exec_driver_sql(count).scalar()

        self.assertEqual(now(database.read(waiting)), 0)
        now(database.transaction(lambda connection: connection.execute(update(messages).values(node=None)).close()))
        self.assertEqual(now(database.read(waiting)), 1)
