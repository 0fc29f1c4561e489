"""
How long questions to a journal of a million events take: a page of a thousand events, the totals of a
tag, a day counted.

    python -m benchmarks.reading [--events N] [--url sqlite:///FILE | postgresql+psycopg://…]

Without an URL, in a file of SQLite that is removed afterwards. The journal is that of one account: each message has an
attempt and a delivery, every second an open. Half of them carry one tag, one in a thousand another.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from smtpeter.model.event import Event
from smtpeter.model.reading import Period, Place, Question
from smtpeter.storage.arrivals import insert_events
from smtpeter.storage.database import Database
from smtpeter.storage.event_counts import StoredEventCounts
from smtpeter.storage.event_search import StoredEventSearch
from smtpeter.storage.migrating import upgrade
from tests.support.database import close, now, threaded_database

DAYS = 30
PAGE = 1000
BATCH = 2500
ROUNDS = 15
_EVERY = Period(start=0.0, end=DAYS * 86_400.0)


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--url", default="", help="an empty database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{Path(folder) / 'journal.db'}"
        upgrade(url)
        database = threaded_database(url)
        try:
            began_at = time.perf_counter()
            _fill(database, given.events)
            seconds = time.perf_counter() - began_at
            print(f"{given.events} events written in {seconds:.1f} s: {given.events / seconds:.0f} a second")
            _measure(database, given.events)
        finally:
            close(database)


def _fill(database: Database, count: int) -> None:
    batch: list[Event] = []
    for event in _journal(count):
        batch.append(event)
        if len(batch) == BATCH:
            _write(database, batch)
            batch = []
    if batch:
        _write(database, batch)


def _write(database: Database, batch: list[Event]) -> None:
    now(database.transaction(lambda connection: insert_events(connection, batch)))


def _journal(count: int) -> Iterator[Event]:
    step = _EVERY.end / count
    for number in range(count):
        message, kind = divmod(number, 5)
        message = message * 2 + kind // 3
        tags = ("half",) * (message % 2) + ("rare",) * (message % 1000 == 1)
        yield Event(
            message_id=f"{message:020}",
            account_id=1,
            type=("attempt", "delivery", "open", "attempt", "delivery")[kind],
            at=number * step,
            recipient=f"user{message % 20_000}@example.com",
            tags=tags,
            data={"envelope": "news@shop.example", "from": "192.0.2.1", "to": "192.0.2.9", "attempt": "0"},
        )


def _measure(database: Database, count: int) -> None:
    search, counts = StoredEventSearch(database=database), StoredEventCounts(database=database)

    def page(after: Place | None = None, **asked: Any) -> Callable[[], Coroutine[Any, Any, Any]]:
        question = Question(**{"account_id": 1, "period": _EVERY, **asked})
        return lambda: search.find(question, after, PAGE)

    middle, day = Place(_EVERY.end / 2, count // 2), Period(start=0.0, end=86_400.0)
    _time("by message id", page(message_id=f"{count // 5:020}"))
    _time("by e-mail address", page(recipient="user7@example.com"))
    _time("by a tag that half of them have", page(tags=("half",)))
    _time("by the same, from the middle on", page(middle, tags=("half",)))
    _time("by a rare tag", page(tags=("rare",)))
    _time("by both tags", page(tags=("half", "rare")))
    _time("a page of a log file", page(middle, type="delivery"))
    _time("totals of a tag", lambda: counts.totals(1, "half"))
    _time("a day counted by hours", lambda: counts.tallies(1, day, 3600, (), None))
    _time("a day of a tag counted by hours", lambda: counts.tallies(1, day, 3600, ("half",), None))


def _time(name: str, ask: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    taken = []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        found = now(ask())
        taken.append((time.perf_counter() - began_at) * 1000)
    size = len(found) if isinstance(found, list) else 1
    print(f"{name:<34} {statistics.median(taken):7.1f} ms, at most {max(taken):7.1f} ms, {size} found")


if __name__ == "__main__":
    main()
