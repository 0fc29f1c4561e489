"""
Hosted images: kept by hash, found by hash, removed when no mail of late shows them.

That an image is still shown is written once a day at most: retention counts in days, and a mailing of a million letters
has one logo.
"""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from typing_extensions import override

from smtpeter.boundaries.images import ImageReader, ImageRetention, ImageShelf
from smtpeter.boundaries.storage import StorageFull
from smtpeter.model.archive import Swept
from smtpeter.model.image import HostedImage
from smtpeter.storage.database import Database
from smtpeter.storage.retention import MAX_BYTES, within
from smtpeter.storage.rows import Row
from smtpeter.storage.tables import hosted_images

FRESH_SECONDS = 86_400.0
"""What was kept a shorter while ago is not written again."""


@define(eq=False, kw_only=True)
class StoredImages(ImageShelf, ImageReader, ImageRetention):
    """
    Images in the database.

    @ivar _is_short: whether the rest of the disk is kept for settlements. Called in a database thread.
    """

    _database: Database
    _is_short: Callable[[], bool] = lambda: False

    @override
    async def keep(self, account_id: int, images: Sequence[HostedImage], now: float) -> None:
        """Keep images, or go on keeping them (L{ImageShelf.keep})."""
        hashes = [image.hash for image in images]
        fresh = select(hosted_images.c.hash).where(
            hosted_images.c.hash.in_(hashes), hosted_images.c.kept_at > now - FRESH_SECONDS
        )
        known = await self._database.read(lambda connection: set(connection.scalars(fresh)))
        rows = [_row(account_id, image, now) for image in images if image.hash not in known]
        if rows:
            await self._database.transaction(lambda connection: self._keep(connection, rows))

    @override
    async def image(self, hash: str) -> HostedImage | None:
        """An image (L{ImageReader.image})."""
        query = select(hosted_images.c.type, hosted_images.c.content).where(hosted_images.c.hash == hash)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else HostedImage(hash=hash, type=row.type, octets=row.content)

    @override
    async def drop_images(self, before: float, after: str, limit: int) -> Swept:
        """Remove old ones (L{ImageRetention.drop_images}); what is kept anew meanwhile stays."""
        kept_at, size_bytes = hosted_images.c.kept_at, func.length(hosted_images.c.content).label("size_bytes")
        page = select(hosted_images.c.hash, size_bytes).where(kept_at < before).order_by(kept_at).limit(limit)
        found = await self._database.read(lambda connection: within(connection.execute(page).all(), MAX_BYTES))
        goes = delete(hosted_images).where(hosted_images.c.hash.in_([row.hash for row in found]), kept_at < before)

        def work(connection: Connection) -> int:
            return connection.execute(goes).rowcount

        return Swept(removed=await self._database.transaction(work) if found else 0, next="more" if found else None)

    def _keep(self, connection: Connection, rows: Sequence[Row]) -> None:
        if self._is_short():
            raise StorageFull("the rest of the disk is kept for what was accepted before")
        connection.execute(_keeping(connection.dialect.name), rows)


def _row(account_id: int, image: HostedImage, now: float) -> Row:
    return {"hash": image.hash, "account_id": account_id, "type": image.type, "kept_at": now, "content": image.octets}


def _keeping(dialect: str) -> Any:
    """Inserts images; of those that are there only the time is written."""
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(hosted_images)
    return statement.on_conflict_do_update(
        index_elements=[hosted_images.c.hash], set_={"kept_at": statement.excluded.kept_at}
    )
