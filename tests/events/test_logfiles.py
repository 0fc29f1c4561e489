"""Tests of L{smtpeter.events.logfiles} and L{smtpeter.events.series}."""

from collections.abc import AsyncIterator
from datetime import date

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.events import logfiles
from smtpeter.events.formats import make_format
from smtpeter.events.logfiles import PREFIXES, LogFile, LogFiles, read_name
from smtpeter.events.rows import FIELDS
from smtpeter.events.series import STEPS, series
from smtpeter.model.reading import Period, Tally
from smtpeter.storage.event_search import StoredEventSearch
from tests.storage.telling import DAY, tell, told
from tests.support.database import memory_database, now

FIRST = date(1970, 1, 1)


async def read(pieces: AsyncIterator[bytes]) -> list[bytes]:
    """All pieces."""
    return [piece async for piece in pieces]


class LogFileTests(SynchronousTestCase):
    """Days of the journal as files."""

    @override
    def setUp(self) -> None:
        self.database = memory_database()
        self.search = StoredEventSearch(database=self.database)
        self.files = LogFiles(self.search)

    def test_prefixes(self) -> None:
        """Each type of the log files has a prefix."""
        self.assertEqual(set(PREFIXES.values()), set(FIELDS))

    def test_days(self) -> None:
        """The days are those with events of the log files up to today, each once, oldest first, of the account."""
        times = ((3 * DAY, "open"), (3 * DAY + 5, "click"), (DAY, "attempt"), (2 * DAY - 0.1, "attempt"))
        tell(self.database, *(told(at, type) for at, type in times))  # type: ignore[arg-type]
        tell(self.database, told(7 * DAY, "attempt"), told(5 * DAY, "deferral"), told(9 * DAY, "attempt"))
        tell(self.database, told(0.0, "attempt", account_id=2), told(4 * DAY, "attempt"), told(4 * DAY, "open"))
        days = now(self.files.days(1, 7 * DAY + 1))
        self.assertEqual([one.isoformat() for one in days], ["1970-01-02", "1970-01-04", "1970-01-05", "1970-01-08"])
        self.assertEqual(now(self.files.days(3, 7 * DAY)), [])

    def test_names(self) -> None:
        """A day has a file for each type that happened on it."""
        tell(self.database, told(0.0, "open"), told(DAY - 1, "attempt"), told(DAY, "click"))
        self.assertEqual(now(self.files.names(1, FIRST)), ["attempts.1970-01-01.log", "opens.1970-01-01.log"])
        self.assertEqual(now(self.files.names(2, FIRST)), [])
        self.assertTrue(now(self.files.exists(1, LogFile(type="open", day=FIRST))))
        self.assertFalse(now(self.files.exists(1, LogFile(type="click", day=FIRST))))
        self.assertFalse(now(self.files.exists(2, LogFile(type="open", day=FIRST))))

    def test_read_name(self) -> None:
        """A name is read; what is none leads nowhere, paths least of all."""
        self.assertEqual(read_name("clicks.2026-11-28.log"), LogFile(type="click", day=date(2026, 11, 28)))
        bad = ("", "clicks", "click.2026-11-28.log", "clicks.2026-02-30.log", "clicks.2026-11-28.log/..", "dmarc.x.log")
        for name in (*bad, "../clicks.2026-11-28.log", "clicks.2026-11-28.log\n", "Clicks.2026-11-28.log"):
            self.assertIsNone(read_name(name), name)

    def written(self, name: str = "") -> list[bytes]:
        format = make_format(name, FIELDS["open"])
        assert format is not None
        return now(read(self.files.pieces(1, LogFile(type="open", day=FIRST), format)))

    def test_pieces(self) -> None:
        """A file has all events of its day and type in order, a page at a time, whole also at the end of a page."""
        self.patch(logfiles, "PAGE", 3)
        for count in range(8):
            whole = b"".join(self.written()).decode()
            times = [line.split(",")[1] for line in whole.splitlines()]
            self.assertEqual(times, [f"1970-01-01 00:00:{at:02}" for at in range(count)])
            self.assertTrue(all(piece.count(b"\r\n") <= 3 for piece in self.written()))
            tell(self.database, told(float(count), "open"), told(float(count), "open", account_id=2))
            tell(self.database, told(float(count), "click"), told(float(count) + DAY, "open"))

    def test_odd_text(self) -> None:
        """What is no character is replaced, and ends no file."""
        tell(self.database, told(1.0, "open", data={"headers": "x: \ud800"}))
        self.assertIn(b"x: ?", b"".join(self.written()))
        for name in ("json", "xml", "header"):
            b"".join(self.written(name)).decode()


class SeriesTests(SynchronousTestCase):
    """Numbers for each part of a period."""

    def test_series(self) -> None:
        """Each part is there in order, with zeros where nothing happened."""
        period = Period(start=DAY, end=DAY + 3 * 3600)
        tallies = [Tally(start=DAY + 3600.0, counts={"open": 3, "attempt": 1})]
        told_of = series(period, STEPS["hour"], tallies)
        self.assertEqual(
            [one["time"] for one in told_of], ["1970-01-02 00:00:00", "1970-01-02 01:00:00", "1970-01-02 02:00:00"]
        )
        zeros = dict.fromkeys(("messages", "deliveries", "failures", "bounces", "opens", "clicks", "abuses"), 0)
        self.assertEqual(
            [{name: value for name, value in one.items() if name != "time"} for one in told_of],
            [zeros, {**zeros, "opens": 3, "messages": 1}, zeros],
        )

    def test_cut(self) -> None:
        """A part that is cut by the end of the period is a part too."""
        self.assertEqual(len(series(Period(start=0.0, end=3601.0), 3600, [])), 2)
        self.assertEqual(len(series(Period(start=0.0, end=30 * DAY), STEPS["day"], [])), 30)
