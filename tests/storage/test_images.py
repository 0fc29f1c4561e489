"""Tests of L{smtpeter.storage.images}, on both databases."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageFull
from smtpeter.model.image import HostedImage
from smtpeter.storage.images import FRESH_SECONDS, StoredImages
from tests.storage.places import InMemory, OnPostgreSQL, Place
from tests.support.database import now

DAY = 86_400.0
BEGIN = 1_700_000_000.0


def image(number: int, octets: bytes = b"GIF89a") -> HostedImage:
    """One with a hash of its own."""
    return HostedImage(hash=f"{number:040x}", type="image/gif", octets=octets)


class Laws(Place):
    """What holds of the images in a database."""

    @override
    def setUp(self) -> None:
        self.database = self.open_database()
        self.is_short = False
        self.images = StoredImages(database=self.database, is_short=lambda: self.is_short)

    def keep(self, *images: HostedImage, at: float = BEGIN) -> None:
        now(self.images.keep(1, images, at))

    def drop(self, before: float, limit: int = 100) -> int:
        """Remove what was last kept earlier."""
        count, after = 0, ""
        for _ in range(100):
            swept = now(self.images.drop_images(before, after, limit))
            count += swept.removed
            if swept.next is None:
                return count
            after = swept.next
        raise AssertionError("it does not end")

    def found(self, *numbers: int) -> list[int]:
        return [number for number in numbers if now(self.images.image(image(number).hash)) is not None]

    def test_kept(self) -> None:
        """An image is found as it was kept, by its hash alone; others are not there."""
        one = image(1, bytes(range(256)))
        self.keep(one, image(2))
        self.assertEqual(now(self.images.image(one.hash)), one)
        self.assertIsNone(now(self.images.image(image(3).hash)))

    def test_again(self) -> None:
        """What is kept again is there once; its time begins anew, and never ends sooner than it would have."""
        self.keep(image(1))
        self.keep(image(1), image(2), at=BEGIN + 10 * DAY)
        self.keep(image(1), at=BEGIN + 5 * DAY)
        self.assertEqual(self.drop(BEGIN + 10 * DAY), 0)
        self.assertEqual(self.drop(BEGIN + 10 * DAY + 1), 2)
        self.assertEqual(self.found(1, 2), [])

    def test_fresh(self) -> None:
        """Within a day nothing is written for it, not even where the disk is full; later there must be room."""
        self.keep(image(1))
        self.is_short = True
        self.keep(image(1), at=BEGIN + FRESH_SECONDS - 1)
        for at, one in ((BEGIN + FRESH_SECONDS, image(1)), (BEGIN, image(2))):
            with self.assertRaises(StorageFull):
                self.keep(one, at=at)
        self.assertEqual(self.found(1, 2), [1])

    def test_dropped(self) -> None:
        """Old ones go, oldest first, in steps of any size; the others stay."""
        for number in range(6):
            self.keep(image(number), at=BEGIN + number * DAY)
        self.assertEqual(now(self.images.drop_images(BEGIN + 4 * DAY, "", 1)).removed, 1)
        self.assertEqual(self.found(*range(6)), [1, 2, 3, 4, 5])
        self.assertEqual(self.drop(BEGIN + 4 * DAY, limit=2), 3)
        self.assertEqual(self.found(*range(6)), [4, 5])
        self.assertEqual(self.drop(BEGIN), 0)


class InMemoryTests(Laws, InMemory, SynchronousTestCase):
    """On SQLite."""


class PostgreSQLTests(Laws, OnPostgreSQL, SynchronousTestCase):
    """On PostgreSQL."""
