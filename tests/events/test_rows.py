"""Tests of L{smtpeter.events.rows} and L{smtpeter.events.cursors}."""

import re
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.events.cursors import BadCursor, read_cursor, write_cursor
from smtpeter.events.rows import FIELDS, fields_of, record_of, row_of, tag_record
from smtpeter.model.event import OURS, Event, EventType
from smtpeter.model.reading import Place, TagTotals

TABLE = """
attempt: id, time, envelope, recipient, properties, tags, templateid
delivery: id, time, envelope, recipient, from, to, attempt, tags, templateid
failure: id, time, envelope, recipient, attempt, from, to, type, code, status, description, state, tags, templateid
bounce: id, time, envelope, recipient, mime, tags, templateid
response: id, time, envelope, recipient, mime, tags, templateid
click: id, time, headers, ip, url, destination, tags, recipient, city, countryname, countrycode, regioncode, templateid
open: id, time, headers, ip, protocol, tags, recipient, city, countryname, countrycode, regioncode, templateid
abuse: id, time, envelope, recipient, tags, templateid
"""
"""As programs that read the log files know it."""


def event(type: EventType, **data: str) -> Event:
    """An event of half past nine."""
    return Event(
        message_id="m1",
        account_id=1,
        type=type,
        at=1_767_260_405.9,
        recipient="a@example.com",
        tags=("x", "y"),
        data=data,
        id=7,
    )


class RowTests(SynchronousTestCase):
    """Events by their fields."""

    def test_fields(self) -> None:
        """The types of the log files have the fields of the table in its order; those of ours have fields too."""
        wanted = {name: tuple(fields.split(", ")) for name, fields in re.findall(r"(\w+): (.+)", TABLE)}
        self.assertEqual(dict(FIELDS), wanted)
        for type in get_args(EventType):
            self.assertEqual(type in FIELDS, type not in OURS)
            self.assertEqual(list(row_of(event(type))), list(fields_of(type)))

    def test_row(self) -> None:
        """Times are UTC, tags are joined, what is not known is empty, and what is no field is left out."""
        row = row_of(event("delivery", envelope="news@shop.example", attempt="2", transcript="C: QUIT"))
        wanted = {
            "id": "m1",
            "time": "2026-01-01 09:40:05",
            "envelope": "news@shop.example",
            "recipient": "a@example.com",
            "from": "",
            "to": "",
            "attempt": "2",
            "tags": "x;y",
            "templateid": "0",
        }
        self.assertEqual(list(row.items()), list(wanted.items()))

    def test_own_values_win(self) -> None:
        """What stands in the data of an event cannot replace its message, time or recipient."""
        row = row_of(event("abuse", id="other", time="never", recipient="else@example.com", tags="z"))
        self.assertEqual((row["id"], row["recipient"], row["tags"]), ("m1", "a@example.com", "x;y"))
        self.assertEqual(row["time"], "2026-01-01 09:40:05")

    def test_record(self) -> None:
        """An event of the REST API is its type with its fields."""
        one = event("open", ip="192.0.2.1")
        self.assertEqual(record_of(one), {"event": "open", "type": "open", "data": row_of(one)})

    def test_tag(self) -> None:
        """A tag is told with its first and last time."""
        totals = TagTotals(
            tag="a",
            first_at=0.0,
            last_at=86_400.0,
            all_opens=1,
            unique_opens=2,
            all_clicks=3,
            unique_clicks=4,
            messages=5,
            deliveries=6,
        )
        told = tag_record(totals)
        self.assertEqual((told["first"], told["last"]), ("1970-01-01 00:00:00", "1970-01-02 00:00:00"))
        self.assertEqual(
            " ".join(told), "tag first last all_opens unique_opens all_clicks unique_clicks messages deliveries"
        )
        self.assertEqual([told[name] for name in list(told)[3:]], [1, 2, 3, 4, 5, 6])


class CursorTests(SynchronousTestCase):
    """The place of an event as a text."""

    @given(st.floats(0.001, 1e11, exclude_max=True), st.integers(1, 10**18 - 1))
    def test_round_trip(self, at: float, event_id: int) -> None:
        """A cursor leads back to its place exactly, to the last bit of the time."""
        at = round(at, 6)
        one = Event(message_id="m", account_id=1, type="open", at=at, recipient="", id=event_id)
        self.assertEqual(read_cursor(write_cursor(one)), Place(at, event_id))

    def test_bad(self) -> None:
        """What was never given is refused."""
        for text in ("", "x", "1", "1_", "_1", "1_2_3", "-1_2", "nan_1", "1e400_2", "1_-2", "１_2", "1_" + "9" * 30):
            with self.assertRaises(BadCursor, msg=text):
                read_cursor(text)
