"""Tests of L{smtpeter.web.api.datarequests}, on the database in memory."""

from collections.abc import Sequence

from sqlalchemy import delete
from typing_extensions import override

from smtpeter.events.dossiers import write_arrays
from smtpeter.model.inquiry import Progress
from smtpeter.storage.inquiries import MOST_OPEN, StoredInquiries
from smtpeter.storage.inquiry_tables import inquiry_parts
from smtpeter.web.api.datarequests import NOT_READY, DataRequestResources
from smtpeter.web.api.routes import Family
from tests.conformance.samples import sample_id
from tests.support.database import now
from tests.web.api.rig import APITestCase, Reply, read_reply

PATH = "/v1/datarequest"


class DataRequestTests(APITestCase):
    """What a client hears."""

    @override
    def families(self) -> Sequence[Family]:
        self.store = StoredInquiries(database=self.database)
        self.resources = DataRequestResources(self.store, sample_id, self.clock)
        return [self.resources]

    def ask_for(self, address: str = "joe@Example.com") -> str:
        reply = self.post(PATH, {"email": address})
        self.assertEqual((reply.status, list(reply.json)), (201, ["id"]))
        self.assertEqual(reply.headers["location"], f"{PATH}/{reply.json['id']}")
        return str(reply.json["id"])

    def answer(self, request_id: str, *steps: list[list[dict[str, object]]]) -> None:
        """Write an answer."""
        inquiry = now(self.store.hold("one", 5000.0))
        assert inquiry is not None
        self.assertEqual(inquiry.id, request_id)
        number, size = 0, 0
        for arrays in steps:
            parts, octets = write_arrays(arrays, number == 0)
            now(self.store.write("one", inquiry, number, parts, 5000.0))
            number, size = number + len(parts), size + octets
        now(self.store.advance("one", inquiry, Progress(parts=number, size_bytes=size), True, 5000.0))

    def whole(self, request_id: str) -> Reply:
        """The answer, over HTTP/1.0, so that it is no chunks."""
        head = f"GET {PATH}/{request_id} HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer all\r\n\r\n"
        return read_reply(self.raw(head.encode()))

    def test_gone(self) -> None:
        """An answer that is removed while it is sent is cut off and does not look whole; later it is not there."""
        request_id = self.ask_for()
        self.answer(request_id, [[{"a": 1}]])
        now(self.database.transaction(lambda connection: connection.execute(delete(inquiry_parts))))
        head = f"GET {PATH}/{request_id} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer all\r\n\r\n"
        cut = self.raw(head.encode())
        self.assertIn(b'"data":[', cut)
        self.assertFalse(cut.endswith(b"0\r\n\r\n"), cut)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        while now(self.store.drop(1e9, "", 1)).next is not None:
            pass
        self.assertEqual(self.ask("GET", f"{PATH}/{request_id}").status, 404)

    def test_pending(self) -> None:
        """Until it is answered a data request says so."""
        request_id = self.ask_for()
        wanted = {"info": {"type": "email", "id": "joe@example.com"}, "data": NOT_READY}
        self.assertEqual(self.ask("GET", f"{PATH}/{request_id}").json, wanted)
        self.assertEqual(NOT_READY, "Data not available (yet).")
        status = {"status": "pending", "available": 0, "content-type": "application/json"}
        self.assertEqual(self.ask("GET", f"{PATH}/{request_id}/status").json, status)

    def test_answered(self) -> None:
        """The answer is one JSON object, whatever it was written in; an empty one is empty."""
        request_id = self.ask_for()
        self.answer(request_id, [[{"a": "ü"}]], [], [[{"b": 1}], [{"c": None}]])
        reply = self.whole(request_id)
        data = [[{"a": "ü"}], [{"b": 1}], [{"c": None}]]
        self.assertEqual(reply.json, {"info": {"type": "email", "id": "joe@example.com"}, "data": data})
        self.assertEqual(reply.headers["content-type"], "application/json")
        status = self.ask("GET", f"{PATH}/{request_id}/status").json
        self.assertEqual((status["status"], status["available"]), ("available", 39))
        request_id = self.ask_for()
        self.answer(request_id)
        self.assertEqual(self.whole(request_id).json["data"], [])

    def test_wrong(self) -> None:
        """All that is wrong is told at once."""
        for body, fields in (
            ({}, ["email"]),
            ({"email": ""}, ["email"]),
            ({"email": ["a@b.example"]}, ["email"]),
            ({"email": "a@b", "monitor": 5}, ["monitor"]),
            ({"email": "x", "monitor": "y"}, ["email", "monitor"]),
        ):
            reply = self.post(PATH, body)
            self.assertEqual(reply.status, 400, body)
            faults = reply.json.get("errors", [reply.json["error"]])
            self.assertEqual([fault["field"] for fault in faults], fields)
        self.assertIsNone(now(self.store.hold("one", 5000.0)))

    def test_monitor(self) -> None:
        """A monitor is a URL that may be asked or an e-mail address, and is kept in one form; empty it is none."""
        for given, kept in (
            ("https://Shop.example", "https://shop.example/"),
            (" HTTP://shop.example:8080/told?key=k#x ", "http://shop.example:8080/told?key=k"),
            ("https://straße.example/ü", "https://xn--strae-oqa.example/%C3%BC"),
            ("Privacy@Z.example", "Privacy@z.example"),
            ("jörg@straße.example", "jörg@straße.example"),
            ("", None),
            (None, None),
        ):
            reply = self.post(PATH, {"email": "joe@example.com", "monitor": given})
            self.assertEqual(reply.status, 201, given)
            found = now(self.store.find(self.account.id, reply.json["id"]))
            assert found is not None
            self.assertEqual((found.monitor, found.is_told_by_post), (kept, "http" in (kept or "")))

    def test_wrong_monitor(self) -> None:
        """What is neither, or leads into a private network by its looks, is refused with what is allowed instead."""
        for monitor in (
            *(
                "https://",
                "ftp://shop.example/",
                "https://a@shop.example/",
                "https://shop.example:25/",
                "//shop.example",
            ),
            *("http://127.0.0.1/", "http://127.1/", "http://[::1]/", "http://localhost/", "shop.example/told"),
            *("mailto:p@z.example", "p@z.example, q@z.example", "P <p@z.example>", "p@", "\0", " "),
            *("https://shop.example/" + "x" * 9000, "x" * 300 + "@z.example"),
        ):
            fault = self.post(PATH, {"email": "joe@example.com", "monitor": monitor}).json["error"]
            self.assertEqual(fault["field"], "monitor", monitor)
            self.assertIn("a URL that takes a POST request (http or https), or an e-mail address", fault["message"])
            self.assertLess(len(fault["message"]), 300)
        fault = self.post(PATH, {"email": "joe@example.com", "monitor": ["p@z.example"]}).json["error"]
        self.assertEqual(fault["field"], "monitor")
        self.assertIsNone(now(self.store.hold("one", 5000.0)))

    def test_private_monitor(self) -> None:
        """Where the operator allows it, a monitor may be in a private network."""
        self.resources._allow_private = True
        for monitor in ("http://127.0.0.1:8080/told", "http://intranet/"):
            self.assertEqual(self.post(PATH, {"email": "joe@example.com", "monitor": monitor}).status, 201)

    def test_strangers(self) -> None:
        """Of another account it is not there; without the scope read nothing is."""
        request_id = self.ask_for()
        self.add_token("other", account=self.add_account("b"))
        self.add_token("sender", ("send", "manage"))
        for path in (f"{PATH}/{request_id}", f"{PATH}/{request_id}/status", f"{PATH}/x", f"{PATH}/x/status"):
            self.assertEqual(self.ask("GET", path, token="other").status, 404)
            self.assertEqual(self.ask("GET", path, token="sender").status, 403)
        self.assertEqual(self.post(PATH, {"email": "a@b.example"}, token="sender").status, 403)

    def test_too_many(self) -> None:
        """More unanswered ones than an account may have are refused, and told when to come again."""
        for _ in range(MOST_OPEN):
            self.ask_for()
        reply = self.post(PATH, {"email": "a@b.example"})
        self.assertEqual((reply.status, reply.headers["retry-after"]), (429, "60"))
