"""Tests of L{smtpeter.storage.suppressing}, in the transactions that use it."""

from attrs import evolve, field, frozen
from sqlalchemy import select
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.event import Event
from smtpeter.model.message import Queued, State, Submission
from smtpeter.model.queue import MessageView, Settlement
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.queue_view import StoredQueueView
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.storage.tables import messages
from tests.conformance.samples import deferred, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.storage.test_claims import flood
from tests.storage.test_suppressions import entry
from tests.support.database import now


@frozen
class Counted:
    """A tally that remembers."""

    counts: list[tuple[str, float]] = field(factory=list)

    def __call__(self, label: str = "", amount: float = 1) -> None:
        """Note it."""
        self.counts.append((label, amount))


def failure_of(
    queued: Queued, entered: Suppression | None, type: str = "user_unknown", at: float = 1000.0
) -> Settlement:
    """The settlement of a failure."""
    event = Event(
        message_id=queued.message.id,
        account_id=queued.submission.account_id,
        type="failure",
        at=at,
        recipient=queued.message.recipient.address,
        data={"type": type},
    )
    return Settlement(
        message_id=queued.message.id,
        state=State.FAILED,
        attempts=1,
        next_attempt_at=None,
        events=(event,),
        suppression=entered,
    )


class SuppressingLaws(Place):
    """Mail to addresses on the list."""

    @override
    def setUp(self) -> None:
        self.lanes = self.make_lanes()
        self.database = self.open_database(self.lanes)
        self.settled = Counted()
        self.queue = StoredQueue(database=self.database, node_id="one", settled=self.settled)
        now(self.queue.enlist(1000.0))
        self.lists = StoredSuppressions(database=self.database)
        self.view = StoredQueueView(database=self.database)

    def store(self, submission: Submission, is_claimed: bool = False) -> list[str]:
        """@return: the recipients of those that are not to be sent."""
        events = [evolve(sample_event(message.id), type="attempt") for message in submission.messages]
        held = now(self.queue.store(submission, events, is_claimed))
        return [message.recipient.address for message in submission.messages if message.id in held]

    def views(self, submission: Submission) -> list[MessageView]:
        found = [now(self.view.message(message.id)) for message in submission.messages]
        return [view for view in found if view is not None]

    def claim(self, at: float = 1000.0, limit: int = 100) -> list[str]:
        return [one.message.recipient.address for one in now(self.queue.claim_due(at, limit, 1 << 20))]

    def refuse(self, address: str, type: str, entered: bool = True, account_id: int = 1) -> None:
        """Have a message fail for good."""
        now(self.queue.store(sample_submission(address, account_id=account_id), [], False))
        (queued,) = now(self.queue.claim_due(1000.0, 1, 1 << 20))
        made = entry(address, SuppressionReason.HARD_BOUNCE, 1000.0, account_id, queued.message.id, "550 gone")
        now(self.queue.settle(failure_of(queued, made if entered else None, type)))

    def listed(self, account_id: int = 1) -> list[str]:
        return [one.address for one in now(self.lists.page(account_id, "", 100))]

    def test_stored(self) -> None:
        """A message to a listed address is stored in its final state, with its event; its fellows wait as ever."""
        now(self.lists.add([entry("gone@x.example", SuppressionReason.COMPLAINT, 5.0, description="so it is")]))
        submission = sample_submission("Gone@X.example", "ann@x.example", '"gone"@x.example')
        self.assertEqual(self.store(submission), ["Gone@X.example", '"gone"@x.example'])
        gone, waiting, quoted = self.views(submission)
        self.assertEqual((gone.state, waiting.state, quoted.state), (State.SUPPRESSED, State.QUEUED, State.SUPPRESSED))
        self.assertEqual((gone.attempts, gone.next_attempt_at), (0, None))
        self.assertEqual(gone.last_reply, "on the suppression list since 1970-01-01 00:00:05: complaint; so it is")
        self.assertEqual([event.type for event in gone.events], ["attempt", "suppressed"])
        event = gone.events[1]
        self.assertEqual((event.at, event.recipient, event.tags), (1000.0, "Gone@X.example", submission.tags))
        self.assertEqual((event.data["reason"], event.data["listed"]), ("complaint", "1970-01-01 00:00:05"))
        self.assertEqual([event.type for event in waiting.events], ["attempt"])
        self.assertEqual(self.claim(), ["ann@x.example"])
        self.assertEqual(self.settled.counts, [("suppressed", 2)])

    def test_stored_claimed(self) -> None:
        """What is stored claimed is not claimed where it is held back: nothing is left to settle or to free."""
        now(self.lists.add([entry("gone@x.example")]))
        submission = sample_submission("gone@x.example", "ann@x.example")
        self.assertEqual(self.store(submission, is_claimed=True), ["gone@x.example"])
        columns = (messages.c.due_at, messages.c.next_attempt_at, messages.c.node, messages.c.epoch)
        query = select(*columns).where(messages.c.id == submission.messages[0].id)
        self.assertEqual(
            tuple(now(self.database.read(lambda connection: connection.execute(query).one()))), (None,) * 4
        )
        now(self.queue.enlist(1001.0))
        self.assertEqual(self.claim(), ["ann@x.example"])
        self.assertIs(self.views(submission)[0].state, State.SUPPRESSED)

    def test_other_account(self) -> None:
        """An account's list holds back its own mail only."""
        now(self.lists.add([entry("gone@x.example", account_id=2)]))
        self.assertEqual(self.store(sample_submission("gone@x.example")), [])
        self.assertEqual(self.store(sample_submission("gone@x.example", account_id=2)), ["gone@x.example"])
        self.assertEqual(self.claim(), ["gone@x.example"])

    def test_together(self) -> None:
        """Of submissions that share a commit each is told of its own messages."""
        now(self.lists.add([entry("gone@x.example"), entry("left@x.example", account_id=2)]))
        mail = [
            sample_submission("gone@x.example", "ann@x.example"),
            sample_submission("ann@x.example"),
            sample_submission("gone@x.example", "left@x.example", account_id=2),
        ]
        self.lanes.hold()
        waiting = gatherResults([Deferred.fromCoroutine(self.queue.store(one, [], False)) for one in mail])
        self.lanes.let_go()

        async def told() -> list[set[str]]:
            return [set(one) for one in await waiting]

        ids = [[message.id for message in one.messages] for one in mail]
        self.assertEqual(now(told()), [{ids[0][0]}, set(), {ids[2][1]}])

    def test_notices(self) -> None:
        """A notice of ours goes out, to whatever address, when it is stored and when it is claimed."""
        now(self.lists.add([entry("gone@x.example")]))
        self.assertEqual(self.store(evolve(sample_submission("gone@x.example"), source="dsn")), [])
        self.assertEqual(self.claim(), ["gone@x.example"])

    def test_listed_meanwhile(self) -> None:
        """What waits while its recipient comes on the list is ended when it would be claimed, with its event."""
        submission = sample_submission("ann@x.example", "gone@x.example", "left@x.example")
        self.store(submission)
        now(self.lists.add([entry("gone@x.example", SuppressionReason.UNSUBSCRIBE, 1100.0, message_id="m1")]))
        now(self.lists.add([entry("left@x.example", account_id=2)]))
        self.assertEqual(sorted(self.claim(1200.0)), ["ann@x.example", "left@x.example"])
        gone = self.views(submission)[1]
        self.assertEqual((gone.state, gone.next_attempt_at), (State.SUPPRESSED, None))
        self.assertEqual(gone.last_reply, "on the suppression list since 1970-01-01 00:18:20: unsubscribe")
        self.assertEqual(
            [(event.type, event.at) for event in gone.events], [("attempt", 1000.0), ("suppressed", 1200.0)]
        )
        self.assertEqual(gone.events[1].data["envelope"], submission.reverse_path)
        self.assertEqual(gone.events[1].tags, submission.tags)
        self.assertIsNone(now(self.queue.next_due()))
        self.assertEqual(self.settled.counts, [("suppressed", 1)])

    def test_listed_before_a_retry(self) -> None:
        """The same for a message that was tried before."""
        submission = sample_submission("gone@x.example")
        self.store(submission, is_claimed=True)
        now(self.queue.settle(deferred(submission.messages[0].id, until=1300.0)))
        now(self.lists.add([entry("gone@x.example")]))
        self.assertEqual(self.claim(1300.0), [])
        (gone,) = self.views(submission)
        self.assertEqual((gone.state, gone.attempts), (State.SUPPRESSED, 1))

    def test_removed(self) -> None:
        """An address that was taken off the list gets mail again."""
        now(self.lists.add([entry("gone@x.example")]))
        now(self.lists.remove(1, "gone@x.example"))
        self.assertEqual(self.store(sample_submission("gone@x.example")), [])
        self.assertEqual(self.claim(), ["gone@x.example"])

    def test_flood(self) -> None:
        """A claim finds what waits behind more held back messages than it may take."""
        flood(self.database, "gone.example", 35)
        now(self.lists.add([entry("user@gone.example")]))
        self.store(sample_submission("ann@x.example"))
        self.assertEqual(self.claim(limit=10), ["ann@x.example"])
        self.assertEqual(self.settled.counts, [("suppressed", 35)])

    def test_hard_failure(self) -> None:
        """What fails for good comes on the list with its settlement, and its next message is held back."""
        self.refuse("gone@x.example", "user_unknown")
        found = now(self.lists.find(1, "gone@x.example"))
        assert found is not None
        self.assertEqual((found.reason, found.description), (SuppressionReason.HARD_BOUNCE, "550 gone"))
        (told,) = now(StoredJournal(database=self.database).events_after(0, 10))
        self.assertEqual((found.message_id, found.at), (told.message_id, told.at))
        self.assertEqual(self.store(sample_submission("gone@x.example")), ["gone@x.example"])

    def test_no_entry(self) -> None:
        """A settlement without an entry puts nothing there, nor one whose reason the operator does not want."""
        self.refuse("soft@x.example", "user_unknown", entered=False)
        self.queue = StoredQueue(database=self.database, node_id="one", reasons=(SuppressionReason.COMPLAINT,))
        now(self.queue.enlist(1000.0))
        self.refuse("gone@x.example", "user_unknown")
        self.assertEqual(self.listed(), [])

    def test_second_time(self) -> None:
        """A disabled mailbox comes on the list when a second message has failed so, of the same account."""
        self.refuse("off@x.example", "mailbox_full", entered=False)
        self.refuse("off@x.example", "mailbox_disabled")
        self.refuse("off@x.example", "mailbox_disabled", account_id=2)
        self.refuse("other@x.example", "mailbox_disabled")
        self.assertEqual((self.listed(1), self.listed(2)), ([], []))
        self.refuse("off@x.example", "mailbox_disabled")
        self.assertEqual((self.listed(1), self.listed(2)), (["off@x.example"], []))


class MemorySuppressingTests(InMemory, SuppressingLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLSuppressingTests(OnPostgreSQL, SuppressingLaws, SynchronousTestCase):
    """On PostgreSQL."""
