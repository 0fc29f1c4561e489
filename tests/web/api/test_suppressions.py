"""Tests of the suppression list in the REST API."""

from collections.abc import Sequence

from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.suppression import MAX_DESCRIPTION, Suppression, SuppressionReason
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.suppression.lists import SuppressionLists
from smtpeter.web.api import suppressions
from smtpeter.web.api.routes import Family
from smtpeter.web.api.suppressions import SuppressionResources
from tests.support.database import now
from tests.web.api.rig import APITestCase, Reply

NOW = 1_800_000_000.0
ADDED = {"address": "joe@x.example", "reason": "manual", "time": "2027-01-15 08:00:00"}
BY_HAND = {"event": "", "message": "", "description": ""}


class Busy(StoredSuppressions):
    """Is away when it is told so."""

    is_away = False

    @override
    async def page(
        self, account_id: int, after: str, limit: int, reason: SuppressionReason | None = None
    ) -> list[Suppression]:
        if self.is_away:
            raise StorageBusy("away")
        return await super().page(account_id, after, limit, reason)


class SuppressionTests(APITestCase):
    """C{/v1/suppressions}; the account C{b} has the token C{other}."""

    @override
    def setUp(self) -> None:
        super().setUp()
        self.other = self.add_account("b")
        self.add_token("other", account=self.other)
        self.clock.advance(NOW)

    @override
    def families(self) -> Sequence[Family]:
        self.book = Busy(database=self.database)
        return [SuppressionResources(SuppressionLists(self.book, self.clock.seconds))]

    def get(self, path: str = "", token: str = "all") -> Reply:
        return self.ask("GET", f"/v1/suppressions{path}", token=token)

    def add(self, address: str, token: str = "all", **more: object) -> Reply:
        return self.post("/v1/suppressions", {"address": address, **more}, token)

    def delete(self, address: str, token: str = "all") -> Reply:
        return self.ask("DELETE", f"/v1/suppressions/{address}", token=token)

    def addresses(self, path: str = "", token: str = "all") -> list[str]:
        return [one["address"] for one in self.get(path, token).json]

    def test_life(self) -> None:
        """An address is put on the list, seen there however it is written, and taken off."""
        self.assertEqual(self.get().json, [])
        added = self.add("Joe@X.example")
        self.assertEqual((added.status, added.json), (200, {**ADDED, **BY_HAND}))
        self.assertEqual(self.get().json, [added.json])
        for written in ("joe@x.example", "JOE%40x.example", "%22joe%22@x.example", "joe@X.Example/"):
            self.assertEqual(self.get(f"/{written}").json, added.json, written)
        removed = self.delete("JOE@x.example")
        self.assertEqual((removed.status, removed.json), (200, {"removed": "joe@x.example"}))
        self.assertEqual((self.get().json, self.get("/joe@x.example").status), ([], 404))
        self.assertEqual(self.delete("joe@x.example").status, 404)

    def test_added_with(self) -> None:
        """A reason and a remark may be given; a remark is one line of a bounded length."""
        added = self.add("joe@x.example", reason="complaint", description="by\n phone " + "x" * MAX_DESCRIPTION).json
        self.assertEqual((added["reason"], added["event"]), ("complaint", ""))
        self.assertEqual(added["description"], ("by phone " + "x" * MAX_DESCRIPTION)[:MAX_DESCRIPTION])

    def test_there_already(self) -> None:
        """What is on the list keeps its entry, and the answer shows it."""
        first = self.add("joe@x.example", description="first").json
        self.clock.advance(60)
        self.assertEqual(self.add("joe@x.example", description="second").json, first)
        self.assertEqual(self.add("joe@x.example", reason="unsubscribe").json["reason"], "unsubscribe")

    def test_form(self) -> None:
        """A form does as well as JSON."""
        kind = "application/x-www-form-urlencoded"
        reply = self.ask("POST", "/v1/suppressions", b"address=joe%40x.example&description=hi", Content_Type=kind)
        self.assertEqual(reply.json, {**ADDED, **BY_HAND, "description": "hi"})

    def test_source(self) -> None:
        """An entry tells the message and the type of the event that it came from."""
        for reason, event in (("hard_bounce", "failure"), ("complaint", "abuse"), ("unsubscribe", "unsubscribe")):
            entry = Suppression(
                account_id=self.account.id,
                address=f"{reason}@x.example",
                reason=SuppressionReason(reason),
                at=NOW - 60,
                message_id="m1",
                description="550 5.1.1 who?",
            )
            now(self.book.add([entry]))
            told = self.get(f"/{entry.address}").json
            self.assertEqual((told["reason"], told["event"], told["message"]), (reason, event, "m1"))
            self.assertEqual((told["time"], told["description"]), ("2027-01-15 07:59:00", "550 5.1.1 who?"))

    def test_another_account(self) -> None:
        """Another account's entries are not there: not seen, not removed, and no hindrance."""
        self.add("joe@x.example")
        self.assertEqual((self.addresses(token="other"), self.addresses()), ([], ["joe@x.example"]))
        mine, never = self.get("/joe@x.example", "other"), self.get("/nobody@x.example", "other")
        self.assertEqual((mine.status, mine.body), (404, never.body))
        gone, nothing = self.delete("joe@x.example", "other"), self.delete("nobody@x.example", "other")
        self.assertEqual((gone.status, gone.body), (404, nothing.body))
        self.assertEqual(self.addresses(), ["joe@x.example"])
        self.assertEqual(self.add("joe@x.example", "other", description="mine").json["description"], "mine")
        self.assertEqual(self.get("/joe@x.example").json["description"], "")

    def test_pages(self) -> None:
        """What is more than a page is found by following links, once each, of one reason too."""
        self.patch(suppressions, "PAGE", 2)
        for place in range(5):
            self.add(f"{place}+&ü@x.example", reason="complaint" if place % 2 == 0 else "manual")
        for query, wanted in (("", "01234"), ("?reason=complaint", "024"), ("?reason=manual", "13")):
            found, is_more, path = "", True, query
            while is_more:
                reply = self.get(path)
                self.assertLessEqual(len(reply.json), 2)
                found += "".join(one["address"][0] for one in reply.json)
                target, _, relation = reply.headers.get("link", "").partition(">; ")
                self.assertEqual(relation, 'rel="next"' if target else "")
                is_more, path = bool(target), target.removeprefix("</v1/suppressions")
            self.assertEqual(found, wanted)
        self.assertEqual(self.get("?cursor=%00").json, [])

    def test_faults(self) -> None:
        """What is wrong is said by name, with 400."""
        for value, field in (
            ({}, "address"),
            ({"address": ["a@x.example"]}, "address"),
            ({"address": "joe"}, "address"),
            ({"address": "a@x.example, b@x.example"}, "address"),
            ({"address": "jo\n@x.example"}, "address"),
            ({"address": "a@x.example", "reason": "because"}, "reason"),
            ({"address": "a@x.example", "reason": 5}, "reason"),
            ({"address": "a@x.example", "description": {}}, "description"),
        ):
            reply = self.post("/v1/suppressions", value)
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, field), value)
        reply = self.post("/v1/suppressions", {"address": "joe", "reason": "because", "description": 5})
        self.assertEqual({one["field"] for one in reply.json["errors"]}, {"address", "reason", "description"})
        for path in ("/joe", "/a@x..example"):
            self.assertEqual(self.get(path).json["error"]["field"], "address")
            self.assertEqual(self.delete(path[1:]).json["error"]["field"], "address")
        self.assertEqual(self.get("?reason=because").json["error"]["field"], "reason")
        self.assertEqual(self.get().json, [])
        self.assertEqual(self.ask("PUT", "/v1/suppressions").status, 405)

    def test_scopes(self) -> None:
        """To see the list is to read, to change it is to manage."""
        self.add("joe@x.example")
        self.add_token("reader", ["read"])
        self.add_token("manager", ["manage"])
        self.add_token("sender", ["send"])
        for token, may_read, may_manage in (("reader", 200, 403), ("manager", 403, 200), ("sender", 403, 403)):
            self.assertEqual([self.get(path, token).status for path in ("", "/joe@x.example")], [may_read] * 2, token)
            self.assertEqual(self.add("ann@x.example", token).status, may_manage, token)
            self.assertEqual(self.delete("ann@x.example", token).status, may_manage, token)

    def test_busy(self) -> None:
        """When the store is away it is 503."""
        self.book.is_away = True
        self.assertEqual(self.get().status, 503)
