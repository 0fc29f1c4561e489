"""Keeps who unsubscribed: the entry on the suppression list and the event of the message, in one transaction."""

from collections.abc import Collection

from attrs import define
from sqlalchemy import Connection, select
from typing_extensions import override

from smtpeter.boundaries.unsubscribing import UnsubscribeBook
from smtpeter.model.event import Event
from smtpeter.model.suppression import WILLS, Suppression, SuppressionReason, listed_address
from smtpeter.storage.arrivals import insert_events, take_turn
from smtpeter.storage.database import Database
from smtpeter.storage.rows import read_texts
from smtpeter.storage.suppressions import find_suppressed, insert_suppressions
from smtpeter.storage.tables import events, messages, submissions


@define(eq=False, kw_only=True)
class StoredUnsubscribing(UnsubscribeBook):
    """
    Readers who want no more.

    @ivar _reasons: what puts addresses on suppression lists; without this one only the event is written.
    """

    _database: Database
    _reasons: Collection[SuppressionReason] = tuple(SuppressionReason)

    @override
    async def unsubscribe(self, message_id: str, now: float) -> bool:
        """Write it (L{UnsubscribeBook.unsubscribe})."""
        is_listed = SuppressionReason.UNSUBSCRIBE in self._reasons
        return await self._database.transaction(lambda connection: _unsubscribe(connection, message_id, now, is_listed))


def _unsubscribe(connection: Connection, message_id: str, now: float, is_listed: bool) -> bool:
    query = (
        select(messages.c.account_id, messages.c.recipient, submissions.c.tags, submissions.c.reverse_path)
        .join_from(messages, submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id)
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        return False
    entry = Suppression(
        account_id=found.account_id,
        address=found.recipient,
        reason=SuppressionReason.UNSUBSCRIBE,
        at=now,
        message_id=message_id,
    )
    take_turn(connection)
    if not (_is_told(connection, message_id) and (not is_listed or _is_there(connection, entry))):
        event = Event(
            message_id=message_id,
            account_id=found.account_id,
            type="unsubscribe",
            at=now,
            recipient=found.recipient,
            tags=read_texts(found.tags),
            data={"envelope": found.reverse_path},
        )
        insert_events(connection, [event])
        insert_suppressions(connection, [entry] if is_listed else [])
    return True


def _is_told(connection: Connection, message_id: str) -> bool:
    told = select(events.c.id).where(events.c.message_id == message_id, events.c.type == "unsubscribe").limit(1)
    return connection.scalar(told) is not None


def _is_there(connection: Connection, entry: Suppression) -> bool:
    """Whether the recipient's will is known: it may have been taken off the list since."""
    place = (entry.account_id, listed_address(entry.address))
    listed = find_suppressed(connection, [place]).get(place)
    return listed is not None and listed.reason in WILLS
