"""Tests of L{smtpeter.storage.inquiries} and L{smtpeter.storage.findings}."""

from attrs import evolve
from sqlalchemy import func, select
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.inquiries import NotHeld, TooManyInquiries
from smtpeter.model.inquiry import Inquiry, Match, Progress
from smtpeter.model.message import Return
from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.findings import StoredFindings
from smtpeter.storage.inquiries import HOLD_SECONDS, MOST_OPEN, StoredInquiries
from smtpeter.storage.inquiry_tables import inquiry_parts
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.suppressions import StoredSuppressions
from tests.conformance.samples import delivered, sample_event, sample_id, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


def inquiry(address: str = "joe@example.com", account_id: int = 7, at: float = 1000.0) -> Inquiry:
    """A new data request."""
    return Inquiry(id=sample_id(at), account_id=account_id, address=address, created_at=at)


class InquiryLaws(Place):
    """Data requests and their answers."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.store = StoredInquiries(database=self.database)
        self.asked = inquiry()
        now(self.store.ask(self.asked))

    def test_found(self) -> None:
        """A data request is its account's alone."""
        self.assertEqual(now(self.store.find(7, self.asked.id)), self.asked)
        for account_id, id in ((8, self.asked.id), (7, "x"), (7, "\0"), (7, "\ud800")):
            self.assertIsNone(now(self.store.find(account_id, id)))

    def test_held(self) -> None:
        """One server holds it, until it falls silent; the oldest comes first, and what others hold is passed by."""
        second = inquiry(at=1001.0)
        now(self.store.ask(second))
        self.assertEqual(now(self.store.hold("one", 5000.0)), self.asked)
        self.assertEqual(now(self.store.hold("two", 5000.0)), second)
        self.assertIsNone(now(self.store.hold("three", 5000.0 + HOLD_SECONDS)))
        self.assertEqual(now(self.store.hold("one", 5000.0)), self.asked)
        self.assertEqual(now(self.store.hold("three", 5000.1 + HOLD_SECONDS)), self.asked)

    def test_turns(self) -> None:
        """Accounts take turns: who has asked for very much waits no less than others do."""
        mine, other = inquiry(at=1001.0), inquiry(account_id=8, at=1002.0)
        for one in (mine, other):
            now(self.store.ask(one))
        answered = []
        for at in (5000.0, 5001.0, 5002.0):
            held = now(self.store.hold("one", at))
            assert held is not None
            answered.append(held.id)
            now(self.store.advance("one", held, Progress(), True, at))
        self.assertEqual(answered, [self.asked.id, other.id, mine.id])

    def test_written(self) -> None:
        """Parts are read back, and the next server goes on where the last one stood; ready, nobody holds it."""
        now(self.store.hold("one", 5000.0))
        now(self.store.write("one", self.asked, 0, [b"a", b"b"], 5001.0))
        progress = Progress(stage="events", after="5", parts=2, size_bytes=9)
        now(self.store.advance("one", self.asked, progress, False, 5001.0))
        held = now(self.store.hold("two", 5002.0 + HOLD_SECONDS))
        self.assertEqual(held, evolve(self.asked, progress=progress))
        assert held is not None
        now(self.store.write("two", held, 2, [b"c"], 6000.0))
        last = evolve(progress, parts=3, size_bytes=12)
        now(self.store.advance("two", held, last, True, 6000.0))
        self.assertEqual([now(self.store.part(self.asked.id, n)) for n in range(4)], [b"a", b"b", b"c", None])
        self.assertEqual(now(self.store.find(7, self.asked.id)), evolve(self.asked, is_ready=True, progress=last))
        self.assertIsNone(now(self.store.hold("two", 1e9)))

    def test_interrupted(self) -> None:
        """What a step wrote before it was interrupted is written over."""
        now(self.store.hold("one", 5000.0))
        now(self.store.write("one", self.asked, 0, [b"a", b"b", b"c"], 5000.0))
        now(self.store.write("one", self.asked, 0, [b"x"], 5000.0))
        now(self.store.write("one", self.asked, 1, [], 5000.0))
        self.assertEqual([now(self.store.part(self.asked.id, n)) for n in range(2)], [b"x", None])

    def test_lost(self) -> None:
        """Who does not hold it, or not from there, changes nothing; writing keeps it held."""
        now(self.store.hold("one", 5000.0))
        further = evolve(self.asked, progress=Progress(after="x"))
        for node, known in (("two", self.asked), ("one", further), ("one", evolve(self.asked, id="x"))):
            with self.assertRaises(NotHeld):
                now(self.store.write(node, known, 0, [b"a"], 5000.0))
            with self.assertRaises(NotHeld):
                now(self.store.advance(node, known, Progress(parts=1), True, 5000.0))
        self.assertIsNone(now(self.store.part(self.asked.id, 0)))
        self.assertEqual(now(self.store.find(7, self.asked.id)), self.asked)
        now(self.store.write("one", self.asked, 0, [b"a"], 5200.0))
        self.assertIsNone(now(self.store.hold("two", 5000.1 + HOLD_SECONDS)))
        now(self.store.advance("one", self.asked, Progress(), False, 5400.0))
        self.assertIsNone(now(self.store.hold("two", 5200.1 + HOLD_SECONDS)))

    def test_too_many(self) -> None:
        """An account has so many unanswered ones and no more; others have theirs, and an answer makes room."""
        for _ in range(MOST_OPEN - 1):
            now(self.store.ask(inquiry()))
        with self.assertRaises(TooManyInquiries):
            now(self.store.ask(inquiry()))
        now(self.store.ask(inquiry(account_id=8)))
        held = now(self.store.hold("one", 5000.0))
        assert held is not None
        now(self.store.advance("one", held, Progress(), True, 5000.0))
        now(self.store.ask(inquiry()))

    def test_dropped(self) -> None:
        """What is old goes a few parts at a time, then the data request itself; what is younger stays."""
        young = inquiry(at=2000.0)
        now(self.store.ask(young))
        now(self.store.hold("one", 5000.0))
        now(self.store.write("one", self.asked, 0, [b"a"] * 10, 5000.0))
        removed, steps, after = 0, 0, ""
        while True:
            swept = now(self.store.drop(1500.0, after, 10))
            removed, steps = removed + swept.removed, steps + 1
            if swept.next is None:
                break
        self.assertEqual((removed, steps), (1, 3))
        self.assertIsNone(now(self.store.find(7, self.asked.id)))
        count = select(func.count()).select_from(inquiry_parts)
        self.assertEqual(now(self.database.read(lambda connection: connection.scalar(count))), 0)
        self.assertEqual(now(self.store.find(7, young.id)), young)
        with self.assertRaises(NotHeld):
            now(self.store.write("one", self.asked, 10, [b"a"], 5000.0))


class FindingLaws(Place):
    """What there is about an address."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.findings = StoredFindings(database=self.database)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1.0))

    def send(self, *recipients: str, account_id: int = 7, domain: str = "") -> list[str]:
        """Store mail, and that it was delivered. @return: the ids of its messages."""
        submission = sample_submission(*recipients, account_id=account_id)
        messages = [evolve(one, domain=domain or one.domain) for one in submission.messages]
        submission = evolve(submission, messages=tuple(messages))
        addresses = {one.id: one.recipient.address for one in messages}
        events = [evolve(sample_event(id, account_id=account_id), recipient=to) for id, to in addresses.items()]
        now(self.queue.store(submission, events, is_claimed=True))
        for one in messages:
            now(self.queue.settle(evolve(delivered(one.id), events=())))
        return [one.id for one in messages]

    def found(self, address: str, rows: int = 2, limit: int = 10) -> list[str]:
        """All messages to an address, by pages."""
        ids: list[str] = []
        after: str | None = ""
        while after is not None:
            page, after = now(self.findings.messages(inquiry(address), after, rows, limit))
            self.assertLessEqual(len(page), limit)
            ids += [one.message_id for one in page]
        return ids

    def test_messages(self) -> None:
        """Messages of the account to the address, however it was written, page by page, each once; no others."""
        wanted = [self.send(one)[0] for one in ("joe@example.com", "Joe@example.com", '"joe"@example.com')]
        self.send("joe@example.com", account_id=8)
        self.send("joey@example.com", "joe@example.org", "joe@sub.example.com")
        wanted += [self.send("ann@example.com", "JOE@example.com")[1]]
        for rows, limit in ((1, 10), (2, 10), (3, 1), (100, 2), (100, 100)):
            self.assertEqual(self.found("joe@example.com", rows, limit), wanted, (rows, limit))
        self.assertEqual(self.found("JOE@EXAMPLE.com"), wanted)
        self.assertEqual(self.found("nobody@example.com"), [])

    def test_match(self) -> None:
        """A message is told with its envelope, state and tags."""
        (id,) = self.send("Joe@example.com")
        ((match,), after) = now(self.findings.messages(inquiry(), "", 10, 10))
        told = {"recipient": "Joe@example.com", "reverse_path": "sender@example.org", "state": "delivered"}
        self.assertEqual(match, Match(message_id=id, tags=("spring", "läufer"), received_at=1000.0, **told))
        self.assertIsNone(after)

    def test_international(self) -> None:
        """A domain counts in either spelling, and a local part whatever its case."""
        wanted = [
            self.send("Jürgen@bücher.example", domain="xn--bcher-kva.example")[0],
            self.send("jÜRGEN@xn--bcher-kva.example")[0],
        ]
        for address in ("jürgen@bücher.example", "jürgen@xn--bcher-kva.example"):
            self.assertEqual(self.found(address), wanted)

    def test_of_message(self) -> None:
        """Events and returned mail of a message, by pages and within a limit."""
        (id,) = self.send("joe@example.com")
        ((match,), _) = now(self.findings.messages(inquiry(), "", 10, 10))
        sample = sample_submission()
        for number in range(3):
            returned = Return(
                id=sample_id(2000.0 + number),
                message_id=id,
                recipient="b@bounces.example",
                reverse_path="",
                content=b"x%d" % number,
                trace=sample.trace,
                received_at=2000.0 + number,
            )
            now(self.queue.store_return([returned]))
        self.assertEqual([one.content for one in now(self.findings.returns_of(match, 2))], [b"x0", b"x1"])
        (event,) = now(self.findings.events_of(match, 0, 5))
        self.assertEqual((event.message_id, event.type), (id, "delivery"))
        self.assertEqual(now(self.findings.events_of(match, event.id or 0, 5)), [])

    def test_events(self) -> None:
        """Events whose message has gone are found by the address, those of kept messages are not told twice."""
        gone = [self.send("Joe@example.com")[0], self.send("joe@example.com")[0]]
        foreign = self.send("Jürgen@bücher.example", domain="xn--bcher-kva.example")
        self.send("joe@example.com", account_id=8)
        self.send("joey@example.com", "joe_example.com@example.com")
        archive = StoredArchive(database=self.database)
        now(archive.drop_contents(1e9, "", 100))
        now(archive.drop_submissions(1e9, "", 100))
        self.send("joe@example.com")
        for rows, limit in ((1, 10), (2, 1), (100, 1), (100, 100)):
            ids: list[str] = []
            after: str | None = ""
            while after is not None:
                page, after = now(self.findings.events(inquiry("JOE@example.com"), after, rows, limit))
                self.assertLessEqual(len(page), limit)
                ids += [one.message_id for one in page]
            self.assertEqual(ids, gone, (rows, limit))
        for address in ("jürgen@xn--bcher-kva.example", "jürgen@Bücher.example"):
            page, _ = now(self.findings.events(inquiry(address), "", 100, 100))
            self.assertEqual([one.message_id for one in page], foreign)

    def test_suppression(self) -> None:
        """The entry of the account's list."""
        entry = Suppression(account_id=7, address="joe@example.com", reason=SuppressionReason.MANUAL, at=5.0)
        now(StoredSuppressions(database=self.database).add([entry, evolve(entry, account_id=8, at=6.0)]))
        self.assertEqual(now(self.findings.suppression(inquiry("Joe@example.com"))), entry)
        self.assertIsNone(now(self.findings.suppression(inquiry("ann@example.com"))))


class MemoryInquiryTests(InMemory, InquiryLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLInquiryTests(OnPostgreSQL, InquiryLaws, SynchronousTestCase):
    """On PostgreSQL."""


class MemoryFindingTests(InMemory, FindingLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLFindingTests(OnPostgreSQL, FindingLaws, SynchronousTestCase):
    """On PostgreSQL."""
