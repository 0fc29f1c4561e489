"""Events for tests of what reads them."""

from typing import Any

from sqlalchemy import Connection, insert

from smtpeter.model.event import Event, EventType
from smtpeter.model.reading import Period
from smtpeter.storage.arrivals import insert_events
from smtpeter.storage.database import Database
from smtpeter.storage.tables import messages
from tests.support.database import now

DAY = 86_400.0
ALWAYS = Period(start=0.0, end=1e9)


def told(at: float, type: EventType = "delivery", **facts: Any) -> Event:
    """An event of account 1, with what a test does not care about filled in."""
    given: dict[str, Any] = {
        "message_id": "m1",
        "account_id": 1,
        "recipient": "user@example.com",
        "tags": (),
        "data": {"code": "250"},
    }
    return Event(type=type, at=at, **{**given, **facts})


def tell(database: Database, *events: Event) -> None:
    """Append to the journal, in one transaction."""
    now(database.transaction(lambda connection: insert_events(connection, events)))


def keep_message(database: Database, message_id: str, account_id: int, received_at: float) -> None:
    """A message that was delivered."""
    row = {
        "id": message_id,
        "submission_id": "s1",
        "account_id": account_id,
        "recipient": "user@example.com",
        "domain": "example.com",
        "state": "delivered",
        "attempts": 1,
        "received_at": received_at,
        "expires_at": received_at + DAY,
        "last_reply": "",
    }

    def work(connection: Connection) -> None:
        connection.execute(insert(messages).values(row))

    now(database.transaction(work))
