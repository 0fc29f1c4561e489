"""
The suppression lists.

L{insert_suppressions} and L{find_suppressed} are for transactions of others: what puts an address on the list writes
its event in the same transaction, and what takes mail in asks in its own. Asking costs one statement for all the mail
that is stored together, whether lists are empty or long.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrs import define
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from typing_extensions import override

from smtpeter.boundaries.suppression import SuppressionBook
from smtpeter.model.suppression import WILLS, Suppression, SuppressionReason, listed_address
from smtpeter.storage.database import Database
from smtpeter.storage.tables import suppressions
from smtpeter.storage.tags import is_storable

Place = tuple[int, str]
"""An account and an address as it stands on lists."""

_COLUMNS = ", ".join(map(str, suppressions.c))

# Both are held to a look into the key for each that is asked for: a planner that knows nothing of the table yet would
# read all of it.
FIND_SQLITE = f"""
    SELECT {_COLUMNS} FROM json_each(?) AS asked CROSS JOIN suppressions
    ON suppressions.account_id = json_extract(asked.value, '$[0]')
    AND suppressions.address = json_extract(asked.value, '$[1]')
"""  # noqa: S608
FIND_POSTGRESQL = f"""
    SELECT found.* FROM unnest(%s::integer[], %s::text[]) AS asked(account_id, address) CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM suppressions
        WHERE suppressions.account_id = asked.account_id AND suppressions.address = asked.address LIMIT 1
    ) AS found
"""  # noqa: S608


def insert_suppressions(connection: Connection, entries: Iterable[Suppression]) -> None:
    """
    Put addresses on their lists (L{SuppressionBook.add}), within a transaction. One that writes events too writes them
    first: so transactions of several servers wait for each other in one order.

    @raise smtpeter.model.address.AddressError: there can be no such domain.
    """
    rows = sorted(
        (
            {
                "account_id": entry.account_id,
                "address": listed_address(entry.address),
                "reason": entry.reason.value,
                "at": entry.at,
                "message_id": entry.message_id,
                "description": entry.description if is_storable(entry.description) else "",
            }
            for entry in entries
        ),
        key=lambda row: (row["account_id"], row["address"]),
    )
    if rows:
        connection.execute(_adding(connection.dialect.name), rows)


def _adding(dialect: str) -> Any:
    """Inserts an entry. Over one that is there it writes only the recipient's will, and only once."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(suppressions)
    key = (suppressions.c.account_id, suppressions.c.address)
    told = {column.name: statement.excluded[column.name] for column in suppressions.c if column not in key}
    is_heavier = ~_is_will(suppressions.c.reason) & _is_will(statement.excluded.reason)
    return statement.on_conflict_do_update(index_elements=key, set_=told, where=is_heavier)


def _is_will(reason: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(*(reason == will.value for will in WILLS))


def find_suppressed(connection: Connection, asked: Collection[Place]) -> dict[Place, Suppression]:
    """
    The entries that there are of so many addresses, in one statement, within a transaction.

    @param asked: addresses in the form of L{listed_address}.
    """
    if not asked:
        return {}
    if connection.dialect.name == "postgresql":
        accounts, addresses = zip(*asked, strict=True)
        rows = connection.exec_driver_sql(FIND_POSTGRESQL, (list(accounts), list(addresses)))
    else:
        rows = connection.exec_driver_sql(FIND_SQLITE, (json.dumps(list(asked)),))
    return {(row.account_id, row.address): _read(row) for row in rows}


@define(eq=False, kw_only=True)
class StoredSuppressions(SuppressionBook):
    """The lists of all accounts."""

    _database: Database

    @override
    async def add(self, entries: Sequence[Suppression]) -> None:
        """Put addresses on their lists (L{SuppressionBook.add})."""
        await self._database.transaction(lambda connection: insert_suppressions(connection, entries))

    @override
    async def remove(self, account_id: int, address: str) -> bool:
        """Take an address off (L{SuppressionBook.remove})."""
        gone = delete(suppressions).where(*_at(account_id, address))
        return await self._database.transaction(lambda connection: connection.execute(gone).rowcount > 0)

    @override
    async def find(self, account_id: int, address: str) -> Suppression | None:
        """An address's entry (L{SuppressionBook.find})."""
        query = select(suppressions).where(*_at(account_id, address))
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _read(row)

    @override
    async def page(
        self, account_id: int, after: str, limit: int, reason: SuppressionReason | None = None
    ) -> list[Suppression]:
        """A page of a list (L{SuppressionBook.page})."""
        if not is_storable(after):
            return []
        query = _page(account_id, after, limit, reason)
        return await self._database.read(lambda connection: [_read(row) for row in connection.execute(query)])


def _at(account_id: int, address: str) -> tuple[Any, Any]:
    return suppressions.c.account_id == account_id, suppressions.c.address == listed_address(address)


def _page(account_id: int, after: str, limit: int, reason: SuppressionReason | None) -> Select[Any]:
    query = select(suppressions).where(suppressions.c.account_id == account_id, suppressions.c.address > after)
    if reason is not None:
        query = query.where(suppressions.c.reason == reason.value)
    return query.order_by(suppressions.c.address).limit(limit)


def _read(row: Row[Any]) -> Suppression:
    return Suppression(
        account_id=row.account_id,
        address=row.address,
        reason=SuppressionReason(row.reason),
        at=row.at,
        message_id=row.message_id,
        description=row.description,
    )
