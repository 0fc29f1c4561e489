"""
A real SMTPeter in a folder of its own, set up by its own commands and run as a process, for functional tests.

It listens on free loopback ports and sends everything to one loopback port.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from attrs import define, field

import smtpeter

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(smtpeter.__file__).parents[1])}
"""Runs the package that the tests import, installed or not."""

SQLITE = "sqlite:///state/smtpeter.db"

TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()")

TWIST = (sys.executable, "-m", "twisted", "--log-format=text")
"""The same program as C{twist}."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody uses at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@define(eq=False)
class Installation:
    """An installation; C{with Installation(next_hop_port) as it:} makes it, starts it and takes it away."""

    next_hop_port: int
    extra: str = ""
    """More TOML, put behind the rest; sections must be new ones."""
    smtp: str = ""
    """More keys of C{[smtp]}."""
    processing: str = ""
    web: str = ""
    """More keys of C{[web]}."""
    has_secure_web: bool = False
    """Whether the web site is served over TLS too, and links lead there."""
    relay: str = ""
    route: bool = True
    """Whether all mail is sent to the next hop by a route."""
    is_started: bool = True
    program: tuple[str, ...] = (*TWISTD, "-n", "--pidfile=")
    """What runs the plugin."""
    wrapper: tuple[str, ...] = ()
    """A command that runs the server: C{prlimit …}, C{strace …}."""
    environment: dict[str, str] = field(factory=dict)
    """More variables for the server."""
    database: str = SQLITE
    """The URL of the database; one that is not SQLite is migrated and gets an account."""
    folder: Path = field(init=False, factory=lambda: Path(tempfile.mkdtemp(prefix="smtpeter-test-")))
    smtp_port: int = field(init=False, default=0)
    tls_port: int = field(init=False, default=0)
    web_port: int = field(init=False, default=0)
    web_tls_port: int = field(init=False, default=0)
    process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __enter__(self) -> "Installation":
        self.smtp_port, self.tls_port, self.web_port, self.web_tls_port = free_ports(4)
        try:
            self.cli("init", str(self.folder / "run"), "--hostname", "localhost", config=False)
            self._write_config()
            if self.database != SQLITE:
                self._found_database()
            if self.is_started:
                self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "run" / "smtpeter.toml"

    @property
    def certificate(self) -> Path:
        """What clients must trust."""
        return self.folder / "run" / "tls" / "cert.pem"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.folder / "log"

    @property
    def tracking_url(self) -> str:
        """Where links and pixels lead."""
        return f"https://localhost:{self.web_tls_port}" if self.has_secure_web else f"http://127.0.0.1:{self.web_port}"

    def _write_config(self) -> None:
        route = (
            f'[[relay.route]]\ndomain = "*"\nhost = "127.0.0.1"\nport = {self.next_hop_port}\ntls = "opportunistic"\n'
        )
        secure = f'"tcp:{self.web_tls_port}:interface=127.0.0.1"' if self.has_secure_web else ""
        self.config.write_text(
            f"""
[server]
hostname = "localhost"
state_dir = "state"
contact = "postmaster@localhost"
[database]
url = "{self.database}"
[smtp]
listen = ["tcp:{self.smtp_port}:interface=127.0.0.1"]
listen_tls = ["tcp:{self.tls_port}:interface=127.0.0.1"]
{self.smtp}
[tls]
certificate = "tls/cert.pem"
key = "tls/key.pem"
[web]
listen = ["tcp:{self.web_port}:interface=127.0.0.1"]
listen_tls = [{secure}]
public_url = "http://localhost:{self.web_port}"
{self.web}
[processing]
{self.processing}
[tracking]
url = "{self.tracking_url}"
bounce_domain = "bounces.localhost"
[relay]
{self.relay}
{route if self.route else ""}
{self.extra}
"""
        )

    def _found_database(self) -> None:
        """As an operator does who moves from SQLite; for a second server there is nothing left to do."""
        self.cli("migrate")
        if not self.listed("account", "list"):
            self.cli("account", "create", "default")

    def command(self, *arguments: str) -> list[str]:
        """A call of the command line."""
        return [sys.executable, "-m", "smtpeter", *arguments]

    def run(self, *arguments: str, config: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command; its exit code is the caller's to judge."""
        environment = dict(ENVIRONMENT)
        if config:
            environment["SMTPETER_CONFIG"] = str(self.config)
        return subprocess.run(
            self.command(*arguments),
            check=False,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def cli(self, *arguments: str, config: bool = True) -> Any:
        """
        Run a command with C{--json}.

        @return: its object, or a list of them where it prints several or none.
        """
        done = self.run(*arguments, "--json", config=config)
        assert done.returncode == 0, f"{arguments}: {done.returncode} {done.stdout} {done.stderr}"
        objects = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        return objects[0] if len(objects) == 1 else objects

    def sender(self, domain: str, *features: str) -> tuple[str, str]:
        """Approve a sender domain of the first account and make a login. @return: user name and password."""
        account = ("--account", "default")
        if domain not in [one["name"] for one in self.listed("domain", "list", *account)]:
            self.cli("domain", "add", domain, "--approve", *account)
        name = "login-" + "-".join(feature.strip("-") for feature in features)
        login = self.cli("login", "create", name, *features, *account)
        return login["username"], login["password"]

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """What a listing command prints."""
        found = self.cli(*arguments)
        return found if isinstance(found, list) else [found]

    def take_secrets(self, other: "Installation") -> None:
        """Have another installation's secrets: both are servers of one database then."""
        mine = self.folder / "run" / "secrets"
        shutil.rmtree(mine)
        shutil.copytree(other.folder / "run" / "secrets", mine)

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, *self.program, "smtpeter", "--config", str(self.config)],
                cwd=self.folder,
                env={**ENVIRONMENT, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_ready()

    def wait_ready(self, seconds: float = 30.0) -> None:
        """Wait until C{/readyz} says so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is not None
            assert self.process.poll() is None, f"the server ended:\n{self.log.read_text()}"
            try:
                with urllib.request.urlopen(f"http://localhost:{self.web_port}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError(f"not ready in {seconds} s:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End the whole process group at once, as a crash does."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 30.0) -> None:
        """
        SIGTERM, and the end in order: the log says so, and the exit is twistd's, which passes the signal on to itself.

        @raise AssertionError: it ended otherwise.
        """
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(seconds)
        said = self.log.read_text()
        assert code in (0, -signal.SIGTERM), f"exit code {code}:\n{said}"
        assert any(line.endswith("stopped") for line in said.splitlines()[-5:]), said
        assert "Traceback" not in said, said

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The journal, or those of some types."""
        return [event for event in self.listed("events") if not types or event["event"] in types]

    def wait_events(self, type: str, count: int = 1, seconds: float = 20.0) -> list[dict[str, Any]]:
        """Wait until so many events of a type are written."""
        end = time.monotonic() + seconds
        while len(found := self.events(type)) < count and time.monotonic() < end:
            time.sleep(0.2)
        assert len(found) >= count, f"{len(found)} of {count} {type} events:\n{self.log.read_text()}"
        return found
