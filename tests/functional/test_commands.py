"""The program as it is started by hand."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.installation import ENVIRONMENT, TWISTD, Installation, free_ports
from tests.support.sink import Sink


class PluginTests(SynchronousTestCase):
    """Twisted's own commands know the server."""

    def test_twistd(self) -> None:
        """C{twistd --help} lists it."""
        self.check((*TWISTD, "--help"))

    def test_twist(self) -> None:
        """C{twist --help} and C{python -m twisted} list it."""
        self.check((sys.executable, "-m", "twisted", "--help"))

    def check(self, command: tuple[str, ...]) -> None:
        """The plugin's line is in the help."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, check=True, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
            )
        self.assertRegex(done.stdout, r"(?m)^ +smtpeter +An e-mail gateway")


class StartTests(SynchronousTestCase):
    """Starting with something wrong."""

    def start(self, it: Installation) -> str:
        """Start the server in the foreground, expect a failure. @return: what it said."""
        done = subprocess.run(
            [*TWISTD, "-n", "--pidfile=", "smtpeter", "--config", str(it.config)],
            check=False,
            cwd=it.folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotEqual(done.returncode, 0)
        return done.stdout + done.stderr

    def test_faults(self) -> None:
        """All faults of a configuration are told at once, with section and key, without a traceback."""
        with Installation(1, is_started=False) as it:
            it.config.write_text("[server]\nhostname = 5\n[smtp]\nmax_recipient = 3\n[webhooks]\nx = 1\n")
            said = self.start(it)
        for word in ("hostname", "max_recipient", "webhooks"):
            self.assertIn(word, said)
        self.assertNotIn("Traceback", said)

    def test_port_in_use(self) -> None:
        """A port that another program has is told with what to do, without a traceback."""
        with socket.socket() as other, Installation(1, is_started=False) as it:
            other.bind(("127.0.0.1", it.smtp_port))
            other.listen()
            said = self.start(it)
        self.assertIn(f"cannot listen on tcp:{it.smtp_port}:interface=127.0.0.1", said)
        self.assertIn("another program listens there", said)
        self.assertNotIn("Traceback", said)

    def test_old_schema(self) -> None:
        """A database without tables is refused, and the remedy is named."""
        with Installation(1, is_started=False) as it:
            (it.config.parent / "state" / "smtpeter.db").unlink()
            said = self.start(it)
        self.assertIn("smtpeter migrate", said)
        self.assertNotIn("Traceback", said)

    def test_second_server(self) -> None:
        """A second server on the same state is refused, though its ports are free; the first one goes on."""
        with Sink() as sink, Installation(sink.port) as it:
            first = it.process
            assert first is not None
            credentials = it.sender("shop.example")
            used = (it.smtp_port, it.tls_port, it.web_port)
            text = it.config.read_text()
            for port, free in zip(used, free_ports(3), strict=True):
                text = text.replace(f"tcp:{port}:", f"tcp:{free}:")
            it.config.write_text(text)
            said = self.start(it)
            self.assertIn(f"{it.folder}/run/state is in use by another smtpeter server (process {first.pid})", said)
            self.assertNotIn("Traceback", said)
            with session(it, *credentials) as client:
                client.sendmail("a@shop.example", ["r@customer.example"], "From: a@shop.example\r\n\r\nx\r\n")
            sink.wait_for(1)
            it.stop()


def hear_interrupts(case: SynchronousTestCase) -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that the tests start there."""
    case.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)


class FollowTests(SynchronousTestCase):
    """C{smtpeter events --follow} beside a running server."""

    def test_follow(self) -> None:
        """Events are printed as they come, and Ctrl-C is how it ends: with 0, and without a word."""
        hear_interrupts(self)
        with Sink() as sink, Installation(sink.port) as it:
            login = it.sender("shop.example")
            following = subprocess.Popen(
                it.command("events", "--follow", "--json", "--config", str(it.config)),
                cwd=it.folder,
                env=ENVIRONMENT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                with session(it, *login) as client:
                    client.sendmail("a@shop.example", ["b@y.example"], "From: a@shop.example\r\n\r\nx\r\n")
                assert following.stdout is not None
                seen = [json.loads(following.stdout.readline())["event"] for _ in range(2)]
                self.assertEqual(seen, ["attempt", "delivery"])
            finally:
                following.send_signal(signal.SIGINT)
                said = following.communicate(timeout=30)
            self.assertEqual((following.returncode, *said), (0, "", ""))


class DemoTests(SynchronousTestCase):
    """The demo is the real server."""

    def demo(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it."""
        return subprocess.Popen(
            [sys.executable, "-m", "smtpeter", "demo", *arguments],
            env={**ENVIRONMENT, "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def test_ready_and_stop(self) -> None:
        """
        It shows what arrived, its link and events, says ready on a line of its own, and ends with 0 on SIGTERM and on
        Ctrl-C; its folder is gone then.
        """
        hear_interrupts(self)
        for number in (signal.SIGTERM, signal.SIGINT):
            process = self.demo()
            try:
                assert process.stdout is not None
                said = []
                for line in process.stdout:
                    said.append(line)
                    if line.strip() == "ready":
                        break
                text = "".join(said)
                self.assertEqual(said[-1].strip(), "ready", text)
                for word in ("DKIM-Signature", "click", "delivery", "open"):
                    self.assertIn(word, text)
                folder = Path(said[0].split("runs in ")[1].split(":")[0])
                self.assertTrue(folder.is_dir())
                process.send_signal(number)
                self.assertEqual(process.wait(30), 0)
                self.assertFalse(folder.exists())
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

    def test_once(self) -> None:
        """C{--once} ends by itself; C{--json} prints objects."""
        said, _ = self.demo("--once", "--json").communicate(timeout=90)
        objects = [json.loads(line) for line in said.splitlines()]
        self.assertEqual(objects[-1], {"status": "ready"})
