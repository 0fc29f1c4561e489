"""The server on PostgreSQL: the whole way of a message, crashes, the loss of the database, and several servers."""

import shutil
import smtplib
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.functional import test_main_job
from tests.functional.test_main_job import session
from tests.support import installation
from tests.support.cutting import CuttingProxy
from tests.support.database import postgresql_url
from tests.support.installation import Installation
from tests.support.postgresql import ADDRESS, postgresql
from tests.support.sink import Delivered, Sink

LEASE_SECONDS = 30.0
CLIENTS = 8


class PostgreSQLMainJobTests(test_main_job.MainJobTests):
    """The main job with PostgreSQL."""

    @override
    def setUp(self) -> None:
        database = postgresql_url(self.addCleanup)
        self.patch(test_main_job, "Installation", partial(Installation, database=database))


class Insistent:
    """Clients that hand in numbered mails, each again and again until it is acknowledged."""

    def __init__(self, it: Installation, credentials: tuple[str, str], start: int = 0) -> None:
        self.it = it
        self.credentials = credentials
        self.acknowledged: set[str] = set()
        self.refusals: Counter[int] = Counter()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(start + one,), daemon=True) for one in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def wait_more(self, count: int = 20) -> None:
        """Wait until some more mails are acknowledged."""
        before, end = len(self.acknowledged), time.monotonic() + 40
        while len(self.acknowledged) < before + count:
            assert time.monotonic() < end, self.refusals
            time.sleep(0.05)

    def end(self) -> None:
        """No new mails; wait for those under way."""
        self.is_over.set()
        for thread in self.threads:
            thread.join(60)

    def run(self, client: int) -> None:
        """One client."""
        number = 0
        while not self.is_over.is_set():
            number += 1
            mark = f"mark-{client}-{number}-"
            while not self.hand_in(mark):
                if self.is_over.is_set():
                    return
                time.sleep(0.1)
            self.acknowledged.add(mark)

    def hand_in(self, mark: str) -> bool:
        """Whether it was acknowledged."""
        try:
            with session(self.it, *self.credentials) as client:
                content = f"From: a@shop.example\r\nSubject: {mark}\r\n\r\nx\r\n"
                client.sendmail("a@shop.example", ["r@customer.example"], content)
                return True
        except smtplib.SMTPResponseException as refusal:
            self.refusals[refusal.smtp_code] += 1
        except smtplib.SMTPRecipientsRefused as refusal:
            self.refusals.update(code for code, _ in refusal.recipients.values())
        except (OSError, smtplib.SMTPException):
            self.refusals[0] += 1
        return False


def marks(arrived: list[Delivered]) -> list[str]:
    """Which mails came."""
    return [one.content.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode() for one in arrived]


def slow_answer(_: Delivered) -> str:
    """What a receiver says who takes his time, so that accepted mail waits in memory."""
    time.sleep(0.5)
    return "250 2.0.0 Ok"


def wait_for(sink: Sink, wanted: set[str], seconds: float) -> list[str]:
    """All marks that arrived, once the wanted are among them or the time is over."""
    end = time.monotonic() + seconds
    while not wanted <= set(marks(sink.arrived)) and time.monotonic() < end:
        time.sleep(0.1)
    return marks(sink.arrived)


def readiness(it: Installation) -> int:
    """What C{/readyz} answers."""
    try:
        with urllib.request.urlopen(f"http://localhost:{it.web_port}/readyz", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


class CrashTests(SynchronousTestCase):
    """kill -9 of the whole process group."""

    def test_kill(self) -> None:
        """Killed in the middle and started again, the server delivers all that it acknowledged, and little twice."""
        with Sink() as sink, Installation(sink.port, database=postgresql_url(self.addCleanup)) as it:
            clients = Insistent(it, it.sender("shop.example"))
            for _ in range(2):
                clients.wait_more()
                it.kill()
                it.start()
            clients.wait_more()
            clients.end()
            arrived = wait_for(sink, clients.acknowledged, 40)
            self.assertEqual(clients.acknowledged - set(arrived), set())
            self.assertLessEqual(len(arrived) - len(set(arrived)), 2 * (CLIENTS + 10))
            it.stop()


class LossTests(SynchronousTestCase):
    """The connection to the database is lost and comes back."""

    @override
    def setUp(self) -> None:
        url = postgresql_url(self.addCleanup)
        port = postgresql().port
        self.proxy = CuttingProxy((ADDRESS, port))
        self.proxy.start()
        self.addCleanup(self.proxy.stop)
        self.url = url.replace(str(port), str(self.proxy.port))

    def test_cut(self) -> None:
        """Meanwhile mail is refused for now; afterwards all goes on by itself, nothing is lost, nothing sent twice."""
        with Sink() as sink, Installation(sink.port, database=self.url) as it:
            clients = Insistent(it, it.sender("shop.example"))
            clients.wait_more()
            for seconds in (0.0, 3.0):
                self.proxy.cut()
                time.sleep(seconds)
                if seconds:
                    self.assertEqual(readiness(it), 503)
                self.proxy.restore()
                clients.wait_more()
            clients.end()
            arrived = wait_for(sink, clients.acknowledged, 40)
            self.assertEqual(clients.acknowledged - set(arrived), set())
            self.check_once(it, arrived, clients)
            self.assertEqual(set(clients.refusals) - {451, 454, 421}, set())
            self.assertEqual(readiness(it), 200)
            it.stop()

    def test_refused_for_now(self) -> None:
        """A client that is logged in gets 451 for each mail meanwhile, at once, and 250 when the database is back."""
        content = b"From: a@shop.example\r\n\r\nx\r\n"
        with Sink() as sink, Installation(sink.port, database=self.url) as it:
            with session(it, *it.sender("shop.example")) as client:
                self.proxy.cut()
                for _ in range(2):
                    client.mail("a@shop.example")
                    client.rcpt("r@customer.example")
                    self.assertEqual(client.data(content)[0], 451)
                self.proxy.restore()
                end = time.monotonic() + 20
                while readiness(it) != 200 and time.monotonic() < end:
                    time.sleep(0.1)
                client.sendmail("a@shop.example", ["r@customer.example"], content)
            sink.wait_for(1, 20)
            it.wait_events("delivery")
            self.assertEqual(len(sink.arrived), 1)
            it.stop()

    def check_once(self, it: Installation, arrived: list[str], clients: Insistent) -> None:
        """Each accepted message was sent once. A mail that a client handed in twice is two messages."""
        delivered = Counter(event["message_id"] for event in it.wait_events("delivery", len(arrived)))
        self.assertEqual(set(delivered.values()), {1})
        self.assertEqual(len(delivered), len(arrived))
        self.assertLessEqual(len(arrived) - len(set(arrived)), 2 * CLIENTS)

    def test_commit_answer_lost(self) -> None:
        """Mail that was stored although the client was told otherwise is delivered: it is not forgotten as claimed."""
        with Sink() as sink, Installation(sink.port, database=self.url) as it:
            credentials = it.sender("shop.example")
            self.proxy.lose_commit_answer(behind=b"INSERT INTO submissions")
            with session(it, *credentials) as client, self.assertRaises(smtplib.SMTPDataError) as caught:
                client.sendmail("a@shop.example", ["r@customer.example"], "From: a@shop.example\r\n\r\nx\r\n")
            self.assertEqual(caught.exception.smtp_code, 451)
            self.assertTrue(self.proxy.committed.is_set())
            sink.wait_for(1, 20)
            it.wait_events("delivery")
            self.assertEqual(len(sink.arrived), 1)
            it.stop()


class ClusterTests(SynchronousTestCase):
    """Two servers on one database."""

    def test_one_dies(self) -> None:
        """When one of two servers is killed, the other delivers what that had accepted when its lease has ended."""
        url = postgresql_url(self.addCleanup)
        with (
            Sink(answer_message=slow_answer) as sink,
            Installation(sink.port, database=url) as one,
            Installation(sink.port, database=url, is_started=False) as two,
        ):
            self.share_secrets(one.folder, two.folder)
            two.start()
            credentials = one.sender("shop.example")
            clients = [Insistent(it, credentials, start) for it, start in ((one, 0), (two, 100))]
            for each in clients:
                each.wait_more(60)
            one.kill()
            self.assertNotEqual(clients[0].acknowledged - set(marks(sink.arrived)), set())
            for each in clients:
                each.end()
            acknowledged = clients[0].acknowledged | clients[1].acknowledged
            arrived = wait_for(sink, acknowledged, LEASE_SECONDS * 2 + 20)
            self.assertEqual(acknowledged - set(arrived), set())
            two.stop()

    def share_secrets(self, source: Path, target: Path) -> None:
        """As the documentation says of a second server: the same keys, a state folder of its own."""
        shutil.rmtree(target / "run" / "secrets")
        shutil.copytree(source / "run" / "secrets", target / "run" / "secrets")


class CommandTests(SynchronousTestCase):
    """The command line on PostgreSQL."""

    def test_backup(self) -> None:
        """A backup is refused, with the name of the program that makes one, and leaves nothing behind."""
        with Installation(1, database=postgresql_url(self.addCleanup), is_started=False) as it:
            done = it.run("backup", str(it.folder / "copy"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("pg_dump", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
            self.assertFalse((it.folder / "copy").exists())

    def test_lists(self) -> None:
        """What was made is listed."""
        with Installation(1, database=postgresql_url(self.addCleanup), is_started=False) as it:
            username, _ = it.sender("shop.example", "--trackclicks")
            (login,) = it.listed("login", "list")
            self.assertEqual(login["username"], username)
            self.assertEqual([one["name"] for one in it.listed("domain", "list")], ["shop.example"])
            self.assertEqual(it.listed("queue", "list"), [])
            self.assertEqual(it.cli("migrate")["before"], it.cli("migrate")["after"])

    def test_away(self) -> None:
        """A database that is not there is named in one line, without its password."""
        with Installation(1, is_started=False) as it:
            it.database = "postgresql+psycopg://peter:hush@127.0.0.1:1/nowhere"
            it._write_config()
            for command in (("login", "list"), ("migrate",), ("queue", "list")):
                done = it.run(*command)
                self.assertEqual(done.returncode, 1)
                self.assertIn("the database cannot be used", done.stderr)
                self.assertNotIn("hush", done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_no_driver(self) -> None:
        """Without the driver, server and commands say what to install."""
        with Installation(1, is_started=False) as it:
            it.database = "postgresql+psycopg://localhost/x"
            it._write_config()
            hidden = it.folder / "hidden"
            hidden.mkdir()
            (hidden / "psycopg.py").write_text("raise ModuleNotFoundError(\"No module named 'psycopg'\")\n")
            paths = f"{hidden}:{installation.ENVIRONMENT['PYTHONPATH']}"
            self.patch(installation, "ENVIRONMENT", {**installation.ENVIRONMENT, "PYTHONPATH": paths})
            done = it.run("login", "list")
            self.assertIn("pip install 'smtpeter[postgresql]'", done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            with self.assertRaises(AssertionError) as caught:
                it.start()
            self.assertIn("pip install 'smtpeter[postgresql]'", str(caught.exception))
            self.assertNotIn("Traceback", str(caught.exception))
