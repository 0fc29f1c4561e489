"""The monitor of a data request: curl asks, and a web server or a mail server of the test hears the answer."""

import contextlib
import email
import email.policy
import json
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from attrs import define, field
from sqlalchemy import create_engine, text
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.functional.test_datarequest import VALUE, wait_answer
from tests.support.clients import tool
from tests.support.database import postgresql_url
from tests.support.installation import SQLITE, Installation
from tests.support.rest import INSECURE, Client, client
from tests.support.sink import Sink

PRIVATE = INSECURE + "\nallow_private = true"


@define(eq=False)
class Listener:
    """What came to a URL."""

    url: str = ""
    may_answer: Event = field(factory=Event)
    heard: list[tuple[str, str, bytes]] = field(factory=list)
    """Path, media type and body of each POST."""

    def wait(self, count: int, seconds: float = 30.0) -> list[tuple[str, str, bytes]]:
        """Wait until so many came."""
        end = time.monotonic() + seconds
        while len(self.heard) < count and time.monotonic() < end:
            time.sleep(0.1)
        return list(self.heard)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    """A web server that takes whatever is posted."""
    listener = Listener()
    listener.may_answer.set()

    class Taking(BaseHTTPRequestHandler):
        """One request."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.heard.append((self.path, self.headers["Content-Type"], body))
            listener.may_answer.wait(60)
            with contextlib.suppress(ConnectionError):
                self.send_response(204)
                self.end_headers()

        @override
        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        listener.url = f"http://127.0.0.1:{server.server_port}/told?key=k"
        yield listener
        server.shutdown()


def ask(asked: Client, monitor: str) -> tuple[int, Any]:
    """Ask with curl, by form data as it sends it. @return: status and JSON."""
    fields = ["--data-urlencode", "email=joe@y.example", "--data-urlencode", f"monitor={monitor}"]
    token = ["-H", f"Authorization: Bearer {asked.token}"]
    url = f"http://localhost:{asked.it.web_port}/v1/datarequest"
    command = [tool("curl"), "-s", "-w", "\n%{http_code}", *token, *fields, url]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    answer, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(answer)


def wait_recorded(it: Installation, seconds: float = 30.0) -> None:
    """Wait until the database says that no monitor is to be told any more."""
    url = f"sqlite:///{it.folder}/run/state/smtpeter.db" if it.database == SQLITE else it.database
    engine, end = create_engine(url), time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            with engine.connect() as connection:
                if not connection.scalar(text("SELECT count(*) FROM inquiries WHERE tell_at IS NOT NULL")):
                    return
            time.sleep(0.05)
    finally:
        engine.dispose()
    raise AssertionError(f"a monitor is not told in {seconds} s:\n{it.log.read_text()}")


class MonitorTests(SynchronousTestCase):
    """One server."""

    def test_url(self) -> None:
        """A URL gets the answer by one POST, as GET has it; a server that crashes after it does not repeat it."""
        with listening() as listener, Sink() as sink, Installation(sink.port, web=PRIVATE) as it:
            asked = client(it)
            asked.post("/v1/send", VALUE)
            it.wait_events("delivery", 2)
            status, told = ask(asked, listener.url)
            self.assertEqual(status, 201)
            ((path, type, body),) = listener.wait(1)
            self.assertEqual((path, type), ("/told?key=k", "application/json"))
            self.assertEqual(json.loads(body), wait_answer(asked, told["id"]))
            self.assertEqual(json.loads(body)["data"][0][0]["data"]["recipient"], "Joe@y.example")
            wait_recorded(it)
            it.kill()
            it.start()
            self.assertEqual(len(listener.wait(2, 5.0)), 1)
            it.stop()

    def test_slow(self) -> None:
        """A server that stops does not wait for one that does not answer."""
        with listening() as listener, Sink() as sink, Installation(sink.port, web=PRIVATE) as it:
            listener.may_answer.clear()
            self.assertEqual(ask(client(it), listener.url)[0], 201)
            self.assertEqual(len(listener.wait(1)), 1)
            it.stop(10.0)
            listener.may_answer.set()

    def test_mail(self) -> None:
        """An e-mail address gets the answer as an attachment, once, from nobody; nothing was handed in for it."""
        with Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            asked.post("/v1/send", VALUE)
            it.wait_events("delivery", 2)
            status, told = ask(asked, "Privacy@z.example")
            self.assertEqual(status, 201)
            letter = sink.wait_for(3)[-1]
            self.assertEqual((letter.reverse_path, letter.recipients), ("", ("Privacy@z.example",)))
            found = email.message_from_bytes(letter.content, policy=email.policy.default)
            self.assertEqual(found.defects, [])
            self.assertEqual((found["From"], found["To"]), ("SMTPeter <postmaster@localhost>", "Privacy@z.example"))
            self.assertEqual(
                [len(found.get_all(name, [])) for name in ("Date", "Message-ID", "Auto-Submitted")], [1] * 3
            )
            (attached,) = found.iter_attachments()
            self.assertEqual(attached.get_content_type(), "application/json")
            self.assertEqual(attached.get_filename(), f"datarequest-{told['id']}.json")
            self.assertEqual(json.loads(attached.get_content()), wait_answer(asked, told["id"]))
            it.wait_events("delivery", 3)
            self.assertEqual(len(it.events("attempt")), 2)
            it.kill()
            it.start()
            time.sleep(4.0)
            self.assertEqual(len(sink.arrived), 3)

    def test_private(self) -> None:
        """A URL of a private network is refused at once, unless the operator allows it."""
        with listening() as listener, Sink() as sink, Installation(sink.port, web=INSECURE) as it:
            asked = client(it)
            for monitor in (listener.url, "ftp://shop.example/", "nobody"):
                status, answer = ask(asked, monitor)
                self.assertEqual((status, answer["error"]["field"]), (400, "monitor"), monitor)
                self.assertIn("or an e-mail address", answer["error"]["message"])
            self.assertEqual(listener.heard, [])


class ClusterTests(SynchronousTestCase):
    """Two servers on one PostgreSQL."""

    def test_once(self) -> None:
        """Each monitor hears once, whichever server tells it."""
        url = postgresql_url(self.addCleanup)
        with (
            listening() as listener,
            Sink() as sink,
            Installation(sink.port, web=PRIVATE, database=url) as one,
            Installation(sink.port, web=PRIVATE, database=url, is_started=False) as two,
        ):
            two.take_secrets(one)
            two.start()
            asked = client(one)
            for number in range(4):
                self.assertEqual(ask(asked, f"{listener.url}{number}")[0], 201)
                self.assertEqual(ask(asked, f"p{number}@z.example")[0], 201)
            listener.wait(4)
            sink.wait_for(4)
            time.sleep(5.0)
            self.assertEqual(sorted(path for path, _, _ in listener.heard), [f"/told?key=k{n}" for n in range(4)])
            reached = sorted(arrived.recipients for arrived in sink.arrived)
            self.assertEqual(reached, [(f"p{number}@z.example",) for number in range(4)])
            for it in (one, two):
                it.stop()
