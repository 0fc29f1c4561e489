"""Tests of L{smtpeter.web.api.events}, L{smtpeter.web.api.logfiles} and L{smtpeter.web.api.statistics}."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from smtpeter.events.logfiles import LogFiles
from smtpeter.events.rows import record_of, row_of
from smtpeter.model.event import Event
from smtpeter.model.reading import Place, Question
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.event_search import StoredEventSearch
from smtpeter.web.api import events
from smtpeter.web.api.events import EventResources
from smtpeter.web.api.logfiles import LogFileResources
from smtpeter.web.api.routes import Family
from smtpeter.web.api.statistics import StatisticsResources
from tests.storage.telling import DAY, keep_message, tell, told
from tests.web.api.rig import APITestCase, Reply

TODAY = 20_000 * DAY
"""2024-10-04."""


class Failing(StoredEventSearch):
    """Fails at the page of that number."""

    fails_at: int | None = None

    @override
    async def find(self, question: Question, after: Place | None, limit: int) -> list[Event]:
        if self.fails_at is not None:
            if self.fails_at == 0:
                raise StorageBusy("away")
            self.fails_at -= 1
        return await super().find(question, after, limit)


class ReadingTestCase(APITestCase):
    """The account C{a} has the id 1, and C{b} the id 2 with the token C{other}."""

    @override
    def setUp(self) -> None:
        super().setUp()
        self.other = self.add_account("b")
        self.add_token("other", account=self.other)
        self.clock.advance(TODAY + 5000)

    @override
    def families(self) -> Sequence[Family]:
        self.search = Failing(database=self.database)
        counts = StoredEventCounts(database=self.database)
        return [
            EventResources(self.search, self.clock),
            LogFileResources(LogFiles(self.search), self.clock),
            StatisticsResources(counts, counts, self.clock),
        ]

    def get(self, path: str, token: str = "all") -> Reply:
        return self.ask("GET", f"/v1{path}", token=token)

    def refused(self, path: str, status: int, field: str | None = None) -> None:
        reply = self.get(path)
        self.assertEqual((reply.status, reply.json["error"].get("field")), (status, field), path)


class EventTests(ReadingTestCase):
    """C{/v1/events/…}."""

    def times(self, path: str, token: str = "all") -> list[str]:
        reply = self.get(path, token)
        self.assertEqual(reply.status, 200, reply)
        return [one["data"]["time"][11:] for one in reply.json]

    def test_answer(self) -> None:
        """An event is its type and its fields, oldest first."""
        last, first = told(TODAY + 9, "open", data={"ip": "192.0.2.1"}), told(TODAY + 1, "attempt", tags=("a", "b"))
        tell(self.database, last, first)
        reply = self.get("/events/email/user@example.com")
        self.assertEqual(reply.json, [record_of(first), record_of(last)])
        self.assertNotIn("link", reply.headers)

    def test_each_question(self) -> None:
        """By message, address, template and tags; tags and the extension narrow and widen each."""
        keep_message(self.database, "m1", 1, TODAY)
        facts: dict[str, Any] = {"data": {"templateid": "7"}, "recipient": "a/b@example.com"}
        tell(
            self.database,
            told(TODAY + 1, "attempt", tags=("x", "y/z"), **facts),
            told(TODAY + 2, "deferral", tags=("x", "y/z"), **facts),
            told(TODAY + 3, "delivery", tags=("x",), **facts),
        )
        for path in ("messageid/m1", "email/a%2Fb@Example.com", "template/7", "tags/x", "email/a/b@example.com/"):
            mark = "&" if "?" in path else "?"
            self.assertEqual(self.times(f"/events/{path}"), ["00:00:01", "00:00:03"], path)
            self.assertEqual(self.times(f"/events/{path}{mark}tags=x;y/z"), ["00:00:01"], path)
            self.assertEqual(len(self.times(f"/events/{path}{mark}extended=1")), 3, path)
        self.assertEqual(self.times("/events/tags/x;y%2Fz"), ["00:00:01"])
        self.assertEqual(self.times("/events/tags/nobody"), [])
        self.assertEqual(self.times("/events/template/8"), [])

    def test_another_account(self) -> None:
        """A message of another account is not there, and nothing of it is seen by other ways."""
        keep_message(self.database, "m1", 1, TODAY)
        tell(self.database, told(TODAY + 1, tags=("x",), data={"templateid": "7"}))
        mine, theirs = self.get("/events/messageid/m1"), self.get("/events/messageid/m1", "other")
        self.assertEqual((mine.status, theirs.status), (200, 404))
        self.assertEqual(theirs.body, self.get("/events/messageid/nobody").body)
        for path in ("email/user@example.com", "template/7", "tags/x"):
            self.assertEqual(
                (len(self.times(f"/events/{path}")), self.times(f"/events/{path}", "other")), (1, []), path
            )

    def test_window(self) -> None:
        """The window is that of the dates; without them the last month, or a month from a message's sending."""
        sent_at = TODAY - 90 * DAY
        keep_message(self.database, "m1", 1, sent_at)
        tell(self.database, *(told(sent_at + days * DAY + days) for days in (0, 10, 40, 89)), told(TODAY + 4000))
        of_address = "/events/email/user@example.com"
        self.assertEqual(self.times("/events/messageid/m1"), ["00:00:00", "00:00:10"])
        self.assertEqual(self.times(of_address), ["00:01:29", "01:06:40"])
        self.assertEqual(self.times(f"{of_address}?start=2024-07-15"), ["00:00:10"])
        self.assertEqual(self.times(f"{of_address}?start=2024-07-06&end=2024-07-07"), ["00:00:00"])
        self.assertEqual(self.times("/events/messageid/m1?end=2024-08-17"), ["00:00:40"])

    def test_faults(self) -> None:
        """Bad dates, cursors, addresses, templates and tags are said by name, each with 400."""
        keep_message(self.database, "m1", 1, TODAY)
        for path in ("messageid/m1", "email/a@example.com", "template/7", "tags/x"):
            self.refused(f"/events/{path}?start=yesterday", 400, "start")
            self.refused(f"/events/{path}?end=2024-02-30", 400, "end")
            self.refused(f"/events/{path}?start=2024-03-01&end=2024-03-01", 400, "start")
            self.refused(f"/events/{path}?cursor=x", 400, "cursor")
        self.refused("/events/email/nobody", 400, "email")
        self.refused("/events/email/a@example.com%09x", 400, "email")
        self.refused("/events/template/x", 400, "template")
        self.refused("/events/template/%D9%A3", 400, "template")
        self.refused("/events/tags/;", 400, "tags")
        self.refused("/events/tags/x?tags=%ff", 400)
        self.refused("/events/tags/x?" + "&".join(["tags=x"] * 1001), 400)
        self.refused("/events/tags/" + ";".join(map(str, range(21))), 400, "tags")
        for path in ("/events", "/events/email", "/events/other/x", "/events/messageid/m1/x", "/events/messageid/%00"):
            self.refused(path, 404)
        self.assertEqual(self.ask("POST", "/v1/events/messageid/m1").status, 405)

    def test_pages(self) -> None:
        """What is more than a page is found by following links, once each; the last page has no link."""
        self.patch(events, "PAGE", 3)
        tag = "ü&;x"
        tell(self.database, *(told(TODAY + number // 2, tags=("ü&", "x"), data={"n": "1"}) for number in range(10)))
        path, times = f"/events/tags/{quote(tag)}?start=2024-10-01&extended=1", []
        for size in (3, 3, 3, 1):
            reply = self.get(path)
            self.assertEqual(len(reply.json), size)
            times += [one["data"]["time"] for one in reply.json]
            self.assertEqual("link" in reply.headers, size == 3 and len(times) < 10)
            if "link" in reply.headers:
                target, _, relation = reply.headers["link"].partition(">; ")
                self.assertEqual(relation, 'rel="next"')
                self.assertNotIn("token", target)
                self.assertIn("start=2024-10-01&extended=1&cursor=", target)
                path = target.removeprefix("</v1")
        self.assertEqual([time[-1] for time in times], list("0011223344"))

    def test_scope(self) -> None:
        """The token must be for reading."""
        self.add_token("sender", ["send"])
        for path in ("/events/email/a@example.com", "/logfiles", "/logfiles/2024-10-04", "/recent-tags", "/statistics"):
            self.assertEqual(self.get(path, "sender").status, 403, path)

    def test_busy(self) -> None:
        """When the store is away it is 503."""
        self.search.fails_at = 0
        self.assertEqual(self.get("/events/email/a@example.com").status, 503)


class LogFileTests(ReadingTestCase):
    """C{/v1/logfiles…}."""

    NAME = "opens.2024-10-04.log"

    def test_index(self) -> None:
        """Days and names are those on which something happened to the account."""
        tell(self.database, told(TODAY, "open"), told(TODAY + 1, "attempt"), told(TODAY - 3 * DAY, "click"))
        self.assertEqual(self.get("/logfiles").json, ["2024-10-01", "2024-10-04"])
        self.assertEqual(self.get("/logfiles/2024-10-04/").json, ["attempts.2024-10-04.log", self.NAME])
        self.assertEqual(self.get("/logfiles/2024-10-03").json, [])
        self.assertEqual(self.get("/logfiles", "other").json, [])
        self.assertEqual(self.get("/logfiles/2024-10-04", "other").json, [])

    def test_forms(self) -> None:
        """A file is there without names, with names, as JSON and as XML, each under its type."""
        one = told(TODAY, "open", data={"ip": "192.0.2.1", "headers": "=1+1", "protocol": "https"})
        tell(self.database, one)
        names = "id,time,headers,ip,protocol,tags,recipient,city,countryname,countrycode,regioncode,templateid\r\n"
        line = "m1,2024-10-04 00:00:00,'=1+1,192.0.2.1,https,,user@example.com,,,,,0\r\n"
        for form, wanted, kind in (("", line, "text/csv"), ("/header", names + line, "text/csv")):
            reply = self.file(form)
            self.assertEqual((reply.body.decode(), reply.headers["content-type"]), (wanted, f"{kind}; charset=utf-8"))
        self.assertEqual(self.file("/json").json, [row_of(one)])
        xml = self.file("/xml")
        self.assertEqual(xml.headers["content-type"], "text/xml; charset=utf-8")
        self.assertIn(b"<records>\n<record><id>m1</id><time>2024-10-04 00:00:00</time><headers>=1+1<", xml.body)

    def file(self, form: str, token: str = "all") -> Reply:
        """Over HTTP/1.0, so that the body is no chunks."""
        head = f"GET /v1/logfiles/{self.NAME}{form}?access_token={token} HTTP/1.0\r\nHost: a\r\n\r\n"
        raw = self.raw(head.encode())
        head, _, body = raw.decode().partition("\r\n\r\n")
        lines = [line.partition(": ") for line in head.split("\r\n")[1:]]
        return Reply(int(head.split()[1]), {name.lower(): value for name, _, value in lines}, body.encode())

    def test_unknown(self) -> None:
        """A file that is not there, of another account, in no form, or of a path is not found; a bad date is said."""
        tell(self.database, told(TODAY, "open", account_id=2))
        names = (self.NAME, "open.2024-10-04.log", "opens.2024-02-30.log", "x", "..%2f..%2fetc%2fpasswd", "%2e%2e")
        for name in names:
            self.refused(f"/logfiles/{name}", 404)
            self.refused(f"/logfiles/{name}/json", 404)
        tell(self.database, told(TODAY, "open"))
        self.refused(f"/logfiles/{self.NAME}/csv", 404)
        self.refused("/logfiles/2024-10-04/json", 404)
        for name in ("2024-02-30", "20241004", "2024", "1-1-1"):
            self.refused(f"/logfiles/{name}", 400, "date")
        self.assertEqual(self.ask("DELETE", f"/v1/logfiles/{self.NAME}").status, 405)

    def test_failure(self) -> None:
        """A file of which nothing can be read is 503; one that fails later is cut off, and does not look whole."""
        tell(self.database, *(told(TODAY + number / 100, "open") for number in range(2500)))
        self.search.fails_at = 0
        self.assertEqual(self.get(f"/logfiles/{self.NAME}/json").status, 503)
        self.search.fails_at = None
        self.assertTrue(self.chunked().endswith(b"\r\n0\r\n\r\n"))
        self.search.fails_at = 2
        cut = self.chunked()
        self.assertEqual(cut.count(b"m1,"), 2000)
        self.assertFalse(cut.endswith(b"\r\n0\r\n\r\n"))
        self.assertEqual(len(self.flushLoggedErrors(StorageBusy)), 1)

    def chunked(self) -> bytes:
        """The whole answer as it stands on the wire."""
        head = f"GET /v1/logfiles/{self.NAME} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer all\r\n\r\n"
        return self.raw(head.encode())


class StatisticsTests(ReadingTestCase):
    """C{/v1/tag/…}, C{/v1/recent-tags} and C{/v1/statistics}."""

    def test_tag(self) -> None:
        """A tag is told with its counts; one that nothing of the account has is not found."""
        tell(self.database, told(TODAY, "attempt", tags=("a/b",)), told(TODAY + 5, "open", tags=("a/b",)))
        tell(self.database, told(TODAY + 6, "open", tags=("a/b",)), told(TODAY, "open", tags=("b",), account_id=2))
        wanted = {
            "tag": "a/b",
            "first": "2024-10-04 00:00:00",
            "last": "2024-10-04 00:00:06",
            "all_opens": 2,
            "unique_opens": 1,
            "all_clicks": 0,
            "unique_clicks": 0,
            "messages": 1,
            "deliveries": 0,
        }
        self.assertEqual(self.get("/tag/a%2Fb").json, wanted)
        self.assertEqual(self.get("/recent-tags").json, [wanted])
        self.assertEqual([one["tag"] for one in self.get("/recent-tags", "other").json], ["b"])
        self.refused("/tag/b", 404)
        self.refused("/tag/%00", 404)

    def test_recent(self) -> None:
        """Ten tags at the most are recent, the latest first."""
        tell(self.database, *(told(TODAY + number, tags=(f"t{number}",)) for number in range(12)))
        self.assertEqual([one["tag"] for one in self.get("/recent-tags").json], [f"t{n}" for n in range(11, 1, -1)])

    def test_series(self) -> None:
        """A number for each hour or day, narrowed by tags and domain."""
        tell(self.database, told(TODAY, "open", tags=("a",)), told(TODAY + 3600, "open"), told(TODAY, "delivery"))
        days = self.get("/statistics?start=2024-10-03&end=2024-10-06").json
        self.assertEqual((days["start"], days["end"]), ("2024-10-03 00:00:00", "2024-10-06 00:00:00"))
        self.assertEqual([one["opens"] for one in days["series"]], [0, 2, 0])
        self.assertEqual([one["deliveries"] for one in days["series"]], [0, 1, 0])
        hours = self.get("/statistics?start=2024-10-04&end=2024-10-05&interval=hour").json["series"]
        self.assertEqual([one["opens"] for one in hours], [1, 1, *[0] * 22])
        self.assertEqual(hours[1]["time"], "2024-10-04 01:00:00")
        self.assertEqual(self.opens("tags=a"), 1)
        self.assertEqual(self.opens("domain=Example.com"), 2)
        self.assertEqual(self.opens("domain=other.example"), 0)
        self.assertEqual(sum(one["opens"] for one in self.get("/statistics", "other").json["series"]), 0)

    def opens(self, query: str) -> int:
        return sum(one["opens"] for one in self.get(f"/statistics?{query}").json["series"])

    def test_faults(self) -> None:
        """What cannot be counted is said by name."""
        self.refused("/statistics?interval=week", 400, "interval")
        for domain in ("..", "a%20b", "!", "y@example.com"):
            self.refused(f"/statistics?domain={domain}", 400, "domain")
        self.refused("/statistics?start=x", 400, "start")
        self.assertEqual(self.ask("PUT", "/v1/statistics").status, 405)
