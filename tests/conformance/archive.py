"""The laws of an archive: L{PackingStore}, L{RetentionStore} and L{ContentReader} on the database of a queue."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from smtpeter.archive.chores import pack_all
from smtpeter.boundaries.archive import ContentReader, PackingStore, RetentionStore
from smtpeter.boundaries.events import EventReader, Journal
from smtpeter.boundaries.queue import QueueStore, QueueView, Shelf
from smtpeter.model.archive import Swept
from smtpeter.model.message import Return, State, Submission, Trace
from smtpeter.model.queue import Settlement
from smtpeter.model.visit import Visit
from tests.conformance.samples import deferred, delivered, sample_event, sample_id, sample_submission
from tests.support.database import now

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase
else:
    SynchronousTestCase = object

BODY = b"<p>Hello to all of you.</p>\r\n" * 80
DAY = 86_400.0
LATER = 10 * DAY


class Archive(ContentReader, PackingStore, RetentionStore, Protocol):
    """One node's side of the archive."""


class Queue(Shelf, QueueStore, Protocol):
    """A node's side of the queue."""


class Events(Journal, EventReader, Protocol):
    """The journal."""


class Site(Protocol):
    """One database with a node that has enlisted at 1000."""

    @property
    def queue(self) -> Queue: ...
    @property
    def view(self) -> QueueView: ...
    @property
    def journal(self) -> Events: ...
    def archive(self, node_id: str) -> Archive: ...
    def pieces(self) -> tuple[int, int]:
        """How many pieces there are, and how many of them no content has a place for."""


def mail(number: int, body: bytes = BODY) -> bytes:
    """A content with a header of its own."""
    return b"From: a@shop.example\r\nSubject: number %d\r\n\r\n" % number + body


def any_order(max_examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Tries some orders of what nodes do; L{ArchiveLaws.check_any_order} judges."""
    step = st.tuples(st.sampled_from(["store", "finish", "read", "put", "drop"]), st.integers(0, 2))
    chosen = settings(max_examples=max_examples, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    return lambda test: chosen(given(steps=st.lists(step, max_size=25))(test))


class ArchiveLaws(SynchronousTestCase):
    """A test case that is mixed in says how a site is made."""

    def open_site(self) -> Site:
        """A new, empty one."""
        raise NotImplementedError

    @override
    def setUp(self) -> None:
        self.site = self.open_site()
        self.archive = self.site.archive("one")

    def stored(
        self, content: bytes = mail(0), state: State | None = State.DELIVERED, received_at: float = 1000.0, *to: str
    ) -> Submission:
        """A submission whose messages are in some state; C{None}: queued and claimed."""
        one = sample_submission(*(to or ("b@customer.example",)), content=content, received_at=received_at)
        now(self.site.queue.store(one, [sample_event(one.messages[0].id, received_at)], True))
        for message in one.messages:
            if state is not None:
                self.settle(message.id, state)
        return one

    def settle(self, message_id: str, state: State) -> None:
        settlement = Settlement(message_id=message_id, state=state, attempts=1, next_attempt_at=None)
        now(self.site.queue.settle(settlement if state is not State.QUEUED else deferred(message_id, until=LATER)))

    def pack(self, archive: Archive | None = None, before: float = LATER, limit: int = 100) -> int:
        """Pack all that can be packed; how many contents."""
        archive, count, after = archive or self.archive, 0, ""
        while True:
            found = now(archive.find_finished(before, after, limit, 1 << 20))
            count += len(found.contents)
            self.assertTrue(now(archive.put_away(pack_all(found.contents))))
            if found.next is None:
                return count
            after = found.next

    def content(self, submission: Submission) -> bytes | None:
        return now(self.archive.content(submission.id))

    def drop(self, what: str, before: float = LATER, limit: int = 100) -> int:
        """Remove all of a kind that is old; how much."""
        count, after = 0, ""
        for _ in range(1000):
            swept: Swept = now(getattr(self.archive, f"drop_{what}")(before, after, limit))
            count += swept.removed
            if swept.next is None:
                return count
            after = swept.next
        raise AssertionError("it does not end")

    def drop_all_contents(self, before: float = LATER, limit: int = 100) -> int:
        return self.drop("contents", before, limit) + self.drop("packed", before, limit)

    def test_packed(self) -> None:
        """A packed content is the same, byte for byte."""
        one = self.stored(mail(1))
        self.assertEqual(self.content(one), mail(1))
        self.assertEqual(self.pack(), 1)
        self.assertEqual(self.content(one), mail(1))
        self.assertEqual(self.site.pieces(), (1, 0))
        self.assertEqual(self.pack(), 0)

    def test_equal_parts_once(self) -> None:
        """Equal bodies are kept once, in one transaction or several."""
        mails = [self.stored(mail(number)) for number in range(5)]
        self.assertEqual(self.pack(limit=2), 5)
        self.stored(mail(9, b"another" * 400))
        self.pack()
        self.assertEqual(self.site.pieces(), (2, 0))
        self.assertEqual([self.content(one) for one in mails], [mail(number) for number in range(5)])

    def test_twice_in_one(self) -> None:
        """A body that stands twice in one content is kept once."""
        part = b"--b\r\nContent-Type: text/plain\r\n\r\n" + BODY + b"\r\n"
        content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 2 + b"--b--\r\n"
        one = self.stored(content)
        self.pack()
        self.assertEqual((self.site.pieces(), self.content(one)), ((1, 0), content))
        self.assertEqual(self.drop_all_contents(), 1)
        self.assertEqual(self.site.pieces(), (0, 0))

    def test_without_pieces(self) -> None:
        """Empty and small contents can be packed too."""
        mails = [self.stored(content) for content in (b"", b"x", b"Subject: x\r\n\r\n")]
        self.assertEqual(self.pack(), 3)
        self.assertEqual([self.content(one) for one in mails], [b"", b"x", b"Subject: x\r\n\r\n"])
        self.assertEqual(self.site.pieces(), (0, 0))

    def test_unknown(self) -> None:
        """Of a submission that does not exist there is no content."""
        self.assertIsNone(now(self.archive.content(sample_id())))

    def test_unfinished_not_packed(self) -> None:
        """A content stays as it came while a message of it is claimed, waits or is held."""
        self.stored(state=None)
        self.stored(state=State.QUEUED)
        self.stored(state=State.HELD)
        some = self.stored(mail(1), None, 1000.0, "a@one.example", "b@two.example")
        self.settle(some.messages[0].id, State.DELIVERED)
        self.assertEqual(self.pack(), 0)
        self.settle(some.messages[1].id, State.FAILED)
        self.assertEqual(self.pack(), 1)

    def test_young_not_packed(self) -> None:
        """A young content stays as it came."""
        self.stored(received_at=1000.0)
        self.assertEqual(self.pack(before=1000.0), 0)
        self.assertEqual(self.pack(before=1000.001), 1)

    def test_bounded(self) -> None:
        """A step reads no more rows and bytes than it may, but one content at least; what waits does not count."""
        for number in range(4):
            self.stored(state=State.HELD)
            self.stored(mail(number))
        seen: list[int] = []
        after: str | None = ""
        while after is not None:
            found = now(self.archive.find_finished(LATER, after, 100, 2 * len(mail(0)) + 1))
            seen.append(len(found.contents))
            after = found.next
        self.assertEqual(seen, [2, 2, 0])
        self.assertEqual(len(now(self.archive.find_finished(LATER, "", 100, 1)).contents), 1)
        self.assertEqual(len(now(self.archive.find_finished(LATER, "", 2, 1 << 20)).contents), 1)

    def test_gone_meanwhile(self) -> None:
        """A content that was removed while it was being packed does not come back, nor does its piece."""
        self.stored()
        found = now(self.archive.find_finished(LATER, "", 10, 1 << 20))
        self.drop_all_contents()
        self.assertTrue(now(self.archive.put_away(pack_all(found.contents))))
        self.assertEqual(self.site.pieces(), (0, 0))
        self.assertEqual(self.drop_all_contents(), 0)

    def test_packed_twice(self) -> None:
        """Two nodes that pack the same content leave it as one would."""
        one = self.stored(mail(3))
        found = now(self.archive.find_finished(LATER, "", 10, 1 << 20))
        self.pack(self.site.archive("two"))
        self.assertTrue(now(self.archive.put_away(pack_all(found.contents))))
        self.assertEqual((self.content(one), self.site.pieces()), (mail(3), (1, 0)))

    def test_claimed_when_packed(self) -> None:
        """A message that is queued again after its content was packed is claimed with that content."""
        one = self.stored(mail(4), state=None)
        now(self.archive.put_away(pack_all({one.id: one.content})))
        now(self.site.queue.release([one.messages[0].id]))
        (again,) = now(self.site.queue.claim_due(1000.0, 10, 1 << 20))
        self.assertEqual(evolve(again.submission, messages=one.messages), one)

    def test_contents_end(self) -> None:
        """Contents past their age are removed, packed or not; the message and its events stay."""
        old, packed = self.stored(received_at=1000.0), self.stored(received_at=1000.0)
        now(self.archive.put_away(pack_all({packed.id: packed.content})))
        young = self.stored(mail(5), received_at=1000.0 + DAY)
        self.assertEqual(self.drop_all_contents(before=1000.0 + DAY), 2)
        self.assertEqual([self.content(one) for one in (old, packed, young)], [None, None, mail(5)])
        view = now(self.site.view.message(old.messages[0].id))
        assert view is not None
        self.assertEqual((view.state, len(view.events)), (State.DELIVERED, 1))

    def test_shared_piece_stays(self) -> None:
        """A piece goes with the last content that has it."""
        self.stored(mail(1), received_at=1000.0)
        young = self.stored(mail(2), received_at=1000.0 + DAY)
        self.pack()
        self.assertEqual(self.drop("packed", before=1000.0 + DAY), 1)
        self.assertEqual((self.site.pieces(), self.content(young)), ((1, 0), mail(2)))
        self.assertEqual(self.drop("packed"), 1)
        self.assertEqual(self.site.pieces(), (0, 0))

    def test_unfinished_never_ends(self) -> None:
        """Nothing of a submission is removed while one of its messages is claimed, waits or is held."""
        waiting = [self.stored(mail(1), state) for state in (None, State.QUEUED, State.HELD)]
        some = self.stored(mail(1), None, 1000.0, "a@one.example", "b@two.example")
        self.settle(some.messages[0].id, State.DELIVERED)
        packed = self.stored(mail(1), state=None)
        now(self.archive.put_away(pack_all({packed.id: packed.content})))
        removed = [self.drop(what) for what in ("contents", "packed", "events", "submissions")]
        self.assertEqual(removed, [0, 0, 0, 0])
        for one in (*waiting, some, packed):
            self.assertEqual(self.content(one), mail(1))
            view = now(self.site.view.message(one.messages[0].id))
            assert view is not None
            self.assertEqual(len(view.events), 1)

    def test_steps(self) -> None:
        """Every kind is removed completely in steps of one row as well, past what must stay."""
        for number in range(3):
            self.stored(mail(number), State.HELD)
            self.stored(mail(number))
            self.stored(mail(number), State.FAILED, 1000.0, "a@one.example", "b@two.example", "c@three.example")
        now(self.site.queue.store_return([self.returned(1000.0), self.returned(2000.0)]))
        self.assertEqual(self.drop("contents", limit=1), 6)
        self.assertEqual(self.drop("events", limit=1), 6)
        self.assertEqual(self.drop("submissions", limit=1), 12)
        self.assertEqual(self.drop("returns", before=1500.0, limit=1), 1)
        self.assertEqual([self.drop(what) for what in ("contents", "events", "submissions", "returns")], [0, 0, 0, 1])

    def returned(self, at: float) -> Return:
        return Return(
            id=sample_id(at),
            message_id=None,
            recipient="postmaster@localhost",
            reverse_path="",
            content=b"x" * 5000,
            trace=Trace(protocol="ESMTP"),
            received_at=at,
        )

    def test_events_end(self) -> None:
        """Events past their age are removed; younger ones, of the same message too, stay."""
        one = self.stored(received_at=1000.0)
        now(
            self.site.journal.record_visits(
                [Visit(message_id=one.messages[0].id, type="open", at=1000.0 + DAY, data={})]
            )
        )
        self.assertEqual(self.drop("events", before=1000.0 + DAY), 1)
        (left,) = now(self.site.journal.events_after(0, 10))
        self.assertEqual(left.type, "open")

    def test_submissions_end(self) -> None:
        """A submission and its messages go when they are old and the content is gone."""
        one, packed = self.stored(), self.stored()
        now(self.archive.put_away(pack_all({packed.id: packed.content})))
        young = self.stored(received_at=LATER)
        self.assertEqual(self.drop("submissions"), 0)
        self.drop_all_contents()
        self.assertEqual(self.drop("submissions"), 2)
        found = [now(self.site.view.message(each.messages[0].id)) for each in (one, packed, young)]
        self.assertEqual([view is None for view in found], [True, True, False])

    def test_visit_of_removed(self) -> None:
        """A visit of a message that was removed is dropped, and nothing fails."""
        one = self.stored()
        self.drop_all_contents()
        self.drop("submissions")
        now(self.site.journal.record_visits([Visit(message_id=one.messages[0].id, type="open", at=LATER, data={})]))
        self.drop("events")
        self.assertEqual(now(self.site.journal.events_after(0, 10)), [])

    def check_any_order(self, steps: Sequence[tuple[str, int]]) -> None:
        """
        Whatever two nodes do in whatever order, each content is whole or gone, gone only when it is old and final, and
        no piece is left without a content.
        """
        self.site = self.open_site()
        self.archive = self.site.archive("one")
        nodes = (self.archive, self.site.archive("two"))
        kept: dict[str, tuple[Submission, bool]] = {}
        in_hand: list[dict[str, bytes]] = [{}, {}]
        bodies = (BODY, BODY[:-2], b"small")
        for step, who in steps:
            node = nodes[who % 2]
            if step == "store":
                one = self.stored(mail(len(kept), bodies[who]), None, 1000.0 + who * DAY)
                kept[one.id] = one, False
            elif step == "finish" and (open_ones := [one for one, is_final in kept.values() if not is_final]):
                now(self.site.queue.settle(delivered(open_ones[0].messages[0].id)))
                kept[open_ones[0].id] = open_ones[0], True
            elif step == "read":
                in_hand[who % 2] = dict(now(node.find_finished(LATER, "", 2, 1 << 20)).contents)
            elif step == "put":
                self.assertTrue(now(node.put_away(pack_all(in_hand[who % 2]))))
            elif step == "drop":
                before = 1000.0 + (who + 0.5) * DAY
                for sweep in (node.drop_contents, node.drop_packed):
                    now(sweep(before, "", 100))
                kept = {
                    key: (one, is_final)
                    for key, (one, is_final) in kept.items()
                    if not (is_final and one.received_at < before)
                }
            self.assertEqual(self.site.pieces()[1], 0)
        self.assertEqual([self.content(one) for one, _ in kept.values()], [one.content for one, _ in kept.values()])
        for one, is_final in kept.values():
            if not is_final:
                now(self.site.queue.settle(delivered(one.messages[0].id)))
        self.drop_all_contents()
        self.assertEqual(self.site.pieces(), (0, 0))
