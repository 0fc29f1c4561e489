"""Tests of L{smtpeter.storage.event_counts} and L{smtpeter.storage.tags}."""

from collections.abc import Sequence

from attrs import evolve
from sqlalchemy import func, select
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.event import Event, EventType
from smtpeter.model.reading import Period, TagTotals
from smtpeter.model.visit import Visit
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.journal import StoredJournal
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.tables import event_tags, tag_totals
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.storage.telling import DAY, tell, told
from tests.support.database import now

NOTHING = TagTotals(
    tag="a",
    first_at=0.0,
    last_at=0.0,
    messages=0,
    deliveries=0,
    all_opens=0,
    unique_opens=0,
    all_clicks=0,
    unique_clicks=0,
)


class CountLaws(Place):
    """What events come to."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.counts = StoredEventCounts(database=self.database)

    def totals(self, tag: str = "a", account_id: int = 1) -> TagTotals | None:
        return now(self.counts.totals(account_id, tag))

    def recent(self, limit: int = 10, account_id: int = 1) -> list[str]:
        return [one.tag for one in now(self.counts.recent(account_id, limit))]

    def tallies(
        self, start: float, end: float, step: int, tags: Sequence[str] = (), domain: str | None = None
    ) -> dict[float, dict[EventType, int]]:
        period = Period(start=start, end=end)
        found = now(self.counts.tallies(1, period, step, tuple(tags), domain))
        return {one.start: dict(one.counts) for one in found}

    def test_totals(self) -> None:
        """A message opened five times counts as five opens and one unique open; so for clicks; within groups too."""
        many = [told(float(at), "open", message_id="m1", tags=("a",)) for at in (6, 5, 7)]
        tell(self.database, told(2.0, "attempt", tags=("a",)), told(3.0, "delivery", tags=("a", "a")))
        tell(self.database, *many)
        tell(self.database, told(9.0, "open", tags=("a",)), told(8.0, "open", tags=("a",)))
        tell(self.database, told(4.0, "open", message_id="m2", tags=("a",)), told(8.5, "click", tags=("a",)))
        tell(self.database, told(8.6, "click", tags=("a",)), told(8.7, "deferral", tags=("a",)))
        wanted = evolve(
            NOTHING,
            first_at=2.0,
            last_at=9.0,
            messages=1,
            deliveries=1,
            all_opens=6,
            unique_opens=2,
            all_clicks=2,
            unique_clicks=1,
        )
        self.assertEqual(self.totals(), wanted)

    def test_account(self) -> None:
        """A tag of another account is another tag."""
        tell(self.database, told(1.0, "open", tags=("a",)), told(2.0, "open", account_id=2, tags=("a", "b")))
        self.assertEqual((self.recent(), self.recent(account_id=2)), (["a"], ["a", "b"]))
        self.assertEqual(self.totals(), evolve(NOTHING, first_at=1.0, last_at=1.0, all_opens=1, unique_opens=1))
        self.assertIsNone(self.totals("b"))

    def test_unknown(self) -> None:
        """A tag that no event has is unknown, and so is one that no database takes."""
        for tag in ("a", "\0", "\ud800"):
            self.assertIsNone(self.totals(tag))
        self.assertEqual(self.recent(), [])

    def test_recent(self) -> None:
        """The tags with the latest events come first, no more than asked for."""
        tell(self.database, told(5.0, tags=("c",)), told(3.0, tags=("b", "a")))
        tell(self.database, told(4.0, tags=("b",)), told(2.0, tags=("c",)))
        self.assertEqual(self.recent(), ["c", "b", "a"])
        self.assertEqual(self.recent(limit=2), ["c", "b"])

    def test_through_the_stages(self) -> None:
        """What is accepted, delivered and opened is counted, whoever writes the event."""
        queue, journal = StoredQueue(database=self.database, node_id="one"), StoredJournal(database=self.database)
        now(queue.enlist(1.0))
        submission = sample_submission()
        message_id = submission.messages[0].id
        now(queue.store(submission, [evolve(sample_event(message_id, 1.0), type="attempt")], is_claimed=True))
        now(queue.settle(delivered(message_id)))
        for at in (2000.0, 3000.0):
            now(journal.record_visits([Visit(message_id=message_id, type="open", at=at, data={})]))
        wanted = evolve(
            NOTHING, tag="läufer", first_at=1.0, last_at=3000.0, messages=1, deliveries=1, all_opens=2, unique_opens=1
        )
        self.assertEqual(self.totals("läufer"), wanted)

    def test_retention(self) -> None:
        """With an event its place among the tags goes; a tag goes with its last event, and else keeps its totals."""
        tell(self.database, told(1.0, "open", tags=("a", "b")), told(50.0, "open", message_id="m2", tags=("a",)))
        archive = StoredArchive(database=self.database)
        self.assertEqual(now(archive.drop_events(10.0, "", 100)).removed, 1)
        self.assertEqual(self.size(event_tags), 1)
        self.assertEqual(self.recent(), ["a"])
        self.assertEqual(self.totals(), evolve(NOTHING, first_at=1.0, last_at=50.0, all_opens=2, unique_opens=2))
        self.assertEqual(now(archive.drop_events(60.0, "", 100)).removed, 1)
        self.assertEqual((self.size(event_tags), self.size(tag_totals)), (0, 0))

    def size(self, table: object) -> int:
        query = select(func.count()).select_from(table)  # type: ignore[arg-type]
        return now(self.database.read(lambda connection: connection.scalar(query))) or 0

    def test_tallies(self) -> None:
        """Events are counted by the part of the period in which they were; parts without events are left out."""
        written = (
            (0.0, "attempt"),
            (3599.9, "attempt"),
            (3600.0, "delivery"),
            (3 * 3600 + 1801.0, "open"),
            (DAY - 0.5, "click"),
            (DAY, "failure"),
            (2 * DAY, "bounce"),
        )
        tell(self.database, *(told(at, type) for at, type in written), told(5.0, "deferral"))  # type: ignore[arg-type]
        tell(self.database, told(5.0, "open", account_id=2))
        hours = self.tallies(0.0, 2 * DAY, 3600)
        wanted = {
            0.0: {"attempt": 2},
            3600.0: {"delivery": 1},
            3 * 3600.0: {"open": 1},
            23 * 3600.0: {"click": 1},
            DAY: {"failure": 1},
        }
        self.assertEqual(hours, wanted)
        days = self.tallies(0.0, 3 * DAY, int(DAY))
        first = {"attempt": 2, "delivery": 1, "open": 1, "click": 1}
        self.assertEqual(days, {0.0: first, DAY: {"failure": 1}, 2 * DAY: {"bounce": 1}})

    def test_tallies_narrowed(self) -> None:
        """Only events with all tags, or of recipients at a domain, are counted."""

        def one(at: float, tags: tuple[str, ...], recipient: str) -> Event:
            return told(at, "open", tags=tags, recipient=recipient)

        tell(self.database, one(1.0, ("a", "b"), "x@example.com"), one(2.0, ("a",), "x@example.com"))
        tell(self.database, one(3.0, (), "x@sub.example.com"), one(4.0, ("a", "b"), "x@notexample.com"))
        tell(self.database, one(5.0, ("b",), "x@other.example"), one(6.0, ("b",), "x@other.example"))
        self.assertEqual(self.tallies(0.0, DAY, 3600), {0.0: {"open": 6}})
        self.assertEqual(self.tallies(0.0, DAY, 3600, ["a"]), {0.0: {"open": 3}})
        self.assertEqual(self.tallies(0.0, DAY, 3600, ["b", "a"]), {0.0: {"open": 2}})
        self.assertEqual(self.tallies(0.0, DAY, 3600, [], "example.com"), {0.0: {"open": 2}})
        self.assertEqual(self.tallies(0.0, DAY, 3600, ["a", "b"], "example.com"), {0.0: {"open": 1}})
        for odd in ("%", "example_com", "\0"):
            self.assertEqual(self.tallies(0.0, DAY, 3600, [], odd), {})


class MemoryCountTests(InMemory, CountLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLCountTests(OnPostgreSQL, CountLaws, SynchronousTestCase):
    """On PostgreSQL."""
