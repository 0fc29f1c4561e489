"""Tests of L{smtpeter.storage.space}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.storage.space import DiskReserve, shortness


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

    def test_whose_disk(self) -> None:
        """It is the disk of a database in a file; other databases have none of ours."""
        for url, folder in (("sqlite:////var/lib/x/smtpeter.db", "/var/lib/x"), ("sqlite:///smtpeter.db", ".")):
            self.assertEqual(getattr(shortness(url), "__self__", None), DiskReserve(folder=folder))
        for url in ("sqlite://", "postgresql+psycopg://u:p@db/x"):
            self.assertFalse(shortness(url)())
