"""What processing and the tracking host ask of storage about hosted images."""

from collections.abc import Sequence
from typing import Protocol

from smtpeter.model.archive import Swept
from smtpeter.model.image import HostedImage


class ImageShelf(Protocol):
    """Keeps images that mail shows."""

    async def keep(self, account_id: int, images: Sequence[HostedImage], now: float) -> None:
        """
        Keep images, or go on keeping them: their time begins again. Mail that shows them may leave when it is done.

        @param now: POSIX seconds.
        @raise StorageBusy: cannot be stored now.
        """


class ImageReader(Protocol):
    """Has images for whoever knows their address."""

    async def image(self, hash: str) -> HostedImage | None:
        """
        An image; C{None} when there is none of that hash, or it is kept no longer.

        @raise StorageBusy: cannot be read now.
        """


class ImageRetention(Protocol):
    """Removes images that no mail of late shows."""

    async def drop_images(self, before: float, after: str, limit: int) -> Swept:
        """
        A bounded step in one transaction, oldest first (L{smtpeter.boundaries.archive.RetentionStore}).

        @param before: POSIX seconds; what was kept later stays.
        @raise StorageBusy: not now; nothing was changed.
        """
