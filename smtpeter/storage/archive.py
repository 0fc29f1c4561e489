"""The archive of contents: what was sent, its packed form, and the end of both."""

from collections.abc import Mapping

from attrs import define
from sqlalchemy import Connection, select
from typing_extensions import override

from smtpeter.boundaries.archive import ContentReader, PackingStore, RetentionStore
from smtpeter.model.archive import Finished, Packed, Swept
from smtpeter.model.identity import first_id
from smtpeter.storage import packing, retention
from smtpeter.storage.contents import read_contents
from smtpeter.storage.database import Database
from smtpeter.storage.tables import contents, submissions


@define(eq=False, kw_only=True)
class StoredArchive(ContentReader, PackingStore, RetentionStore):
    """What is kept of mail when it is delivered."""

    _database: Database

    @override
    async def content(self, submission_id: str) -> bytes | None:
        """A submission's content (L{ContentReader.content})."""
        found = await self._database.read(lambda connection: read_contents(connection, [submission_id]))
        return found.get(submission_id)

    @override
    async def find_finished(self, before: float, after: str, limit: int, max_bytes: int) -> Finished:
        """Read contents that can be packed (L{PackingStore.find_finished})."""
        return await self._database.read(
            lambda connection: _find_finished(connection, first_id(before), after, limit, max_bytes)
        )

    @override
    async def put_away(self, packed: Mapping[str, Packed]) -> bool:
        """Replace contents by their packed form (L{PackingStore.put_away})."""

        def work(connection: Connection) -> bool:
            is_turn = packing.take_turn(connection)
            if is_turn:
                packing.put_away(connection, packed)
            return is_turn

        return await self._database.transaction(work)

    @override
    async def drop_contents(self, before: float, after: str, limit: int) -> Swept:
        """Remove contents that are not packed (L{RetentionStore.drop_contents})."""
        return await retention.drop_contents(self._database, before, after, limit)

    @override
    async def drop_packed(self, before: float, after: str, limit: int) -> Swept:
        """Remove packed contents and their pieces (L{RetentionStore.drop_packed})."""
        return await retention.drop_packed_contents(self._database, before, after, limit)

    @override
    async def drop_returns(self, before: float, after: str, limit: int) -> Swept:
        """Remove mail that came back (L{RetentionStore.drop_returns})."""
        return await retention.drop_returns(self._database, before, after, limit)

    @override
    async def drop_events(self, before: float, after: str, limit: int) -> Swept:
        """Remove events (L{RetentionStore.drop_events})."""
        return await retention.drop_events(self._database, before, after, limit)

    @override
    async def drop_submissions(self, before: float, after: str, limit: int) -> Swept:
        """Remove submissions and their messages (L{RetentionStore.drop_submissions})."""
        return await retention.drop_submissions(self._database, before, after, limit)


def _find_finished(connection: Connection, before: str, after: str, limit: int, max_bytes: int) -> Finished:
    key = contents.c.submission_id
    query = (
        select(key, submissions.c.size_bytes, retention.is_finished(key).label("is_finished"))
        .join_from(contents, submissions, submissions.c.id == key)
        .where(key > after, key < before)
        .order_by(key)
        .limit(limit)
    )
    rows = retention.within(connection.execute(query).all(), max_bytes, lambda row: row.is_finished)
    ids = [row.submission_id for row in rows if row.is_finished]
    read = select(key, contents.c.content).where(key.in_(ids))
    found = {row.submission_id: row.content for row in connection.execute(read)} if ids else {}
    return Finished(contents=found, next=rows[-1].submission_id if rows else None)
