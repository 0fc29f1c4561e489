"""Tests for L{smtpeter.mime.dates}."""

from email.utils import parsedate_to_datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.dates import format_date


class FormatTests(SynchronousTestCase):
    """RFC 5322, 3.3."""

    def test_example(self) -> None:
        """In English, in UTC, with two digits."""
        self.assertEqual(format_date(0), "Thu, 01 Jan 1970 00:00:00 +0000")
        self.assertEqual(format_date(1709210096.9), "Thu, 29 Feb 2024 12:34:56 +0000")

    @given(st.integers(0, 4_102_444_800))
    @settings(max_examples=50)
    def test_reads_back(self, at: int) -> None:
        """The stock reader reads the same second."""
        self.assertEqual(parsedate_to_datetime(format_date(at)).timestamp(), at)
