"""Tests of L{smtpeter.storage.space}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.storage.space import DiskReserve


class DiskReserveTests(SynchronousTestCase):
    """How much of the disk is left."""

    def test_enough(self) -> None:
        """There is more than one byte."""
        self.assertFalse(DiskReserve(folder=".", reserve_bytes=1).is_short())

    def test_short(self) -> None:
        """There is less than an exabyte."""
        self.assertTrue(DiskReserve(folder=".", reserve_bytes=1 << 60).is_short())

    def test_unknown(self) -> None:
        """A file system that cannot be asked refuses no mail."""
        self.assertFalse(DiskReserve(folder="/nowhere/at/all", reserve_bytes=1 << 60).is_short())
