"""What is read by GET under C{/v1}: real HTTP to the server as a process."""

import csv
import re
import socket
import sqlite3
import time
import urllib.request
from base64 import b64encode
from contextlib import closing
from io import StringIO
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.process import memory_bytes
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

MESSAGE = {
    "recipient": "b@y.example",
    "envelope": "bounces@shop.example",
    "from": "Shop <a@shop.example>",
    "to": "b@y.example",
    "subject": "Grüße",
    "text": "Grüße als Text",
    "html": "<p>Grüße <a href='https://shop.example/x'>x</a></p>",
    "tags": ["spring", "läufer"],
    "attachments": [{"data": b64encode(b"%PDF-1").decode(), "name": "ü b.pdf", "type": "application/pdf"}],
}
ROWS = 150_000
HEADERS = "Accept: text/html\\n" * 40
ONE_MIB = 1 << 20


class ReadingTests(SynchronousTestCase):
    """A message is sent and all of it is read back."""

    def test_all(self) -> None:
        """What was sent, what happened to it, the log files and the numbers, for its account alone."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            ((message_id, _),) = asked.post("/v1/send", MESSAGE).json.items()
            it.wait_events("delivery")
            (arrived,) = sink.wait_for(1)
            self.check_message(asked, message_id, arrived.content)
            self.visit(it, asked, message_id)
            self.check_events(asked, message_id)
            self.check_log_files(asked, message_id)
            self.check_numbers(asked)
            self.check_strangers(it, message_id)
            it.stop()

    def check_message(self, asked: Client, message_id: str, arrived: bytes) -> None:
        """The parts are as they were given, the whole as it arrived, but for the time of its signature."""
        for name, wanted in (
            ("recipient", "b@y.example"),
            ("envelope", "bounces@shop.example"),
            ("text", "Grüße als Text"),
        ):
            reply = asked.get(f"/v1/{name}/{message_id}")
            self.assertEqual((reply.status, reply.headers["content-type"]), (200, "text/plain; charset=utf-8"), name)
            self.assertEqual(reply.body.decode().strip(), wanted)
        self.assertIn("<p>Grüße <a href='http://127.0.0.1", asked.get(f"/v1/html/{message_id}").body.decode())
        self.assertEqual(unsigned(asked.get(f"/v1/mime/{message_id}").body), unsigned(arrived))
        self.assertTrue(arrived.endswith(b"\r\n"))
        (listed,) = asked.get(f"/v1/attachments/{message_id}").json
        self.assertEqual(listed, {"number": 0, "name": "ü b.pdf", "type": "application/pdf", "size": 6})
        for which in ("0", "%C3%BC%20b.pdf"):
            file = asked.get(f"/v1/attachments/{message_id}/{which}")
            self.assertEqual((file.body, file.headers["content-type"]), (b"%PDF-1", "application/pdf"))
        self.assertEqual(asked.get(f"/v1/embeds/{message_id}").json, [])

    def visit(self, it: Installation, asked: Client, message_id: str) -> None:
        """Fetch the pixel twice."""
        html = asked.get(f"/v1/html/{message_id}").body.decode()
        found = re.search(r"http://127\.0\.0\.1:\d+/[^'\"]+\.gif", html)
        assert found is not None, html
        for _ in range(2):
            urllib.request.urlopen(found[0], timeout=10).close()
        it.wait_events("open", 2)

    def check_events(self, asked: Client, message_id: str) -> None:
        """The same events by message, address and tags, in order, and none by what does not fit."""
        wanted = ["attempt", "delivery", "open", "open"]
        for question in (f"messageid/{message_id}", "email/b@y.example", "tags/l%C3%A4ufer;spring"):
            found = asked.get(f"/v1/events/{question}").json
            self.assertEqual([one["event"] for one in found], wanted, question)
            self.assertEqual({one["data"]["id"] for one in found}, {message_id})
            self.assertEqual({one["data"]["tags"] for one in found}, {"spring;läufer"})
        for question in ("email/c@y.example", "tags/spring;autumn", "tags/spring?start=2001-01-01"):
            self.assertEqual(asked.get(f"/v1/events/{question}").json, [], question)
        for query, field in (
            ("start=x", "start"),
            ("start=2026-01-02&end=2026-01-01", "start"),
            ("cursor=x", "cursor"),
        ):
            refused = asked.get(f"/v1/events/messageid/{message_id}?{query}")
            self.assertEqual((refused.status, refused.json["error"]["field"]), (400, field))
        self.assertEqual(asked.ask("POST", f"/v1/events/messageid/{message_id}", b"").status, 405)

    def check_log_files(self, asked: Client, message_id: str) -> None:
        """The day of today has a file for each type, in four forms."""
        (day,) = asked.get("/v1/logfiles").json
        names = asked.get(f"/v1/logfiles/{day}").json
        self.assertEqual(names, [f"{prefix}.{day}.log" for prefix in ("attempts", "deliveries", "opens")])
        path = f"/v1/logfiles/{names[0]}"
        plain, headed = (asked.get(path + form).body.decode() for form in ("", "/header"))
        names, row = csv.reader(StringIO(headed, newline=""))
        self.assertEqual(next(csv.reader(StringIO(plain, newline=""))), row)
        self.assertEqual(names, ["id", "time", "envelope", "recipient", "properties", "tags", "templateid"])
        (told,) = asked.get(f"{path}/json").json
        self.assertEqual(list(told.values()), row)
        self.assertEqual((told["id"], told["recipient"]), (message_id, "b@y.example"))
        xml = ElementTree.fromstring(asked.get(f"{path}/xml").body)
        self.assertEqual([(one.tag, one.text or "") for one in xml[0]], list(told.items()))
        for name in ("clicks", "..%2f..%2fstate%2fsmtpeter"):
            self.assertEqual(asked.get(f"/v1/logfiles/{name}.{day}.log").status, 404)

    def check_numbers(self, asked: Client) -> None:
        """Two opens of one message are one unique open."""
        self.assertEqual({one["tag"] for one in asked.get("/v1/recent-tags").json}, {"spring", "läufer"})
        told = asked.get("/v1/tag/spring").json
        counts = [told[name] for name in ("messages", "deliveries", "all_opens", "unique_opens", "all_clicks")]
        self.assertEqual(counts, [1, 1, 2, 1, 0])
        series = asked.get("/v1/statistics?interval=hour&tags=spring&domain=y.example").json["series"]
        self.assertEqual([sum(one[name] for one in series) for name in ("messages", "deliveries", "opens")], [1, 1, 2])

    def check_strangers(self, it: Installation, message_id: str) -> None:
        """Another account finds nothing of it by any way; without a token, or for sending only, nobody does."""
        it.cli("account", "create", "other")
        token = it.cli("token", "create", "reader", "--account", "other")["token"]
        other = Client(it, token)
        parts = ("recipient", "envelope", "text", "html", "headers", "header", "mime", "attachments", "embeds")
        for path in (*parts, "events/messageid"):
            self.assertEqual(other.get(f"/v1/{path}/{message_id}").status, 404, path)
        for path in ("events/email/b@y.example", "events/tags/spring", "logfiles", "recent-tags"):
            self.assertEqual(other.get(f"/v1/{path}").json, [], path)
        self.assertEqual(other.get("/v1/tag/spring").status, 404)
        self.assertEqual(Client(it, "").get(f"/v1/text/{message_id}").status, 401)


def unsigned(content: bytes) -> bytes:
    """A message without its signature."""
    return re.sub(rb"(?m)^DKIM-Signature:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", content)


class LargeTests(SynchronousTestCase):
    """A log file that is larger than the memory that the server may take for it."""

    def test_large(self) -> None:
        """Its reader gets every row, slowly or not, while the server's memory stays as it is and others are served."""
        with Installation(1, web=INSECURE) as it:
            asked = client(it)
            self.fill(it)
            (day,) = asked.get("/v1/logfiles").json
            self.read_some(it, asked, day)
            assert it.process is not None
            before = memory_bytes(it)
            with self.opened(it, asked, day) as reader:
                # It reads nothing: what the kernel does not take stays in the database.
                end = time.monotonic() + 3
                while time.monotonic() < end:
                    self.assertEqual(asked.get("/v1/recent-tags").status, 200)
                rows, size = self.drain(reader)
            self.assertEqual(rows, ROWS)
            self.assertGreater(size, 80 * ONE_MIB)
            self.assertLess(memory_bytes(it, is_peak=True) - before, 24 * ONE_MIB)
            it.stop()

    def fill(self, it: Installation) -> None:
        """Opens of yesterday, straight into the journal, as they are stored."""
        start = (int(time.time()) // 86_400 - 1) * 86_400
        (account,) = [one["id"] for one in it.listed("account", "list") if one["name"] == "default"]
        statement = """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO events (message_id, account_id, type, at, recipient, tags, data)
            SELECT 'm', ?, 'open', ? + i / 100.0, 'b@y.example', '', ? FROM n
        """
        with closing(sqlite3.connect(it.folder / "run" / "state" / "smtpeter.db", timeout=30)) as connection:
            connection.execute(statement, (ROWS, account, start, f'{{"headers":"{HEADERS}"}}'))
            connection.commit()

    def opened(self, it: Installation, asked: Client, day: str) -> socket.socket:
        """A connection that has asked for the file."""
        reader = socket.create_connection(("127.0.0.1", it.web_port), timeout=60)
        head = f"GET /v1/logfiles/opens.{day}.log HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {asked.token}"
        reader.sendall(f"{head}\r\n\r\n".encode())
        return reader

    def read_some(self, it: Installation, asked: Client, day: str) -> None:
        """Begin, and hang up: what the server allocates once it has allocated, and it goes on."""
        with self.opened(it, asked, day) as reader:
            for _ in range(100):
                reader.recv(1 << 16)
        self.assertEqual(asked.get("/v1/recent-tags").status, 200)

    def drain(self, reader: socket.socket) -> tuple[int, int]:
        """How many rows come, and how many octets."""
        rows = size = 0
        while part := reader.recv(1 << 18):
            rows += part.count(b"\r\n") if size else part.partition(b"\r\n\r\n")[2].count(b"\r\n")
            size += len(part)
        return rows, size
