"""
Clients of the REST API that mean no good, or are broken, against the server as a process: others are served meanwhile,
its memory stays as it is, and what is taken of a mail is all of it or nothing.
"""

import contextlib
import http.client
import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.process import memory_bytes, open_files
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

MIB = 1 << 20
LIMIT = 4 * MIB
FLOOD = 300 * MIB
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "rest.md"

MIME = "From: a@shop.example\r\nTo: b@y.example\r\nSubject: whole\r\n\r\n" + "x" * 70 + "\r\n"

SOUND: dict[str, Any] = {"recipient": "b@y.example", "from": "a@shop.example", "text": "x", "html": "x"}

TEXTS = ("envelope", "subject", "text", "html", "maxdelivertime", "images", "mime")
LISTS = ("recipient", "recipients", "from", "to", "cc", "replyto", "replyTo", "tags", "unsubscribe")
FLAGS = (
    *("inlinecss", "trackclicks", "trackopens", "trackbounces", "preventscam"),
    *("clicktracking", "openstracking", "bouncetracking"),
)
OBJECTS = ("extra", "dsn", "attachments")
MEMBERS = (
    *(("extra", "x-one"), ("unsubscribe", "email"), ("unsubscribe", "url"), ("unsubscribe", "oneclick")),
    *(("dsn", name) for name in ("notify", "ret", "envid", "orcpt")),
    *(("attachments", 0, name) for name in ("data", "url", "name", "type", "cid")),
)
PROPERTIES: tuple[tuple[str | int, ...], ...] = (*((name,) for name in (*TEXTS, *LISTS, *FLAGS, *OBJECTS)), *MEMBERS)
"""Each property of a send, and the members of those that have some."""

WRONG: tuple[Any, ...] = (
    *(
        5,
        -1,
        1.5,
        10**400,
        1e300,
        [5],
        [[]],
        [None],
        [{}, 5],
        [[[["x"]]]],
        {"a": 5},
        {"a": {"b": [{}]}},
        {"": ""},
        [True],
    ),
    "\0",
)
"""What is right nowhere."""

ODD_BODIES = {
    "deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "never closed": b"[" * 100_000,
    "twice": b'{"recipient":"b@y.example","recipient":"c@y.example","from":"a@shop.example","text":"x"}',
    "twice within": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","dsn":{"ret":"FULL","ret":"FULL"}}',
    "NaN": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","trackopens":NaN}',
    "Infinity": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","x":[-Infinity]}',
    "long number": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","x":' + b"9" * 100_000 + b"}",
    "large number": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","trackopens":1e99999}',
    "half": b'{"recipient":"b@y.example","from":"a@shop.example","text":"\\ud800"}',
    "other half": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x","\\udfff":1}',
    "raw half": b'{"recipient":"b@y.example","from":"a@shop.example","text":"\xed\xa0\x80"}',
    "not UTF-8": b'{"recipient":"b@y.example","from":"a@shop.example","text":"\xff"}',
    "UTF-16": '{"recipient":"b@y.example","from":"a@shop.example","text":"x"}'.encode("utf-16"),
    "array": b"[]",
    "null": b"null",
    "text": b'"x"',
    "two": b'{"recipient":"b@y.example","from":"a@shop.example","text":"x"}{}',
    "many": b'{"x":[' + b"0," * 500_000 + b"0]}",
    "escape": b'{"recipient":"b@y.example","from":"a@shop.example","text":"\\x"}',
    "control": b'{"recipient":"b@y.example","from":"a@shop.example","text":"\n"}',
}


def bodies() -> Iterator[tuple[str, Any]]:
    """Each wrong value in each property, with the first step to it."""
    for path in PROPERTIES:
        for value in (*WRONG, *(() if path[0] in FLAGS or path[-1] == "oneclick" else (True,))):
            if value == "\0" and path[0] in ("text", "html", "mime"):
                continue
            if isinstance(value, dict) and path in (("unsubscribe",), ("dsn",)):
                # Members that are not known are ignored.
                continue
            body: dict[str, Any] = json.loads(json.dumps(SOUND))
            inner: Any = {"attachments": [{}], "unsubscribe": {"url": "https://y.example/"}}.get(str(path[0]), {})
            if len(path) > 1:
                body[str(path[0])] = inner
                for step in path[1:-1]:
                    inner = inner[step]
                inner[path[-1]] = value
            else:
                body[str(path[0])] = value
            if path == ("mime",):
                body = {"recipient": "b@y.example", "mime": value}
            yield str(path[0]), body


@define(eq=False)
class Drips:
    """
    Clients that send a byte a second, in a thread.

    @ivar sent: how many bytes each could send before its connection was closed.
    """

    port: int
    beginnings: tuple[bytes, ...]
    """What each has sent at once."""
    sent: list[int] = field(factory=list)
    _thread: Thread = field(init=False)

    def start(self) -> None:
        """Begin."""
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        open = []
        for beginning in self.beginnings:
            one = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            one.sendall(beginning)
            open.append(one)
        for number in range(90):
            for one in tuple(open):
                if self._is_closed(one):
                    self.sent.append(number)
                    open.remove(one)
            time.sleep(1)

    def _is_closed(self, one: socket.socket) -> bool:
        try:
            one.sendall(b"x")
            one.settimeout(0.001)
            return one.recv(100) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def wait(self, seconds: float = 80) -> list[int]:
        """Wait until all were closed."""
        end = time.monotonic() + seconds
        while len(self.sent) < len(self.beginnings) and time.monotonic() < end:
            time.sleep(0.2)
        return self.sent


class HostileTests(SynchronousTestCase):
    """All of it at once."""

    def test_all(self) -> None:
        """Floods, drips, hang-ups and odd bodies get their status or are cut off; the server is as it was."""
        with Sink() as sink, Installation(sink.port, web=f"{INSECURE}\nmax_body_size = {LIMIT}") as it:
            asked = client(it)
            self.check_odd(it, asked, sink)
            files = open_files(it)
            drips = self.drip(it, asked)
            before = memory_bytes(it)
            for path in ("/v1/send", "/v1/send?access_token=none", "/v2/send", f"/v1/send?access_token={asked.token}"):
                self.check_flood(it, asked, path)
            for round in range(5):
                self.check_odd(it, asked, sink, round + 1)
            self.check_hang_ups(it, asked, sink)
            self.assertEqual(len(drips.wait()), len(drips.beginnings))
            self.assertLess(max(drips.sent), 60)
            self.assertLess(memory_bytes(it, is_peak=True) - before, 10 * LIMIT)
            self.assertLess(memory_bytes(it) - before, 4 * LIMIT)
            self.assertLessEqual(open_files(it) - sink.open_connections, files + 5)
            self.assertEqual(asked.get("/v1/recent-tags").status, 200)
            it.stop()

    def drip(self, it: Installation, asked: Client) -> Drips:
        """Heads and bodies that never end, with and without a token."""
        head = "POST /v1/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        authorization = f"Authorization: Bearer {asked.token}\r\n"
        beginnings = (
            b"P",
            f"{head}X: ".encode(),
            f"{head}Content-Length: 1000\r\n\r\n".encode(),
            f"{head}{authorization}Content-Length: 1000\r\n\r\n{{".encode(),
            f"{head}{authorization}Transfer-Encoding: chunked\r\n\r\n400\r\n{{".encode(),
        )
        drips = Drips(it.web_port, beginnings * 4)
        drips.start()
        return drips

    def check_flood(self, it: Installation, asked: Client, path: str) -> None:
        """A body of 300 MB is refused when it is announced, or cut off at the limit; others are served meanwhile."""
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", it.web_port), timeout=30) as one:
            one.sendall(f"{head}Content-Length: {FLOOD}\r\n\r\n".encode())
            self.check_too_large(one.recv(4096))
        sent, done = [0], Event()
        flood = Thread(target=self.flood, args=(it.web_port, head, sent, done), daemon=True)
        flood.start()
        served = 0
        while not done.is_set() or not served:
            self.assertEqual(asked.get("/v1/recent-tags").status, 200)
            served += 1
        flood.join()
        self.assertLess(sent[0], FLOOD // 4)

    def check_too_large(self, answer: bytes) -> None:
        """413 in JSON."""
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertIn(b"\r\nContent-Type: application/json\r\n", answer)
        self.assertIn(b'{"error":{"message":', answer)

    def flood(self, port: int, head: str, sent: list[int], done: Event) -> None:
        """Send 300 MB in chunks, or as many as are taken."""
        chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as one, contextlib.suppress(OSError):
            one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            while sent[0] < FLOOD:
                one.sendall(chunk)
                sent[0] += 65_536
        done.set()

    def check_odd(self, it: Installation, asked: Client, sink: Sink, round: int = 0) -> None:
        """Bodies that are no orders are refused with 400, every one with its reason, on one kept connection."""
        connection = http.client.HTTPConnection("localhost", it.web_port, timeout=30)
        for name, text in ODD_BODIES.items():
            status, answer = self.post(connection, asked, text)
            self.assertEqual(status, 400, (name, answer))
            self.assertTrue(answer["error"]["message"])
        for property, body in bodies() if round < 2 else ():
            status, answer = self.post(connection, asked, json.dumps(body).encode())
            self.assertEqual(status, 400, (body, answer))
            faults = answer.get("errors", [answer["error"]])
            self.assertTrue(any(one["field"].lower().startswith(property.lower()) for one in faults), (body, answer))
        status, _ = self.post(connection, asked, json.dumps(SOUND).encode())
        self.assertEqual(status, 200)
        connection.close()
        self.assertEqual(len(sink.wait_for(round + 1)), round + 1)

    def post(self, connection: http.client.HTTPConnection, asked: Client, text: bytes) -> tuple[int, Any]:
        """Send a body. @return: status and answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {asked.token}"}
        connection.request("POST", "/v1/send", text, headers)
        reply = connection.getresponse()
        self.assertEqual(reply.headers["Content-Type"], "application/json")
        return reply.status, json.loads(reply.read())

    def check_hang_ups(self, it: Installation, asked: Client, sink: Sink) -> None:
        """A client that goes after the last byte has sent its mail to all, one that goes before it to nobody."""
        before = len(sink.arrived)
        for number in range(40):
            is_whole, is_abrupt = number % 2 == 0, number % 4 < 2
            recipients = [f"{'whole' if is_whole else 'part'}{number}.{one}@y.example" for one in range(3)]
            body = json.dumps({"recipients": recipients, "mime": MIME}).encode()
            head = f"POST /v1/send?access_token={asked.token} HTTP/1.1\r\nHost: localhost\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            with socket.create_connection(("127.0.0.1", it.web_port), timeout=10) as one:
                if is_abrupt and not is_whole:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.sendall(head.encode() + (body if is_whole else body[:-1]))
        arrived = sink.wait_for(before + 60)[before:]
        it.wait_events("delivery", before + 60)
        self.assertEqual(
            {one.recipients[0].partition(".")[0] for one in arrived}, {f"whole{n}" for n in range(0, 40, 2)}
        )
        self.assertEqual(len(it.events("attempt")), before + 60)

    def test_reset(self) -> None:
        """A connection that is reset behind the last byte: the mail goes to all of its recipients, or to none."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            for number in range(30):
                body = json.dumps(
                    {"recipients": [f"r{number}.{one}@y.example" for one in range(5)], "mime": MIME}
                ).encode()
                head = f"POST /v1/send?access_token={asked.token} HTTP/1.1\r\nHost: localhost\r\n"
                head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                with socket.create_connection(("127.0.0.1", it.web_port), timeout=10) as one:
                    one.sendall(head.encode() + body)
                    time.sleep(0.002 * (number % 5))
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.assertEqual(asked.post("/v1/send", SOUND).status, 200)
            attempts = [str(one["data"]["recipient"]).partition(".")[0] for one in it.wait_events("attempt")]
            it.wait_events("delivery", len(attempts))
            arrived = [one.recipients[0].partition(".")[0] for one in sink.arrived]
            self.assertEqual(sorted(arrived), sorted(attempts))
            counts = {arrived.count(f"r{number}") for number in range(30)}
            self.assertLessEqual(counts, {0, 5})
            self.assertIn(5, counts)
            it.stop()


class PropertyTests(SynchronousTestCase):
    """Whether the list above is the list."""

    def test_documented(self) -> None:
        """Every property that is documented is tried."""
        text = DOCUMENT.read_text("utf-8")
        table = text.partition("| property | meaning |")[2].partition("\n\n")[0]
        rows = re.findall(r"(?m)^\| (`[^|]*`\)?) \|", table)
        names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        self.assertGreater(len(names), 20)
        self.assertLessEqual(names, {str(path[0]) for path in PROPERTIES})
