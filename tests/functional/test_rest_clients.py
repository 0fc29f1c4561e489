"""
Clients of the hosted service, in PHP and in Python, whose host name points here: the documented calls, over HTTPS.

The clients are in C{scripts}; what they send is in L{tests.support.documented}.
"""

import csv
import email
import email.policy
import importlib.util
import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

from attrs import frozen
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from typing_extensions import override

from tests.support.clients import tool
from tests.support.documented import CODE, EMBEDDED, UNFIT_MIME, Example, examples
from tests.support.installation import Installation, free_ports
from tests.support.sink import Delivered, Sink

SCRIPTS = Path(__file__).parent / "scripts"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
MESSAGE_FIELDS = ["id", "time", "envelope", "recipient", "properties", "tags", "templateid"]


class Files(BaseHTTPRequestHandler):
    """A website with an attachment."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        self.wfile.write(b"%PDF-1.4 elsewhere")

    @override
    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def website() -> Iterator[str]:
    """The URL of a file, for as long as it is there."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/attachment1.pdf"
        server.shutdown()


@frozen
class Talk:
    """A client that is run for calls."""

    it: Installation
    port: int
    token: str
    command: tuple[str, ...]

    def calls(self, *calls: tuple[Any, ...]) -> list[dict[str, Any]]:
        """Make calls, all in one run. @return: what was answered."""
        done = subprocess.run(
            self.command,
            check=False,
            input=json.dumps(calls).encode(),
            capture_output=True,
            timeout=60,
            env={
                **os.environ,
                "SMTPETER": f"https://localhost:{self.port}",
                "TOKEN": self.token,
                "TRUSTED": str(self.it.certificate),
            },
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        assert len(answers) == len(calls), answers
        return answers

    def get(self, path: str, **parameters: str) -> Any:
        """One value, which is JSON."""
        ((answer),) = self.calls(("get", f"v1/{path}", parameters))
        assert (answer["status"], answer["type"]) == (200, JSON), (path, answer)
        return answer["value"]

    def texts(self, *paths: str) -> list[str]:
        """Values, which are texts."""
        answers = self.calls(*(("get", f"v1/{path}", {}) for path in paths))
        for path, answer in zip(paths, answers, strict=True):
            assert (answer["status"], answer["type"]) == (200, TEXT), (path, answer)
        return [answer["value"] for answer in answers]


def php() -> tuple[str, ...]:
    """The client in PHP."""
    program = tool("php", "php-cli")
    if subprocess.run([program, "-r", "exit(extension_loaded('curl') ? 0 : 1);"], check=False).returncode != 0:
        raise SkipTest("curl is not installed for PHP (a Debian package: php-curl)")
    return program, str(SCRIPTS / "rest_client.php")


def python() -> tuple[str, ...]:
    """The client in Python."""
    if importlib.util.find_spec("requests") is None:
        raise SkipTest("requests is not installed (in the extra: test)")
    return sys.executable, str(SCRIPTS / "rest_client.py")


@contextmanager
def server(sink: Sink) -> Iterator[tuple[Installation, int, str]]:
    """One that answers over HTTPS alone, its port for that, and a token of an account with the domain of examples."""
    (port,) = free_ports(1)
    with Installation(sink.port, web="allow_private = true", is_started=False) as it:
        listening = f'listen_tls = ["tcp:{port}:interface=127.0.0.1"]'
        it.config.write_text(it.config.read_text().replace("listen_tls = []", listening))
        it.start()
        it.cli("domain", "add", "example.com", "--approve")
        yield it, port, it.cli("token", "create", "website")["token"]
        it.stop()


class ClientTests(SynchronousTestCase):
    """Every documented request is granted, its mail is as documented, and all of it is read back."""

    def test_php(self) -> None:
        """PHP with curl."""
        self.converse(php())

    def test_python(self) -> None:
        """Python with requests."""
        self.converse(python())

    def converse(self, command: tuple[str, ...]) -> None:
        with Sink() as sink, website() as url, server(sink) as (it, port, token):
            talk = Talk(it, port, token, command)
            shown = examples(url)
            calls = [("text", f"{one.version}/send", one.body, one.type) for one in shown]
            made = (("post", CODE), ("form", {**CODE, "tags": ["a", "b"]}), ("post", EMBEDDED))
            answers = talk.calls(*calls, *((how, "v1/send", fields) for how, fields in made))
            recipients = [*(one.recipients for one in shown), *((str(fields["recipient"]),) for _, fields in made)]
            ids = self.check_sent(answers, recipients)
            arrived = sink.wait_for(len(ids))
            it.wait_events("delivery", len(ids))
            attempts = {one["data"]["id"]: one["data"] for one in self.rows(talk, "attempts")}
            self.assertEqual({id: row["recipient"] for id, row in attempts.items()}, ids)
            for one in shown:
                self.check_example(one, [mail for mail in arrived if mail.recipients[0] in one.recipients], talk.it)
                self.check_rows(one, [row for row in attempts.values() if row["recipient"] in one.recipients])
            by_address = {address: id for id, address in ids.items()}
            self.check_messages(talk, by_address)
            self.check_attachments(talk, by_address["john.40@doe.example"])
            self.check_embeds(talk, by_address["embedded@doe.example"])
            self.check_events(talk, by_address)
            self.check_log_files(talk, len(ids))
            self.check_resent(talk, sink, len(ids), by_address["john.5@doe.example"])

    def check_sent(self, answers: list[dict[str, Any]], recipients: list[tuple[str, ...]]) -> dict[str, str]:
        """Each answer has an id for each recipient, in order. @return: all of them."""
        ids: dict[str, str] = {}
        for number, (answer, wanted) in enumerate(zip(answers, recipients, strict=True)):
            self.assertEqual((answer["status"], answer["type"]), (200, JSON), (number, answer))
            self.assertEqual(tuple(answer["value"].values()), wanted)
            ids.update(answer["value"])
        self.assertEqual(len(ids), sum(map(len, recipients)))
        return ids

    def check_example(self, example: Example, arrived: list[Delivered], it: Installation) -> None:
        """The mail as it came."""
        self.assertEqual(sorted(one.recipients for one in arrived), sorted((one,) for one in example.recipients))
        for mail in arrived:
            found: Any = email.message_from_bytes(mail.content, policy=email.policy.default)
            for name, value in example.headers.items():
                self.assertEqual(found[name], value, example)
            self.assertIsNone(found["bcc"])
            for kind, wanted in (("plain", example.text), ("html", example.html)):
                if wanted is not None:
                    self.assertIn(wanted, found.get_body((kind,)).get_content(), example)
            self.check_files(example, found)
            self.check_envelope(example, mail)
            if "href" in example.body:
                self.check_links(example.properties.split(";"), found.get_body(("html",)).get_content(), it)

    def check_links(self, features: list[str], html: str, it: Installation) -> None:
        """Links lead to us where clicks are tracked, and one whose text is its host only where that may be."""
        are_tracked, is_scam_prevented = "trackclicks" in features, "preventscam" in features
        self.assertEqual("href='https://www.example.com/a'>a<" in html, not are_tracked)
        self.assertEqual("href='https://www.example.com'>www" in html, not are_tracked or is_scam_prevented)
        self.assertEqual(html.count(f"href='http://127.0.0.1:{it.web_port}/"), are_tracked * (2 - is_scam_prevented))
        self.assertEqual(".gif" in html, "trackopens" in features)

    def check_files(self, example: Example, found: Any) -> None:
        """The attachments as they came."""
        files = [(one.get_filename(), one.get_content_type(), one.get_content()) for one in found.iter_attachments()]
        told = tuple((name, type, one if isinstance(one, str) else one.decode()) for name, type, one in files)
        self.assertEqual(tuple((name, type, one.strip()) for name, type, one in told), example.files)

    def check_envelope(self, example: Example, mail: Delivered) -> None:
        """Bounces go to us or to whom is named, and reports are asked for as they were."""
        if "trackbounces" in example.properties:
            self.assertTrue(mail.reverse_path.endswith("@bounces.localhost"), mail)
        else:
            self.assertEqual(mail.reverse_path, example.envelope)
        for wanted, said in ((example.mail, mail.mail_parameters), (example.rcpt, " ".join(mail.rcpt_parameters))):
            self.assertLessEqual(set(wanted.split()), set(said.split()), example)

    def check_rows(self, example: Example, rows: list[dict[str, str]]) -> None:
        """The log file names what was asked for."""
        for row in rows:
            self.assertEqual(set(row["properties"].split(";")), set(example.properties.split(";")), example)
            self.assertEqual((row["envelope"], row["tags"], row["templateid"]), (example.envelope, example.tags, "0"))

    def rows(self, talk: Talk, prefix: str) -> list[dict[str, Any]]:
        """The events of a log file of today."""
        (day,) = talk.get("logfiles")
        return [{"data": row} for row in talk.get(f"logfiles/{prefix}.{day}.log/json")]

    def check_messages(self, talk: Talk, ids: dict[str, str]) -> None:
        """The parts of a message (rest-messages), all of them plain text."""
        first, html, mime = ids["john.3@doe.example"], ids["john.2@doe.example"], ids["john.20@doe.example"]
        self.assertEqual(
            talk.texts(f"recipient/{first}", f"envelope/{first}"), ["john.3@doe.example", "info@example.com"]
        )
        self.assertEqual(talk.texts(f"envelope/{mime}"), [""])
        text, shown, header, headers = talk.texts(
            f"text/{ids['john.1@doe.example']}", f"html/{html}", f"header/{html}", f"headers/{html}"
        )
        self.assertEqual(text.strip(), "This is example content")
        self.assertIn("This is example content", shown)
        found = email.message_from_string(header, policy=email.policy.default)
        self.assertEqual((found["subject"], found["to"]), ("This is the subject", "john.2@doe.example"))
        self.assertEqual(header.splitlines()[1:5], headers.splitlines()[1:5])
        (whole,) = talk.texts(f"mime/{mime}")
        self.assertIn("\r\nSubject: Whole\r\n", whole)

    def check_attachments(self, talk: Talk, message_id: str) -> None:
        """The files of a message by name and by number."""
        listed = talk.get(f"attachments/{message_id}")
        self.assertEqual([(one["number"], one["name"]) for one in listed], [(0, "attachment1.pdf"), (1, "test.txt")])
        self.assertEqual(talk.get(f"embeds/{message_id}"), [])
        asked = [f"v1/attachments/{message_id}/{which}" for which in ("attachment1.pdf", "0", "test.txt", "1")]
        answers = talk.calls(*(("get", path, {}) for path in asked))
        self.assertEqual([one["value"].strip()[:8] for one in answers], ["%PDF-1.4"] * 2 + ["This is "] * 2)
        types = [one["type"].partition(";")[0] for one in answers]
        self.assertEqual(types, ["application/pdf"] * 2 + ["text/plain"] * 2)

    def check_embeds(self, talk: Talk, message_id: str) -> None:
        """What is embedded, by name and by number; the attachments are not among it."""
        (listed,) = talk.get(f"embeds/{message_id}")
        self.assertEqual((listed["number"], listed["name"], listed["cid"]), (0, "logo.gif", "logo"))
        (large,) = talk.get(f"attachments/{message_id}")
        self.assertEqual((large["name"], large["size"]), ("large.txt", 1_200_000))
        answers = talk.calls(*(("get", f"v1/embeds/{message_id}/{which}", {}) for which in ("logo.gif", "0")))
        self.assertEqual(
            {(one["status"], one["type"], one["value"][:6]) for one in answers}, {(200, "image/gif", "GIF89a")}
        )

    def check_events(self, talk: Talk, ids: dict[str, str]) -> None:
        """Events by message, address, tags and template, with windows and tags (rest-events)."""
        address, today = "john.22@doe.example", date.today()
        message_id, window = ids[address], {"start": str(today - timedelta(2)), "end": str(today + timedelta(2))}
        for path in (f"messageid/{message_id}", f"email/{address}", "tags/tag1", "tags/tag1;tag2"):
            for more in ({}, window, {"tags": "tag2;tag1"}):
                found = talk.get(f"events/{path}", **more)
                self.assertEqual([one["type"] for one in found], ["attempt", "delivery"], (path, more))
                self.assertEqual({one["data"]["id"] for one in found}, {message_id})
                self.assertTrue(all(isinstance(value, str) for one in found for value in one["data"].values()))
        self.assertEqual(talk.get(f"events/email/{address}", tags="tag3"), [])
        self.assertEqual(talk.get(f"events/email/{address}", start="2016-03-20"), [])
        self.assertEqual(talk.get("events/template/12"), [])
        of_form = talk.get("events/tags/a;b")
        self.assertEqual([one["data"]["recipient"] for one in of_form], [CODE["recipient"]] * 2)

    def check_log_files(self, talk: Talk, count: int) -> None:
        """Dates, names, and a file in its four forms (rest-logfiles)."""
        (day,) = talk.get("logfiles")
        self.assertEqual(talk.get(f"logfiles/{day}"), [f"attempts.{day}.log", f"deliveries.{day}.log"])
        plain, headed, xml = (
            one["value"]
            for one in talk.calls(
                *(("get", f"v1/logfiles/attempts.{day}.log{form}", {}) for form in ("", "/header", "/xml"))
            )
        )
        rows = list(csv.reader(StringIO(plain, newline="")))
        self.assertEqual(list(csv.reader(StringIO(headed, newline=""))), [MESSAGE_FIELDS, *rows])
        self.assertEqual(len(rows), count)
        records = ElementTree.fromstring(xml)
        self.assertEqual((records.tag, {one.tag for one in records}), ("records", {"record"}))
        self.assertEqual([[part.text or "" for part in one] for one in records], rows)

    def check_resent(self, talk: Talk, sink: Sink, count: int, first: str) -> None:
        """A message is sent once more, under an id of its own; content and fields remain (rest-send-advanced)."""
        body = f'{{\n    "message": "{first}"\n}}'
        (answer,) = talk.calls(("text", "v1/resend", body, JSON))
        ((message_id, address),) = answer["value"].items()
        self.assertEqual((answer["status"], address), (200, "john.5@doe.example"))
        self.assertNotEqual(message_id, first)
        mails = [one for one in sink.wait_for(count + 1) if one.recipients == (address,)]
        subjects = [email.message_from_bytes(one.content)["subject"] for one in mails]
        self.assertEqual(subjects, ["This is an example message"] * 2)


class WireTests(SynchronousTestCase):
    """Requests as they are printed, byte for byte, on a connection of their own."""

    def test_printed(self) -> None:
        """A request of HTTP/1.0 is answered with a whole answer, and the connection closed."""
        with Sink() as sink, server(sink) as (it, port, token):
            body = examples("")[0].body.encode()
            head = f"POST /v1/send?access_token={token} HTTP/1.0\r\nHost: www.smtpeter.com\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = self.say(it, port, head.encode() + body)
            status, _, rest = answer.partition(b"\r\n")
            self.assertIn(b" 200 ", status)
            ((message_id, address),) = json.loads(rest.partition(b"\r\n\r\n")[2]).items()
            self.assertEqual(address, "john.1@doe.example")
            it.wait_events("delivery")
            (day,) = {str(one["data"]["time"])[:10] for one in self.events(it, port, token, message_id)}
            asked = (
                f"GET /v1/logfiles/attempts.{day}.log?access_token={token} HTTP/1.0\r\nHost: www.smtpeter.com\r\n\r\n"
            )
            header, _, rows = self.say(it, port, asked.encode()).partition(b"\r\n\r\n")
            self.assertNotIn(b"chunked", header.lower())
            self.assertTrue(rows.startswith(message_id.encode()) and rows.endswith(b"\r\n"), rows)
            self.check_unfit(it, port, token, sink)
            with socket.create_connection(("127.0.0.1", it.web_port), timeout=20) as plain:
                plain.sendall(head.encode() + body)
                self.assertIn(b" 400 Bad Request\r\n", plain.recv(100))

    def check_unfit(self, it: Installation, port: int, token: str, sink: Sink) -> None:
        """The message with slips goes out as it is, but for what every message gets."""
        body = json.dumps({"recipient": "odd@doe.example", "mime": UNFIT_MIME, "trackbounces": False}).encode()
        head = f"POST /v1/send?access_token={token} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        answer = self.say(it, port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.assertIn(b" 200 OK\r\n", answer)
        (mail,) = [one for one in sink.wait_for(2) if one.recipients == ("odd@doe.example",)]
        self.assertTrue(mail.content.endswith(UNFIT_MIME.replace("\n", "\r\n").encode()), mail.content)

    def events(self, it: Installation, port: int, token: str, message_id: str) -> list[dict[str, Any]]:
        """What happened to a message."""
        request = (
            f"GET /v1/events/messageid/{message_id}?access_token={token} HTTP/1.0\r\nHost: www.smtpeter.com\r\n\r\n"
        )
        found: list[dict[str, Any]] = json.loads(self.say(it, port, request.encode()).partition(b"\r\n\r\n")[2])
        return found

    def say(self, it: Installation, port: int, request: bytes) -> bytes:
        """All that is answered until the connection is closed."""
        context = ssl.create_default_context(cafile=str(it.certificate))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as one,
            context.wrap_socket(one, server_hostname="localhost") as secure,
        ):
            secure.sendall(request)
            return b"".join(iter(lambda: secure.recv(1 << 16), b""))
