"""Data requests and their answers."""

from collections.abc import Sequence
from typing import Any, cast

from attrs import define
from sqlalchemy import Connection, Row, and_, case, delete, func, insert, or_, select, update
from typing_extensions import override

from smtpeter.boundaries.inquiries import InquiryBook, InquiryShelf, NotHeld, TooManyInquiries
from smtpeter.model.archive import Swept
from smtpeter.model.identity import first_id
from smtpeter.model.inquiry import Inquiry, Progress, Stage
from smtpeter.storage.database import Database
from smtpeter.storage.inquiry_tables import IS_OPEN, inquiries, inquiry_parts
from smtpeter.storage.tags import is_storable

MOST_OPEN = 100
"""Unanswered data requests of an account."""

HOLD_SECONDS = 300.0
"""How long a server that has fallen silent keeps a data request from the others."""

DROPPED_PARTS = 8
"""In a step of retention: each may have a megabyte."""


@define(eq=False, kw_only=True)
class StoredInquiries(InquiryBook, InquiryShelf):
    """What was asked, and the answers."""

    _database: Database

    @override
    async def ask(self, inquiry: Inquiry) -> None:
        """Keep a new one (L{InquiryBook.ask})."""
        await self._database.transaction(lambda connection: _ask(connection, inquiry))

    @override
    async def find(self, account_id: int, inquiry_id: str) -> Inquiry | None:
        """One of the account (L{InquiryBook.find})."""
        if not is_storable(inquiry_id):
            return None
        query = select(inquiries).where(inquiries.c.id == inquiry_id, inquiries.c.account_id == account_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else read_inquiry(row)

    @override
    async def part(self, inquiry_id: str, number: int) -> bytes | None:
        """A part of an answer (L{InquiryBook.part})."""
        named = (inquiry_parts.c.inquiry_id == inquiry_id, inquiry_parts.c.number == number)
        query = select(inquiry_parts.c.content).where(*named)
        return await self._database.read(lambda connection: connection.scalar(query))

    @override
    async def hold(self, node_id: str, now: float) -> Inquiry | None:
        """The next to be answered (L{InquiryShelf.hold})."""
        free = or_(inquiries.c.held_until.is_(None), inquiries.c.held_until < now, inquiries.c.node == node_id)
        query = select(inquiries).where(IS_OPEN, free).order_by(_last_answered(), inquiries.c.id).limit(1)
        # Almost always there is none, which a reader tells without keeping the writer from the mail.
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        if row is None:
            return None
        taken = update(inquiries).where(inquiries.c.id == row.id, IS_OPEN, free)
        taken = taken.values(node=node_id, held_until=now + HOLD_SECONDS)
        is_taken = await self._database.transaction(lambda connection: connection.execute(taken).rowcount == 1)
        return await self.find(row.account_id, row.id) if is_taken else None

    @override
    async def write(self, node_id: str, inquiry: Inquiry, first: int, parts: Sequence[bytes], now: float) -> None:
        """Write parts (L{InquiryShelf.write})."""
        told = update(inquiries).values(held_until=now + HOLD_SECONDS)
        gone = delete(inquiry_parts).where(inquiry_parts.c.inquiry_id == inquiry.id, inquiry_parts.c.number >= first)
        rows = [
            {"inquiry_id": inquiry.id, "number": number, "content": content}
            for number, content in enumerate(parts, first)
        ]

        def work(connection: Connection) -> None:
            _change_held(connection, told, node_id, inquiry)
            connection.execute(gone)
            if rows:
                connection.execute(insert(inquiry_parts), rows)

        await self._database.transaction(work)

    @override
    async def advance(self, node_id: str, inquiry: Inquiry, progress: Progress, is_ready: bool, now: float) -> None:
        """Say how far it is (L{InquiryShelf.advance})."""
        told = update(inquiries).values(
            stage=progress.stage,
            after=progress.after,
            parts=progress.parts,
            size_bytes=progress.size_bytes,
            held_until=now + HOLD_SECONDS,
            ready_at=now if is_ready else None,
            tell_at=case((inquiries.c.monitor.is_not(None), now), else_=None) if is_ready else None,
        )
        await self._database.transaction(lambda connection: _change_held(connection, told, node_id, inquiry))

    async def drop(self, before: float, after: str, limit: int) -> Swept:
        """Remove data requests, answered or not, a few parts at a time (a step of retention)."""
        return await self._database.transaction(lambda connection: _drop(connection, first_id(before), limit))


def _last_answered() -> Any:
    """When the account last had an answer: accounts take turns, and one that asks very much waits for itself."""
    others = inquiries.alias()
    last = select(func.max(others.c.ready_at)).where(others.c.account_id == inquiries.c.account_id)
    return func.coalesce(last.scalar_subquery(), 0.0)


def _ask(connection: Connection, inquiry: Inquiry) -> None:
    count = select(func.count()).select_from(inquiries).where(inquiries.c.account_id == inquiry.account_id, IS_OPEN)
    if (connection.scalar(count) or 0) >= MOST_OPEN:
        raise TooManyInquiries(f"{MOST_OPEN} are not answered yet")
    values = {
        "id": inquiry.id,
        "account_id": inquiry.account_id,
        "address": inquiry.address,
        "created_at": inquiry.created_at,
        "monitor": inquiry.monitor,
        "stage": inquiry.progress.stage,
        "after": inquiry.progress.after,
        "parts": 0,
        "size_bytes": 0,
    }
    connection.execute(insert(inquiries).values(values))


def _change_held(connection: Connection, told: Any, node_id: str, inquiry: Inquiry) -> None:
    """Only what is held and stands where it stood: another server may have gone on since."""
    is_same = and_(
        inquiries.c.id == inquiry.id,
        inquiries.c.node == node_id,
        inquiries.c.parts == inquiry.progress.parts,
        inquiries.c.stage == inquiry.progress.stage,
        inquiries.c.after == inquiry.progress.after,
    )
    if connection.execute(told.where(is_same, IS_OPEN)).rowcount != 1:
        raise NotHeld(inquiry.id)


def _drop(connection: Connection, before: str, limit: int) -> Swept:
    old = connection.scalars(
        select(inquiries.c.id).where(inquiries.c.id < before).order_by(inquiries.c.id).limit(limit)
    )
    keys = old.all()
    of_old = select(inquiry_parts.c.inquiry_id, inquiry_parts.c.number).where(inquiry_parts.c.inquiry_id.in_(keys))
    parts = connection.execute(of_old.order_by(*inquiry_parts.primary_key).limit(DROPPED_PARTS)).all()
    for part in parts:
        named = (inquiry_parts.c.inquiry_id == part.inquiry_id, inquiry_parts.c.number == part.number)
        connection.execute(delete(inquiry_parts).where(*named))
    left = select(inquiry_parts.c.number).where(inquiry_parts.c.inquiry_id == inquiries.c.id).exists()
    removed = connection.execute(delete(inquiries).where(inquiries.c.id.in_(keys), ~left)).rowcount
    return Swept(removed=removed, next="" if parts or len(keys) == limit else None)


def read_inquiry(row: Row[Any]) -> Inquiry:
    """A row of the table; it may have more columns."""
    return Inquiry(
        id=row.id,
        account_id=row.account_id,
        address=row.address,
        created_at=row.created_at,
        is_ready=row.ready_at is not None,
        progress=Progress(stage=cast(Stage, row.stage), after=row.after, parts=row.parts, size_bytes=row.size_bytes),
        monitor=row.monitor,
    )
