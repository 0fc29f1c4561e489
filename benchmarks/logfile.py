"""
Claim: a log file of a million rows is sent without being in memory, while others are served.

The journal of a day is written into the database, then the file is asked for in each form over one connection. The
table shows rows a second, the growth of the main process's peak of memory, and what a small question asked meanwhile
takes.

    python -m benchmarks.logfile [--rows 1000000] [--url postgresql+psycopg://…]
"""

import argparse
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from attrs import define, field

from benchmarks.machine import resident_bytes
from smtpeter.model.event import Event
from smtpeter.storage.arrivals import insert_events
from tests.support.database import close, now, threaded_database
from tests.support.installation import SQLITE, Installation
from tests.support.rest import INSECURE, Client, client

BATCH = 2500
DAY_SECONDS = 86_400
HEADERS = (
    "Host: clicks.shop.example\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)
FORMS = {"": b"\r\n", "/json": b'{"id":', "/xml": b"<record>"}
"""The forms, and what each row has once."""


def opens(count: int, account_id: int, start: float) -> Iterator[Event]:
    """Opens of one day."""
    for number in range(count):
        yield Event(
            message_id=f"{number:020}",
            account_id=account_id,
            type="open",
            at=start + number * DAY_SECONDS / count,
            recipient=f"reader{number}@example.net",
            tags=("weekly",),
            data={"headers": HEADERS, "ip": "192.0.2.7", "protocol": "https"},
        )


def fill(url: str, count: int, account_id: int, start: float) -> None:
    """Write them as the server does."""
    database = threaded_database(url)
    waiting = opens(count, account_id, start)
    try:
        while batch := list(islice(waiting, BATCH)):
            now(database.transaction(partial(insert_events, happened=batch)))
    finally:
        close(database)


@define(eq=False)
class Other:
    """Somebody else, who asks a small question again and again."""

    _asked: Client
    taken: list[float] = field(factory=list)
    is_over: bool = False

    def run(self) -> None:
        """Ask until it is over."""
        while not self.is_over:
            begun = time.perf_counter()
            assert self._asked.get("/v1/recent-tags").status == 200
            self.taken.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.01)


def read(port: int, path: str, token: str, mark: bytes) -> tuple[int, int]:
    """Read a file to its end. @return: how often the mark is in it, and its size."""
    count = size = 0
    with socket.create_connection(("localhost", port), timeout=600) as one:
        one.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        rest = b""
        while b"\r\n\r\n" not in rest:
            rest += one.recv(1 << 18)
        rest = rest.partition(b"\r\n\r\n")[2]
        while part := one.recv(1 << 18):
            size += len(part)
            rest += part
            kept = len(mark) - 1
            count += rest.count(mark)
            rest = rest[-kept:] if rest[-kept:].count(mark) == 0 else b""
    return count, size


def measure(server: Installation, name: str, form: str) -> str:
    """Read the file in a form. @return: a row of the table."""
    assert server.process is not None
    asked = client_of(server)
    other = Other(asked)
    thread = threading.Thread(target=other.run, daemon=True)
    before = resident_bytes(server.process.pid, is_peak=True)
    begun = time.perf_counter()
    thread.start()
    count, size = read(server.web_port, f"/v1/logfiles/{name}{form}", asked.token, FORMS[form])
    seconds = time.perf_counter() - begun
    other.is_over = True
    thread.join()
    growth = (resident_bytes(server.process.pid, is_peak=True) - before) / 1e6
    taken = sorted(other.taken)
    middle, worst = taken[len(taken) // 2], taken[-1]
    return (
        f"{form or 'CSV':6} {count:9} {size / 1e6:7.0f} {count / seconds:9.0f} {growth:9.1f} {middle:8.1f} {worst:8.1f}"
    )


def client_of(server: Installation) -> Client:
    """A new token for each measurement."""
    return Client(server, server.cli("token", "create", f"reader-{time.monotonic_ns()}")["token"])


def main() -> None:
    """Fill, read, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", default=SQLITE, help="an empty database")
    given = parser.parse_args()
    start = (int(time.time()) // DAY_SECONDS - 1) * DAY_SECONDS
    with Installation(1, web=INSECURE, database=given.url, is_started=False) as server:
        asked = client(server)
        (account,) = [one["id"] for one in server.listed("account", "list")]
        file = f"sqlite:///{server.folder / 'run' / 'state' / 'smtpeter.db'}"
        fill(file if given.url == SQLITE else given.url, given.rows, account, start)
        server.start()
        name = f"opens.{datetime.fromtimestamp(start, UTC).date()}.log"
        read(server.web_port, "/v1/recent-tags", asked.token, b"weekly")
        print(f"{'form':6} {'rows':>9} {'MB':>7} {'rows/s':>9} {'growth MB':>9} {'p50 ms':>8} {'max ms':>8}")
        for form in FORMS:
            print(measure(server, name, form), flush=True)


if __name__ == "__main__":
    main()
