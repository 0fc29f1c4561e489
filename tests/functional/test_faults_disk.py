"""The disk of the database is full, or fails."""

import shutil
import subprocess
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_durability import crash, queue_is_empty
from tests.functional.test_main_job import session
from tests.support.crowd import Account, Crowd, content_of
from tests.support.disk import small_disk
from tests.support.installation import ENVIRONMENT, TWISTD, Installation
from tests.support.process import UNLIMITED, limit_file_size
from tests.support.sink import Sink
from tests.support.valve import Valve

BACKLOG = 200
MEGABYTE = 1 << 20


def hand_in(it: Installation, credentials: tuple[str, str], number: int) -> tuple[int, bytes]:
    """What the final dot of one mail gets."""
    with session(it, *credentials) as client:
        client.mail("a@shop.example")
        client.rcpt(f"r{number}@customer.example")
        return client.data(content_of(number))


class FullDiskTests(SynchronousTestCase):
    """A file system of memory that is filled."""

    def test_reserve(self) -> None:
        """With only the reserve left nothing is accepted, and what was accepted is delivered and recorded."""
        valve = Valve()
        it = Installation(0)
        with Sink(answer_message=valve) as sink, small_disk(it, "run") as disk:
            it.next_hop_port = sink.port
            with it:
                credentials = it.sender("shop.example")
                with Crowd(it, credentials, BACKLOG) as crowd:
                    crowd.join(60)
                disk.fill(rest_bytes=32 * MEGABYTE)
                self.assertEqual(hand_in(it, credentials, 1000)[0], 452)
                valve.open()
                sink.wait_for(BACKLOG)
                it.wait_events("delivery", BACKLOG)
                disk.empty()
                self.assertEqual(hand_in(it, credentials, 1000)[0], 250)
                sink.wait_for(BACKLOG + 1)
                self.assertTrue(queue_is_empty(it))
                self.assertEqual(Account(crowd, sink.arrived).repeated, 0)
                it.stop()

    def test_full(self) -> None:
        """On a full disk sending stops until space is there again; then all is delivered, nothing twice."""
        self.fill_up(is_crash=False)

    def test_crash(self) -> None:
        """A crash on a full disk repeats no more than the connections then open."""
        self.fill_up(is_crash=True)

    def test_database_elsewhere(self) -> None:
        """The reserve is kept on the disk of the database, wherever the state folder is."""
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            credentials = it.sender("shop.example")
            with small_disk(it, "elsewhere") as disk:
                shutil.move(it.folder / "run" / "state" / "smtpeter.db", disk.path / "smtpeter.db")
                text = it.config.read_text()
                it.config.write_text(text.replace("sqlite:///state/smtpeter.db", f"sqlite:///{disk.path}/smtpeter.db"))
                it.start()
                self.assertEqual(hand_in(it, credentials, 0)[0], 250)
                disk.fill(rest_bytes=32 * MEGABYTE)
                self.assertEqual(hand_in(it, credentials, 1)[0], 452)
                it.stop()

    def fill_up(self, is_crash: bool) -> None:
        """Fill the disk while mail is on its way."""
        valve = Valve()
        it = Installation(0)
        with Sink(answer_message=valve) as sink, small_disk(it, "run") as disk:
            it.next_hop_port = sink.port
            with it:
                credentials = it.sender("shop.example")
                with Crowd(it, credentials, BACKLOG) as crowd:
                    crowd.join(60)
                disk.fill()
                self.assertIn(hand_in(it, credentials, 1000)[0], (451, 452))
                valve.open()
                time.sleep(8)
                self.assertLessEqual(len(sink.arrived), sink.open_connections)
                found = crash(it, sink) if is_crash else 0
                disk.empty()
                if is_crash:
                    it.start()
                sink.wait_for(BACKLOG, 60)
                self.assertTrue(queue_is_empty(it))
                account = Account(crowd, sink.arrived)
                self.assertEqual((account.lost, account.altered, account.ghosts), (set(), set(), set()))
                self.assertLessEqual(account.repeated, found)
                self.assertEqual(hand_in(it, credentials, 1000)[0], 250)
                it.stop()


class BrokenDiskTests(SynchronousTestCase):
    """Every write to a file fails, those to the log among them."""

    def test_recovery(self) -> None:
        """Mail gets 451 and sending stops; when the disk works again all is delivered, nothing twice."""
        self.break_disk(is_crash=False)

    def test_crash(self) -> None:
        """A crash meanwhile repeats no more than the connections then open."""
        self.break_disk(is_crash=True)

    def break_disk(self, is_crash: bool) -> None:
        """Let writes fail while mail is on its way."""
        valve = Valve()
        with Sink(answer_message=valve) as sink, Installation(sink.port) as it:
            credentials = it.sender("shop.example")
            with Crowd(it, credentials, BACKLOG) as crowd:
                crowd.join(60)
            limit_file_size(it, 0)
            self.assertEqual(hand_in(it, credentials, 1000)[0], 451)
            valve.open()
            time.sleep(4)
            self.assertLessEqual(len(sink.arrived), sink.open_connections)
            found = 0
            if is_crash:
                found = crash(it, sink)
                it.start()
            else:
                limit_file_size(it, UNLIMITED)
            sink.wait_for(BACKLOG, 60)
            self.assertTrue(queue_is_empty(it))
            account = Account(crowd, sink.arrived)
            self.assertEqual((account.lost, account.altered, account.ghosts), (set(), set(), set()))
            self.assertLessEqual(account.repeated, found)
            self.assertEqual(hand_in(it, credentials, 1000)[0], 250)
            it.stop()

    def test_read_only_start(self) -> None:
        """On a file system that became read-only the server does not start, and names the file."""
        with Installation(1, is_started=False) as it, small_disk(it, "frozen") as disk:
            shutil.copytree(it.folder / "run", disk.path, dirs_exist_ok=True)
            disk.freeze()
            done = subprocess.run(
                [*TWISTD, "-n", "--pidfile=", "smtpeter", "--config", str(disk.path / "smtpeter.toml")],
                check=False,
                cwd=it.folder,
                env=ENVIRONMENT,
                capture_output=True,
                text=True,
                timeout=60,
            )
            said = done.stdout + done.stderr
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(f"{disk.path}/state/smtpeter.db", said)
            self.assertNotIn("Traceback", said)
