"""
Finds what there is about an address, for data requests.

No index finds an address however it was written, and none is worth its cost to every mail for what is asked so rarely:
the messages and the account's events are looked through from the front, a bounded number of rows at a time, by readers,
whom no mail waits for.
"""

from collections.abc import Callable
from typing import Any

import idna
from attrs import define
from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select
from typing_extensions import override

from smtpeter.boundaries.inquiries import Findings
from smtpeter.model.address import AddressError, lookup_domain
from smtpeter.model.event import Event
from smtpeter.model.inquiry import Inquiry, Match
from smtpeter.model.message import Return
from smtpeter.model.suppression import Suppression, listed_address
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_event, read_texts, read_trace
from smtpeter.storage.suppressions import StoredSuppressions
from smtpeter.storage.tables import events, messages, returns, submissions

_MATCH = (
    *(messages.c.id, messages.c.recipient, messages.c.state, messages.c.received_at),
    *(submissions.c.reverse_path, submissions.c.tags),
)


@define(eq=False, kw_only=True)
class StoredFindings(Findings):
    """The whole database, for one account and one address."""

    _database: Database

    @override
    async def messages(self, inquiry: Inquiry, after: str, rows: int, limit: int) -> tuple[list[Match], str | None]:
        """Messages to the address (L{Findings.messages})."""
        return await self._database.read(lambda connection: _messages(connection, inquiry, after, rows, limit))

    @override
    async def events_of(self, match: Match, after: int, limit: int) -> list[Event]:
        """What happened to one (L{Findings.events_of})."""
        query = select(events).where(events.c.message_id == match.message_id, events.c.id > after)
        page = query.order_by(events.c.id).limit(limit)
        return await self._database.read(lambda connection: [read_event(row) for row in connection.execute(page)])

    @override
    async def returns_of(self, match: Match, limit: int) -> list[Return]:
        """What came back for it (L{Findings.returns_of})."""
        query = select(returns).where(returns.c.message_id == match.message_id).order_by(returns.c.id).limit(limit)
        return await self._database.read(lambda connection: [_return(row) for row in connection.execute(query)])

    @override
    async def events(self, inquiry: Inquiry, after: str, rows: int, limit: int) -> tuple[list[Event], str | None]:
        """What is left of messages that are gone (L{Findings.events})."""
        return await self._database.read(lambda connection: _events(connection, inquiry, after, rows, limit))

    @override
    async def suppression(self, inquiry: Inquiry) -> Suppression | None:
        """Its entry on the list (L{Findings.suppression})."""
        return await StoredSuppressions(database=self._database).find(inquiry.account_id, inquiry.address)


def _messages(
    connection: Connection, inquiry: Inquiry, after: str, rows: int, limit: int
) -> tuple[list[Match], str | None]:
    end = _end(connection, messages.c.id, messages.c.id > after, rows)
    query = (
        select(*_MATCH)
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(
            *_between(messages.c.id, after, end),
            messages.c.account_id == inquiry.account_id,
            messages.c.domain == lookup_domain(inquiry.address.rpartition("@")[2]),
        )
        .order_by(messages.c.id)
    )
    return _page(connection, query, inquiry, limit, end, _match)


def _events(
    connection: Connection, inquiry: Inquiry, after: str, rows: int, limit: int
) -> tuple[list[Event], str | None]:
    start, of_account = int(after or 0), events.c.account_id == inquiry.account_id
    end = _end(connection, events.c.id, (events.c.id > start) & of_account, rows)
    kept = select(messages.c.id).where(messages.c.id == events.c.message_id)
    domains = (events.c.recipient.endswith(f"@{domain}", autoescape=True) for domain in _spellings(inquiry.address))
    query = (
        select(events)
        .where(*_between(events.c.id, start, end), of_account, or_(*domains), ~kept.exists())
        .order_by(events.c.id)
    )
    return _page(connection, query, inquiry, limit, end, read_event)


def _end(connection: Connection, column: ColumnElement[Any], beyond: ColumnElement[bool], rows: int) -> Any:
    """The last row that is looked at; C{None} when the end is nearer."""
    return connection.scalar(select(column).where(beyond).order_by(column).offset(rows - 1).limit(1))


def _between(column: ColumnElement[Any], after: Any, end: Any) -> list[ColumnElement[bool]]:
    return [column > after] if end is None else [column > after, column <= end]


def _page(
    connection: Connection, query: Select[Any], inquiry: Inquiry, limit: int, end: Any, read: Callable[[Row[Any]], Any]
) -> tuple[list[Any], str | None]:
    """Rows whose recipient is the address in whichever spelling."""
    wanted = _listed(inquiry.address)
    found: list[Row[Any]] = []
    for row in connection.execute(query):
        if _listed(row.recipient) != wanted:
            continue
        if len(found) == limit:
            return [read(one) for one in found], str(found[-1].id)
        found.append(row)
    return [read(one) for one in found], None if end is None else str(end)


def _listed(address: str) -> str:
    try:
        return listed_address(address)
    except AddressError:
        return address


def _spellings(address: str) -> set[str]:
    """The ways in which a domain may stand in a recipient."""
    written = address.rpartition("@")[2].lower()
    domain = lookup_domain(written)
    try:
        return {written, domain, idna.decode(domain)}
    except (idna.IDNAError, UnicodeError):
        return {written, domain}


def _match(row: Row[Any]) -> Match:
    return Match(
        message_id=row.id,
        recipient=row.recipient,
        reverse_path=row.reverse_path,
        state=row.state,
        tags=read_texts(row.tags),
        received_at=row.received_at,
    )


def _return(row: Row[Any]) -> Return:
    return Return(
        id=row.id,
        message_id=row.message_id,
        recipient=row.recipient,
        reverse_path=row.reverse_path,
        content=row.content,
        trace=read_trace(row.trace),
        received_at=row.received_at,
    )
