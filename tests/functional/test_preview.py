"""C{POST /v1/preview} as a client sees it: beside the mail that arrives, and with nothing left behind."""

import contextlib
import json
import re
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from threading import Event, Thread
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.poison import css_work
from tests.support.rest import INSECURE, client
from tests.support.sink import Sink

MIME = """From: Shop <a@shop.example>
To: b@y.example
Bcc: hidden@y.example
Subject: Grüße
x-smtpeter-trackopens: perhaps
List-Unsubscribe: <https://shop.example/leave?id=5>
Content-Type: multipart/alternative; boundary=edge

--edge
Content-Type: text/plain; charset=utf-8

Grüße
--edge
Content-Type: text/html; charset=utf-8

<html><head><style>p { color: red } a:hover { color: blue }</style></head><body><p>Grüße</p>
<a href="https://shop.example/news?id=1&amp;a=2#top">news</a> <a href="https://shop.example">www.shop.example</a>
<a href="http://ex ample.example/">odd</a> <a href="https://shop.example/leave?id=5">leave</a>
<a href="mailto:a@shop.example">write</a></body></html>
--edge--
"""
SEND = {"recipients": ["b@y.example", "hidden@y.example"], "mime": MIME, "inlinecss": True, "preventscam": True}
VARYING = (
    # Ids, tokens, and what is made of times or keys that were chosen for this one.
    (rb"(?<= id )[0-9a-v]{20}(?=;)", b"ID"),
    (rb"<[0-9a-v]{20}@", b"<ID@"),
    (rb"(?<=\r\nFeedback-ID: )[0-9a-v]{20}", b"ID"),
    (rb"(?<=\r\nX-Message-Reference: )[A-Za-z0-9_-]{36}", b"REFERENCE"),
    (rb"(?<=/)[A-Za-z0-9_-]{36,}", b"TOKEN"),
    (rb"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", b"DATE"),
    (rb"\bt=\d{10};", b"t=TIME;"),
    (rb"\bbh=[^;]+;", b"bh=HASH;"),
    (rb"\bb=[A-Za-z0-9+/=\r\n ]+?(?=\r\n[A-Z])", b"b=SIGNATURE"),
)


TO_SMTP = ("curl", "-s", "--mail-from", "", "--upload-file", "-")
STYLED = "<style>p { color: red }</style><p>x</p>"


def workers(it: Installation) -> list[str]:
    """The CSS workers of a server, by their process ids."""
    assert it.process is not None
    found = subprocess.run(["pgrep", "-P", str(it.process.pid)], check=False, capture_output=True, text=True)
    return found.stdout.split()


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def alike(content: bytes) -> bytes:
    """A message without what is different each time."""
    for pattern, instead in VARYING:
        content, count = re.subn(pattern, instead, content)
        assert count, pattern
    return content


def rows(it: Installation) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(it.folder / "run" / "state" / "smtpeter.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def status(url: str) -> int:
    """What a visitor gets."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


class PreviewTests(SynchronousTestCase):
    """Shown, sent and compared."""

    def test_same(self) -> None:
        """What is shown is what arrives, byte for byte but for ids, tokens, times and what is signed of them."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            before = rows(it)
            reply = asked.post("/v1/preview", SEND)
            self.assertEqual(reply.status, 200, reply)
            shown = {one["recipient"]: one for one in reply.json["messages"]}
            self.assertEqual((rows(it), it.events(), sink.arrived), (before, [], []))
            self.assertEqual(asked.post("/v1/send", SEND).status, 200)
            arrived = {one.recipients[0]: one for one in sink.wait_for(2)}
            self.assertEqual(set(shown), set(arrived))
            for recipient, one in arrived.items():
                preview = shown[recipient]
                content = preview["mime"].encode()
                self.assertEqual(len(content), len(one.content))
                self.assertEqual(alike(content), alike(one.content))
                self.assertEqual(len(preview["envelope"]), len(one.reverse_path))
                self.assertTrue(preview["envelope"].endswith("@bounces.localhost"))
            self.check_shown(it, shown["b@y.example"])
            self.check_dead(it, shown["b@y.example"])
            it.stop()

    def check_shown(self, it: Installation, preview: dict[str, Any]) -> None:
        """Links, signature, HTML and warnings say what the message says."""
        base = f"http://127.0.0.1:{it.web_port}/"
        self.assertEqual(list(preview["links"].values()), ["https://shop.example/news?id=1&a=2#top"])
        (token,) = preview["links"]
        self.assertTrue(token.startswith(base), token)
        self.assertIn(token.replace("&", "&amp;"), preview["html"])
        self.assertIn('<p style="color: red">'.replace(" ", ""), preview["html"].replace(" ", "").replace(";", ""))
        (domain,) = [one for one in it.listed("domain", "list") if one["name"] == "shop.example"]
        self.assertEqual(preview["dkim"], {"domain": "shop.example", "selector": domain["selector"]})
        self.assertIn(f"s={preview['dkim']['selector']};", preview["mime"])
        self.assertEqual(
            preview["warnings"],
            [
                'x-smtpeter-trackopens: "perhaps" is neither true nor false, ignored',
                "a link is not tracked, since its text is an address itself, and preventscam is on: "
                "https://shop.example",
                "a link is not tracked, since it is not clear which address browsers take it for: "
                "http://ex ample.example/",
                "a link is not tracked, since List-Unsubscribe has it too: https://shop.example/leave?id=5",
            ],
        )

    def check_dead(self, it: Installation, preview: dict[str, Any]) -> None:
        """Links, pixel and bounce address of a preview lead nowhere, and nobody is counted."""
        (token,) = preview["links"]
        pixel = re.search(r"http://[^\"]+\.gif", preview["html"])
        assert pixel is not None, preview
        self.assertEqual((status(token), status(pixel[0])), (404, 404))
        it.wait_events("delivery", 2)
        self.assertEqual({one["event"] for one in it.events()}, {"attempt", "delivery"})
        bounced = subprocess.run(
            [*TO_SMTP, f"smtp://127.0.0.1:{it.smtp_port}", "--mail-rcpt", preview["envelope"]],
            input=b"Subject: returned\r\n\r\n",
            check=False,
            timeout=30,
            capture_output=True,
        )
        self.assertEqual((bounced.returncode, rows(it)["returns"]), (55, 0), bounced)

    def test_faults(self) -> None:
        """Whatever a send refuses a preview refuses in the same words, and beyond that what would cost too much."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            wrong: list[dict[str, Any]] = [
                {"recipient": "b@y.example", "from": "a@else.example", "text": "x"},
                {"recipient": "b@@y", "from": "a@shop.example", "tags": "a b", "html": 5},
                {"mime": "From: a@shop.example\n\nx", "text": "y"},
                {},
            ]
            for value in wrong:
                replies = [asked.post(path, value) for path in ("/v1/preview", "/v1/send")]
                self.assertEqual([one.status for one in replies], [400, 400])
                self.assertEqual(replies[0].json, replies[1].json)
            value = {"from": "a@shop.example", "text": "x", "recipients": [f"r{n}@y.example" for n in range(11)]}
            reply = asked.post("/v1/preview", value)
            self.assertEqual((reply.status, reply.json["error"]["field"]), (400, "recipients"))
            large = {**value, "recipients": value["recipients"][:9], "text": "x" * 1_000_000}
            self.assertEqual(asked.post("/v1/preview", large).status, 413)
            self.assertEqual(client(it, "--scope", "read").post("/v1/preview", value).status, 403)
            self.assertEqual(rows(it)["submissions"], 0)
            it.stop()

    def test_beside_mail(self) -> None:
        """While previews keep their CSS worker busy to its limit, mail is inlined and arrives."""
        bad = css_work(rules=6000).decode()
        with Sink() as sink, Installation(sink.port, web=INSECURE, processing="timeout = 30") as it:
            asked, answered = client(it), Event()

            def preview() -> None:
                with contextlib.suppress(OSError, HTTPException):
                    asked.post("/v1/preview", {"recipient": "b@y.example", "mime": bad, "inlinecss": True})
                answered.set()

            thread = Thread(target=preview)
            thread.start()
            wait_for(lambda: len(workers(it)) == 1)
            value = {"recipient": "c@y.example", "from": "a@shop.example", "html": STYLED, "inlinecss": True}
            self.assertEqual(asked.post("/v1/send", value).status, 200)
            (arrived,) = sink.wait_for(1)
            self.assertIn(b"<p style=", arrived.content)
            self.assertEqual((answered.is_set(), len(workers(it))), (False, 2))
            it.kill()
            thread.join()

    def test_curl(self) -> None:
        """A form is shown too, as text where that is what it is, else in base64."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            fields = {"recipient": "b@y.example", "from": "a@shop.example", "html": "<p>Hi</p>", "trackbounces": "no"}
            command = ["curl", "-s", f"http://localhost:{it.web_port}/v1/preview?access_token={asked.token}"]
            for name, value in fields.items():
                command += ["--data-urlencode", f"{name}={value}"]
            done = subprocess.run(command, check=True, timeout=30, capture_output=True)
            (preview,) = json.loads(done.stdout)["messages"]
            self.assertEqual((preview["envelope"], preview["encoding"], preview["links"]), ("", "utf-8", {}))
            self.assertEqual(
                preview["warnings"],
                ["there is no plain text beside the HTML", "the envelope sender is empty: nobody hears of bounces"],
            )
            it.stop()
