"""Tests of L{smtpeter.storage.event_search}."""

from typing import Any

from attrs import evolve
from sqlalchemy import Connection
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.reading import EventSearch
from smtpeter.model.event import Event
from smtpeter.model.reading import Period, Place, Question
from smtpeter.storage import event_search
from smtpeter.storage.event_search import StoredEventSearch, page_query
from tests.storage.places import InMemory, OnPostgreSQL
from tests.storage.places import Place as StoragePlace
from tests.storage.telling import ALWAYS, keep_message, tell, told
from tests.support.database import memory_database, now


def place_of(event: Event) -> Place:
    """Where an event that was found stands."""
    return Place(event.at, event.id or 0)


class SearchLaws(StoragePlace):
    """Events are found by what they tell."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.search: EventSearch = StoredEventSearch(database=self.database)

    def found(self, after: Place | None = None, limit: int = 100, **asked: Any) -> list[Event]:
        question = Question(**{"account_id": 1, "period": ALWAYS, **asked})
        return now(self.search.find(question, after, limit))

    def times(self, **asked: Any) -> list[float]:
        return [event.at for event in self.found(**asked)]

    def test_oldest_first(self) -> None:
        """Events come in the order of their times, whatever the order in which they were written, and are whole."""
        last, first = told(9.0), told(3.0, tags=("a", "ü"), data={"headers": "x: y\nz: ö", "templateid": "5"})
        tell(self.database, last, first)
        self.assertEqual([evolve(one, id=None) for one in self.found(recipient="user@example.com")], [first, last])

    def test_paged(self) -> None:
        """Pages follow each other without gap and overlap, through events of one moment too, for every question."""
        written = [
            told(float(number // 3), message_id="m", tags=("a", "b"), data={"templateid": "5"}) for number in range(10)
        ]
        tell(self.database, *written)
        questions: tuple[dict[str, Any], ...] = (
            {"message_id": "m"},
            {"recipient": "user@example.com"},
            {"template_id": 5},
            {"tags": ("a",)},
            {"tags": ("b", "a")},
            {"type": "delivery"},
        )
        for asked in questions:
            whole = self.found(**asked)
            self.assertEqual(len(whole), 10, asked)
            paged: list[Event] = []
            while page := self.found(place_of(paged[-1]) if paged else None, 2, **asked):
                self.assertLessEqual(len(page), 2)
                paged += page
            self.assertEqual(paged, whole, asked)

    def test_account(self) -> None:
        """Nothing of another account is found, whatever is asked."""
        theirs = told(1.0, account_id=2, message_id="theirs", tags=("a", "b"), data={"templateid": "5"})
        tell(self.database, theirs)
        keep_message(self.database, "theirs", 2, 4.0)
        questions: tuple[dict[str, Any], ...] = (
            {"message_id": "theirs"},
            {"recipient": "user@example.com"},
            {"template_id": 5},
            {"tags": ("a",)},
            {"tags": ("a", "b")},
            {"type": "delivery"},
            {},
        )
        for asked in questions:
            self.assertEqual(self.found(**asked), [], asked)
            self.assertEqual(len(self.found(**{**asked, "account_id": 2})), 1, asked)
        self.assertIsNone(now(self.search.sent_at(1, "theirs")))
        self.assertEqual(now(self.search.sent_at(2, "theirs")), 4.0)
        self.assertIsNone(now(self.search.first_at(1, "delivery", ALWAYS)))

    def test_all_tags(self) -> None:
        """Of several tags an event has all, in whatever order they are named."""
        tell(self.database, told(1.0, tags=("a", "b", "c")), told(2.0, tags=("a",)), told(3.0, tags=("b", "a")))
        tell(self.database, told(4.0, tags=("b",)), told(5.0, tags=("b",)))
        self.assertEqual(self.times(tags=("a",)), [1.0, 2.0, 3.0])
        self.assertEqual(self.times(tags=("a", "b")), [1.0, 3.0])
        self.assertEqual(self.times(tags=("b", "a", "c")), [1.0])
        self.assertEqual(self.times(tags=("a", "nobody")), [])

    def test_tags_narrow(self) -> None:
        """Tags narrow every other question."""
        tell(
            self.database,
            told(1.0, tags=("a",), data={"templateid": "5"}),
            told(2.0, tags=("b",), data={"templateid": "5"}),
            told(3.0, data={"templateid": "5"}),
        )
        questions: tuple[dict[str, Any], ...] = (
            {"message_id": "m1"},
            {"recipient": "user@example.com"},
            {"template_id": 5},
            {"type": "delivery"},
        )
        for asked in questions:
            self.assertEqual(self.times(**asked), [1.0, 2.0, 3.0], asked)
            self.assertEqual(self.times(tags=("b",), **asked), [2.0], asked)

    def test_period(self) -> None:
        """A period has its start in it and its end not."""
        tell(self.database, *(told(at, tags=("a",)) for at in (1.0, 2.0, 3.0, 4.0)))
        period = Period(start=2.0, end=4.0)
        for asked in ({"message_id": "m1"}, {"recipient": "user@example.com"}, {"tags": ("a",)}, {"type": "delivery"}):
            self.assertEqual(self.times(period=period, **asked), [2.0, 3.0], asked)
        self.assertEqual(now(self.search.first_at(1, "delivery", period)), 2.0)
        self.assertIsNone(now(self.search.first_at(1, "open", period)))
        self.assertIsNone(now(self.search.first_at(1, "delivery", Period(start=5.0, end=9.0))))

    def test_types(self) -> None:
        """Without the extension only the types of the log files are found; one type alone when it is asked for."""
        types = ("attempt", "deferral", "delivery", "unsubscribe", "suppressed", "open")
        tell(self.database, *(told(float(at), type, tags=("a",)) for at, type in enumerate(types)))  # type: ignore[arg-type]
        for asked in ({"message_id": "m1"}, {"tags": ("a",)}):
            self.assertEqual(self.times(**asked), [0.0, 2.0, 5.0])
            self.assertEqual(self.times(is_extended=True, **asked), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertEqual(self.times(type="open"), [5.0])

    def test_without_template(self) -> None:
        """Events without a template are found by none."""
        tell(self.database, told(1.0, data={"templateid": "0"}), told(2.0, data={}))
        self.assertEqual(self.found(template_id=0), [])

    def test_odd_texts(self) -> None:
        """What no database takes is found nowhere and breaks nothing; an event keeps what is odd in its tags."""
        odd = told(1.0, tags=("a\0b", "\ud800", "fine"))
        tell(self.database, odd)
        for asked in ({"message_id": "\0"}, {"recipient": "\ud800@x"}, {"tags": ("a\0b",)}, {"tags": ("\ud800",)}):
            self.assertEqual(self.found(**asked), [], asked)
        self.assertIsNone(now(self.search.sent_at(1, "\0")))
        self.assertEqual(evolve(self.found(tags=("fine",))[0], id=None), odd)


class MemorySearchTests(InMemory, SearchLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLSearchTests(OnPostgreSQL, SearchLaws, SynchronousTestCase):
    """On PostgreSQL."""


INDICES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"recipient": "r"}, "events_by_recipient"),
    ({"template_id": 5}, "events_by_template"),
    ({"type": "open"}, "events_by_type"),
)
"""What is asked, and the index that has the answer in order."""


class PlanTests(SynchronousTestCase):
    """How SQLite finds a page."""

    def plan(self, **asked: Any) -> str:
        database = memory_database()
        question = Question(**{"account_id": 1, "period": ALWAYS, **asked})

        def work(connection: Connection) -> str:
            query = page_query(connection, question, Place(5.0, 7), 10)
            compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
            return "\n".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))

        return now(database.read(work))

    def test_indices(self) -> None:
        """A page by recipient, template or type is one range of one index, entered at the cursor, without a sort."""
        for asked, index in INDICES:
            for tags in ((), ("a",)):
                found = self.plan(**asked, tags=tags)
                self.assertIn(f"USING INDEX {index}", found)
                self.assertIn("at>", found)
                self.assertNotIn("TEMP B-TREE", found)

    def test_bounds(self) -> None:
        """Behind a cursor there is one lower bound of the time, the cursor's: an index is entered at the first."""
        question = Question(account_id=1, period=ALWAYS, recipient="r")
        query = now(memory_database().read(lambda connection: page_query(connection, question, Place(5.0, 7), 10)))
        self.assertEqual(str(query).count("events.at >= "), 1)
        self.assertIn(5.0, query.compile().params.values())
        self.assertNotIn(0.0, query.compile().params.values())

    def test_tags(self) -> None:
        """A page by tags is a range of the key of one tag; the others are looked up."""
        found = self.plan(tags=("a", "b"))
        self.assertIn("SEARCH event_tags USING PRIMARY KEY (account_id=? AND tag=? AND at>", found)
        self.assertIn("SEARCH events USING INTEGER PRIMARY KEY", found)
        self.assertIn("(account_id=? AND tag=? AND at=? AND event_id=?)", found)
        self.assertNotIn("TEMP B-TREE", found)

    def test_message(self) -> None:
        """The events of a message are read from its index."""
        self.assertIn("USING INDEX events_by_message", self.plan(message_id="m"))


class PostgreSQLPlanTests(OnPostgreSQL, SynchronousTestCase):
    """PostgreSQL can do the same."""

    def test_indices(self) -> None:
        """A page by recipient, template or type is read from its index, in its order."""
        database = self.open_database()

        def plan(connection: Connection, asked: dict[str, Any]) -> str:
            question = Question(account_id=1, period=ALWAYS, **asked)
            query = page_query(connection, question, Place(5.0, 7), 10)
            compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
            return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}"))

        def work(connection: Connection) -> list[str]:
            # Of a table that is empty any index is as good as another.
            connection.exec_driver_sql(
                "INSERT INTO events (message_id, account_id, type, at, recipient, tags, data, template_id)"
                " SELECT 'm' || n, mod(n, 2), 'open', n, 'r', '', '', 5 FROM generate_series(1, 5000) n"
            )
            connection.exec_driver_sql("ANALYZE events")
            return [plan(connection, asked) for asked, _ in INDICES]

        for found, (_, index) in zip(now(database.transaction(work)), INDICES, strict=True):
            self.assertIn(index, found)
            self.assertNotIn("Sort", found)


class RarityTests(SynchronousTestCase):
    """Which of several tags leads."""

    def test_rarest(self) -> None:
        """The tag with the fewest events of the period leads, and the count of a frequent one ends early."""
        database = memory_database()
        self.patch(event_search, "MOST_COUNTED", 3)
        rare = [told(1.0, tags=("often", "seldom"))]
        tell(database, *rare, *(told(float(at), tags=("often",)) for at in range(2, 8)))
        tell(database, *(told(float(at), tags=("seldom",)) for at in range(100, 120)))

        def work(connection: Connection) -> tuple[list[str], int]:
            ordered = event_search.by_rarity(connection, 1, ("often", "seldom"), Period(start=0.0, end=50.0))
            return ordered, event_search._count(connection, 1, "often", ALWAYS)

        self.assertEqual(now(database.read(work)), (["seldom", "often"], 3))
