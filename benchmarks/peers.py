"""
The servers that are measured, each as its operator would run it, all alike in what counts: STARTTLS with the same
certificate, AUTH, a queue on the same disk that is synced before the message is acknowledged, the same next hop.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from benchmarks.machine import Usage, usage
from tests.support.installation import TWISTD, Installation, free_ports

START_SECONDS = 15.0
PREMAILER = "premailer"
USERNAME = "bench@localhost"
PASSWORD = "correct-horse"


@frozen(kw_only=True)
class Entrance:
    """Where mail is handed in, and what is done to it."""

    name: str
    port: int
    username: str = USERNAME
    password: str = PASSWORD
    sender: str = "news@plain.example"


class Peer(Protocol):
    """A server."""

    name: str

    def start(self) -> None:
        """Run it."""

    def stop(self) -> None:
        """End it and what belongs to it."""

    @property
    def pid(self) -> int:
        """The root of its processes."""

    @property
    def entrances(self) -> list[Entrance]:
        """Its ways in."""


def used(peer: Peer) -> Usage:
    """What its processes have used so far."""
    return usage(peer.pid)


@define(eq=False)
class SMTPeter:
    """
    Its own commands set it up; only ports, the route and two limits differ from what C{smtpeter init} writes: as many
    connections from one address as the load generator has, and unsigned mail from a domain without a key, which is the
    way in that is compared with servers that sign nothing.

    @ivar inliner: its CSS engine. With one that is not the default only the way in that uses it is measured.
    @ivar program: what runs the plugin.
    """

    next_hop_port: int
    name: str = "SMTPeter"
    features: tuple[str, ...] = ("--trackclicks", "--trackopens", "--trackbounces")
    extra: str = ""
    inliner: str = PREMAILER
    program: tuple[str, ...] = TWISTD
    installation: Installation = field(init=False)
    _entrances: list[Entrance] = field(factory=list, init=False)

    def start(self) -> None:
        """Set up and run."""
        self.installation = Installation(
            self.next_hop_port,
            smtp="max_connections_per_address = 1000",
            processing=f'inliner = "{self.inliner}"',
            extra='[submission]\nsender_domains = "optional"\n' + self.extra,
            program=(*self.program, "-n", "--pidfile="),
        )
        self.installation.__enter__()
        plain = self.installation.sender("signed.example")
        full = self.installation.sender("signed.example", *self.features)
        styled = self.installation.sender("signed.example", "--inlinecss", *self.features)
        port = self.installation.smtp_port
        self._entrances = [
            Entrance(name="features off", port=port, username=plain[0], password=plain[1]),
            self._signed("DKIM only", plain),
            self._signed("features on", full),
            self._signed(f"all, {self.inliner}", styled),
        ]
        if self.inliner != PREMAILER:
            self._entrances = self._entrances[-1:]

    def stop(self) -> None:
        """End it."""
        self.installation.__exit__()

    @property
    def pid(self) -> int:
        """The main process."""
        assert self.installation.process is not None
        return self.installation.process.pid

    @property
    def entrances(self) -> list[Entrance]:
        """Features off; signed; clicks, opens and bounces too; style sheets too."""
        return self._entrances

    def _signed(self, name: str, login: tuple[str, str]) -> Entrance:
        return Entrance(
            name=name,
            port=self.installation.smtp_port,
            username=login[0],
            password=login[1],
            sender="news@signed.example",
        )


@define(eq=False)
class Folder:
    """A peer's place on disk, and its process."""

    path: Path
    port: int = field(factory=lambda: free_ports(1)[0])
    process: "subprocess.Popen[bytes] | None" = None

    def write(self, name: str, text: str) -> Path:
        """A file of it."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run(self, *command: str) -> None:
        """Run the server in the foreground and wait until it greets."""
        log = (self.path / "log").open("ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not _greets(self.port):
            if time.monotonic() > end or self.process.poll() is not None:
                said = (self.path / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{command[0]} does not run:\n{said}")
            time.sleep(0.1)

    def end(self) -> None:
        """Stop the server and remove everything."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        shutil.rmtree(self.path, ignore_errors=True)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(100).startswith(b"220")
    except OSError:
        return False


@define(eq=False)
class TrivialSink:
    """Accepts everything, with TLS and AUTH, and forgets it: what the load generator can do."""

    folder: Folder
    certificate: Path
    key: Path
    counter: Path
    name: str = "accept-all sink"

    def start(self) -> None:
        """Run it."""
        files = ("--certificate", str(self.certificate), "--key", str(self.key), "--counter", str(self.counter))
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.folder.run(sys.executable, "-m", "benchmarks.sink", "--port", str(self.folder.port), *files)

    def stop(self) -> None:
        """End it."""
        self.folder.end()

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.folder.process is not None
        return self.folder.process.pid

    @property
    def entrances(self) -> list[Entrance]:
        """The one."""
        return [Entrance(name="", port=self.folder.port)]
