"""Tests of L{smtpeter.storage.suppressions}."""

from attrs import evolve
from sqlalchemy import Connection
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.suppression import Suppression, SuppressionReason
from smtpeter.storage.arrivals import insert_events
from smtpeter.storage.suppressions import (
    FIND_POSTGRESQL,
    FIND_SQLITE,
    StoredSuppressions,
    find_suppressed,
    insert_suppressions,
)
from tests.conformance.samples import sample_event
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now


def entry(
    address: str,
    reason: SuppressionReason = SuppressionReason.MANUAL,
    at: float = 10.0,
    account_id: int = 1,
    message_id: str | None = None,
    description: str = "",
) -> Suppression:
    """An entry, with what a test does not care about filled in."""
    return Suppression(
        account_id=account_id, address=address, reason=reason, at=at, message_id=message_id, description=description
    )


class StoredSuppressionsLaws(Place):
    """The laws of suppression lists."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.lists = StoredSuppressions(database=self.database)

    def addresses(self, account_id: int = 1, after: str = "", limit: int = 100) -> list[str]:
        return [one.address for one in now(self.lists.page(account_id, after, limit))]

    def test_found(self) -> None:
        """What is added is found as it was, however its address is written, and in its own account only."""
        told = entry("Jo@Straße.example", SuppressionReason.HARD_BOUNCE, 5.0, 1, "m1", "550 5.1.1 nö\nsuch")
        now(self.lists.add([told]))
        listed = evolve(told, address="jo@xn--strae-oqa.example")
        for address in ("jo@xn--strae-oqa.example", "JO@straße.example", '"jo"@straße.example'):
            self.assertEqual(now(self.lists.find(1, address)), listed)
        self.assertEqual(now(self.lists.page(1, "", 10)), [listed])
        self.assertIsNone(now(self.lists.find(2, told.address)))
        self.assertIsNone(now(self.lists.find(1, "j@straße.example")))
        self.assertEqual(self.addresses(2), [])

    def test_removed(self) -> None:
        """What is removed is gone, in its account only; what is not there cannot be."""
        now(self.lists.add([entry("a@x.example"), entry("b@x.example"), entry("a@x.example", account_id=2)]))
        self.assertTrue(now(self.lists.remove(1, "A@X.example")))
        self.assertEqual((self.addresses(1), self.addresses(2)), (["b@x.example"], ["a@x.example"]))
        self.assertFalse(now(self.lists.remove(1, "a@x.example")))
        self.assertFalse(now(self.lists.remove(3, "b@x.example")))

    def test_first_stays(self) -> None:
        """An address has one entry: the first, until the recipient's own will replaces it, which nothing replaces."""
        order = (
            (SuppressionReason.HARD_BOUNCE, SuppressionReason.HARD_BOUNCE),
            (SuppressionReason.MANUAL, SuppressionReason.HARD_BOUNCE),
            (SuppressionReason.UNSUBSCRIBE, SuppressionReason.UNSUBSCRIBE),
            (SuppressionReason.COMPLAINT, SuppressionReason.UNSUBSCRIBE),
            (SuppressionReason.MANUAL, SuppressionReason.UNSUBSCRIBE),
        )
        kept = None
        for place, (added, stands) in enumerate(order):
            now(self.lists.add([entry("a@x.example", added, float(place), message_id=f"m{place}")]))
            found = now(self.lists.find(1, "a@x.example"))
            assert found is not None
            self.assertIs(found.reason, stands)
            if kept is not None and kept.reason is stands:
                self.assertEqual(found, kept)
            kept = found
        assert kept is not None
        self.assertEqual((kept.at, kept.message_id), (2.0, "m2"))

    def test_pages(self) -> None:
        """Pages follow each other in the order of addresses, each entry once, also of one reason alone."""
        reasons = (SuppressionReason.MANUAL, SuppressionReason.COMPLAINT)
        added = [entry(f"{place}@x.example", reasons[place % 2]) for place in range(7)]
        now(self.lists.add(added[::-1]))
        self.assertEqual(self.addresses(limit=3), ["0@x.example", "1@x.example", "2@x.example"])
        self.assertEqual(self.addresses(after="2@x.example", limit=3), [f"{one}@x.example" for one in (3, 4, 5)])
        self.assertEqual(self.addresses(after="5@x.example", limit=3), ["6@x.example"])
        complaints = now(self.lists.page(1, "1@x.example", 2, SuppressionReason.COMPLAINT))
        self.assertEqual([one.address for one in complaints], ["3@x.example", "5@x.example"])
        for strange in ("\0", "\ud800"):
            self.assertEqual(self.addresses(after=strange), [])

    def test_asked_in_bulk(self) -> None:
        """Of many addresses of many accounts exactly those are told that are on the list of that account."""
        now(self.lists.add([entry(f"{place}@x.example", account_id=1 + place % 2) for place in range(40)]))
        now(self.lists.add([entry("käse@x.example", account_id=3)]))
        asked = [(account, f"{place}@x.example") for account in (1, 2, 3) for place in range(600)]
        asked.append((3, "käse@x.example"))
        found = now(self.database.read(lambda connection: find_suppressed(connection, asked)))
        wanted = {(1 + place % 2, f"{place}@x.example") for place in range(40)} | {(3, "käse@x.example")}
        self.assertEqual(set(found), wanted)
        self.assertEqual(
            {key: (one.account_id, one.address) for key, one in found.items()}, {one: one for one in wanted}
        )
        self.assertEqual(now(self.database.read(lambda connection: find_suppressed(connection, []))), {})

    def plan(self) -> str:
        """How the database looks for addresses when it has made up its mind while the list was empty."""

        def work(connection: Connection) -> str:
            if connection.dialect.name == "postgresql":
                statement = FIND_POSTGRESQL.replace("%s", "$1", 1).replace("%s", "$2", 1)
                connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
                connection.exec_driver_sql(f"PREPARE look AS {statement}")
                rows = connection.exec_driver_sql("EXPLAIN EXECUTE look ('{1}', '{a@x.example}')").all()
                connection.exec_driver_sql("DEALLOCATE look")
            else:
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {FIND_SQLITE}", ("[]",)).all()
            return "\n".join(str(row[-1]) for row in rows)

        return now(self.database.transaction(work))

    def test_by_key(self) -> None:
        """Each address is looked up by the key: however long a list is, it is not read."""
        wanted = r"SEARCH suppressions USING PRIMARY KEY|Index (Only )?Scan using suppressions_key"
        plan = self.plan()
        self.assertRegex(plan, wanted)
        self.assertNotRegex(plan, "Seq Scan|SCAN suppressions")

    def test_with_an_event(self) -> None:
        """An entry and its event are written together or not at all."""

        def work(connection: Connection) -> None:
            insert_events(connection, [sample_event("m1")])
            insert_suppressions(connection, [entry("a@x.example", SuppressionReason.UNSUBSCRIBE, message_id="m1")])

        def failing(connection: Connection) -> None:
            insert_suppressions(connection, [entry("b@x.example")])
            raise RuntimeError

        now(self.database.transaction(work))
        with self.assertRaises(RuntimeError):
            now(self.database.transaction(failing))
        self.assertEqual(self.addresses(), ["a@x.example"])

    def test_not_storable(self) -> None:
        """A description that a database does not take is left out, and keeps nothing off the list."""
        now(self.lists.add([entry("a@x.example", description="x\0")]))
        self.assertEqual(now(self.lists.page(1, "", 1))[0].description, "")


class MemorySuppressionsTests(InMemory, StoredSuppressionsLaws, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLSuppressionsTests(OnPostgreSQL, StoredSuppressionsLaws, SynchronousTestCase):
    """On PostgreSQL."""
