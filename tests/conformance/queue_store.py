"""The laws of a durable queue: L{Shelf} and L{QueueStore} as nodes on one database see them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from smtpeter.boundaries.events import EventReader
from smtpeter.boundaries.queue import ClaimLost, QueueStore, QueueView, Shelf
from smtpeter.model.message import Queued, State, Submission
from smtpeter.model.queue import Settlement
from tests.conformance.samples import deferred, delivered, sample_event, sample_submission
from tests.support.database import now

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

LEASE = 30.0


class Queue(Shelf, QueueStore, Protocol):
    """A node's side of the queue."""


class Site(Protocol):
    """One database."""

    @property
    def view(self) -> QueueView:
        """What operators use."""

    @property
    def journal(self) -> EventReader:
        """What was written of events."""

    def node(self, node_id: str) -> Queue:
        """A process of that node, whose leases last C{LEASE} seconds; not enlisted."""


class QueueCase(SynchronousTestCase):
    """What the laws have in common; a test case that is mixed in says how a site is made."""

    def open_site(self) -> Site:
        """A new, empty one."""
        raise NotImplementedError

    @override
    def setUp(self) -> None:
        self.site = self.open_site()
        self.queue = self.enlisted("one")

    def enlisted(self, node_id: str, at: float = 1000.0) -> Queue:
        queue = self.site.node(node_id)
        now(queue.enlist(at))
        return queue

    def shelve(self, submission: Submission, is_claimed: bool = False, queue: Queue | None = None) -> list[str]:
        now((queue or self.queue).store(submission, [], is_claimed))
        return [message.id for message in submission.messages]

    def claim(
        self, at: float = 1000.0, queue: Queue | None = None, limit: int = 100, max_bytes: int = 1 << 20
    ) -> list[Queued]:
        return now((queue or self.queue).claim_due(at, limit, max_bytes))

    def state(self, message_id: str) -> State:
        view = now(self.site.view.message(message_id))
        assert view is not None
        return view.state


class QueueStoreLaws(QueueCase):
    """Shelving, claiming, settling, and the life of claims."""

    def test_claimed_as_stored(self) -> None:
        """A claimed submission is what was stored, with all that belongs to it."""
        submission = sample_submission("a@example.com", "b@example.net")
        self.shelve(submission)
        taken = self.claim()
        self.assertEqual({one.message for one in taken}, set(submission.messages))
        found = taken[0].submission
        self.assertEqual(evolve(found, messages=submission.messages), submission)
        self.assertEqual([one.attempts for one in taken], [0, 0])

    def test_submission_shared(self) -> None:
        """Messages of one submission share one submission in memory, which names those that were claimed."""
        self.shelve(sample_submission("a@example.com", "b@example.com", "c@example.com"))
        first, second = self.claim(limit=2)
        self.assertIs(first.submission, second.submission)
        self.assertEqual(first.submission.messages, (first.message, second.message))

    def test_claimed_once(self) -> None:
        """What one node has claimed no other gets, and itself not again."""
        self.shelve(sample_submission())
        other = self.enlisted("two")
        self.assertEqual(len(self.claim()), 1)
        self.assertEqual(self.claim(queue=other), [])
        self.assertEqual(self.claim(), [])

    def test_stored_claimed(self) -> None:
        """What is stored claimed is in its node's memory: no claim yields it, and its outcome can be settled."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        self.assertEqual(self.claim(), [])
        self.assertIsNone(now(self.queue.next_due()))
        now(self.queue.settle(delivered(message_id)))
        self.assertIs(self.state(message_id), State.DELIVERED)

    def test_claim_needs_enlisting(self) -> None:
        """A node that has not enlisted can claim nothing."""
        stranger = self.site.node("two")
        with self.assertRaises(RuntimeError):
            self.shelve(sample_submission(), is_claimed=True, queue=stranger)
        with self.assertRaises(RuntimeError):
            self.claim(queue=stranger)

    def test_most_overdue_first(self) -> None:
        """Claims come in the order in which they fell due."""
        stored = [self.shelve(sample_submission(received_at=at))[0] for at in (30.0, 10.0, 20.0)]
        self.assertEqual([one.message.id for one in self.claim()], [stored[1], stored[2], stored[0]])

    def test_count_limit(self) -> None:
        """No more are claimed than asked for; the rest stays."""
        for _ in range(5):
            self.shelve(sample_submission())
        self.assertEqual([len(self.claim(limit=3)), len(self.claim(limit=3))], [3, 2])

    def test_byte_limit(self) -> None:
        """Claims stop before the contents exceed the bound; a content counts once; one message is always taken."""
        for _ in range(3):
            self.shelve(sample_submission("a@example.com", "b@example.com", content=b"x" * 100))
        self.assertEqual([len(self.claim(max_bytes=size)) for size in (10, 100, 250, 250)], [2, 2, 2, 0])

    def test_excluded(self) -> None:
        """Messages to excluded domains and of excluded accounts stay where they are."""
        self.shelve(sample_submission("a@full.example"))
        self.shelve(sample_submission("a@free.example", account_id=2))
        (free,) = self.shelve(sample_submission("a@free.example"))
        taken = now(self.queue.claim_due(1000.0, 10, 1000, {"full.example"}, {2}))
        self.assertEqual([one.message.id for one in taken], [free])
        self.assertEqual(len(self.claim()), 2)

    def test_not_due(self) -> None:
        """A deferred message is claimed when it is due, with its count and its last reply."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        now(self.queue.settle(deferred(message_id, until=1300.0, attempts=3)))
        self.assertEqual(now(self.queue.next_due()), 1300.0)
        self.assertEqual(self.claim(at=1299.0), [])
        (again,) = self.claim(at=1300.0)
        self.assertEqual((again.attempts, again.last_reply), (3, "451 4.3.0 later"))

    def test_expired_is_due(self) -> None:
        """A message past its expiry is due at once, whenever its next attempt would be."""
        (message_id,) = self.shelve(sample_submission(expires_at=1200.0), is_claimed=True)
        now(self.queue.settle(deferred(message_id, until=5000.0)))
        self.assertEqual(now(self.queue.next_due()), 1200.0)
        self.assertEqual([one.message.id for one in self.claim(at=1200.0)], [message_id])
        view = now(self.site.view.message(message_id))
        assert view is not None
        self.assertEqual(view.next_attempt_at, 5000.0)

    def test_final_is_not_claimed(self) -> None:
        """A message in a final state, or held, is never claimed."""
        for state in State:
            if state is State.QUEUED:
                continue
            (message_id,) = self.shelve(sample_submission(), is_claimed=True)
            now(self.queue.settle(Settlement(message_id=message_id, state=state, attempts=1, next_attempt_at=None)))
            self.assertIs(self.state(message_id), state)
        self.assertEqual(self.claim(at=1e9), [])
        self.assertIsNone(now(self.queue.next_due()))

    def test_settled_with_events(self) -> None:
        """A settlement's state and events are there together, once."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        now(self.queue.settle(delivered(message_id)))
        view = now(self.site.view.message(message_id))
        assert view is not None
        self.assertEqual((view.state, view.attempts, view.last_reply), (State.DELIVERED, 1, "250 2.0.0 OK"))
        self.assertEqual([evolve(event, id=None) for event in view.events], [sample_event(message_id)])

    def test_settled_twice(self) -> None:
        """The second settlement of a claim is refused and writes nothing."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        now(self.queue.settle(delivered(message_id)))
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered(message_id)))
        self.assertEqual(len(now(self.site.journal.events_after(0, 10))), 1)

    def test_settled_unknown(self) -> None:
        """A message that does not exist is nobody's claim."""
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered("0" * 20)))

    def test_notice(self) -> None:
        """A notice is queued by the settlement that caused it, unclaimed, and not by one that is refused."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        notice = sample_submission("sender@example.org")
        now(self.queue.settle(delivered(message_id, notice=notice)))
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered(message_id, notice=sample_submission())))
        self.assertEqual([one.submission for one in self.claim()], [notice])

    def test_released(self) -> None:
        """A released message is due at once, for anybody, with its attempts as they were."""
        self.shelve(sample_submission(), is_claimed=True)
        kept = self.shelve(sample_submission(), is_claimed=True)
        first = self.shelve(sample_submission(), is_claimed=True)
        now(self.queue.release(first))
        now(self.queue.release([]))
        other = self.enlisted("two")
        self.assertEqual([(one.message.id, one.attempts) for one in self.claim(queue=other)], [(first[0], 0)])
        now(self.queue.settle(delivered(kept[0])))

    def test_release_of_others(self) -> None:
        """A node cannot release what another has claimed."""
        taken = self.shelve(sample_submission(), is_claimed=True)
        other = self.enlisted("two")
        now(other.release(taken))
        self.assertEqual(self.claim(queue=other), [])

    def test_restart(self) -> None:
        """A restarted node takes its own claims back at once; what its earlier self says is refused."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        again = self.enlisted("one", at=1001.0)
        self.assertEqual(now(again.next_due()), 1000.0)
        self.assertEqual([one.message.id for one in self.claim(queue=again)], [message_id])
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered(message_id)))
        with self.assertRaises(ClaimLost):
            now(self.queue.renew(1002.0))
        now(again.settle(delivered(message_id)))

    def test_lease_taken_over(self) -> None:
        """When a node's lease has ended others get its messages, and its own outcome is refused."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        other = self.enlisted("two")
        self.assertEqual(self.claim(queue=other, at=1000.0 + LEASE), [])
        taken = self.claim(queue=other, at=1000.0 + 2 * LEASE)
        self.assertEqual([one.message.id for one in taken], [message_id])
        with self.assertRaises(ClaimLost):
            now(self.queue.settle(delivered(message_id)))

    def test_heartbeat(self) -> None:
        """A node that renews its lease keeps its claims."""
        (message_id,) = self.shelve(sample_submission(), is_claimed=True)
        other = self.enlisted("two")
        for step in range(1, 10):
            at = 1000.0 + step * LEASE / 2
            now(self.queue.renew(at))
            self.assertEqual(self.claim(queue=other, at=at), [])
        now(self.queue.settle(delivered(message_id)))

    def test_own_late_heartbeat(self) -> None:
        """A node whose heartbeat is late does not take its own messages from its memory's back."""
        self.shelve(sample_submission(), is_claimed=True)
        self.assertEqual(self.claim(at=1000.0 + 10 * LEASE), [])

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(["store", "claim", "restart", "settle"]), st.integers(0, 1)), max_size=20
        )
    )
    def test_each_settled_once(self, steps: Sequence[tuple[str, int]]) -> None:
        """Whatever two nodes do in whatever order, each accepted message is settled exactly once in the end."""
        self.site = self.open_site()
        queues = [self.enlisted("one"), self.enlisted("two")]
        held: list[list[str]] = [[], []]
        accepted: list[str] = []
        for step, who in [*steps, ("restart", 0), ("restart", 1), ("claim", 0), ("settle", 0), ("settle", 1)]:
            if step == "store":
                accepted += (stored := self.shelve(sample_submission(), True, queues[who]))
                held[who] += stored
            elif step == "claim":
                held[who] += [one.message.id for one in self.claim(queue=queues[who])]
            elif step == "restart":
                queues[who], held[who] = self.enlisted(("one", "two")[who]), []
            else:
                for message_id in held[who]:
                    now(queues[who].settle(delivered(message_id)))
                held[who] = []
        settled = [event.message_id for event in now(self.site.journal.events_after(0, 1000))]
        self.assertEqual(sorted(settled), sorted(accepted))
