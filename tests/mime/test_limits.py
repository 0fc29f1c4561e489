"""Tests for L{smtpeter.mime.limits}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.limits import HeaderTooLarge, NestedTooDeep, TooManyHops, read_within_limits
from tests.mime.test_scanner import nested


def header_of(size: int) -> bytes:
    """A header block of exactly so many octets."""
    block = b"X-Pad: " + b"y" * 91 + b"\r\n"
    rest = size % len(block) + len(block)
    return block * ((size - rest) // len(block)) + b"Y: " + b"z" * (rest - 5) + b"\r\n"


class LimitTests(SynchronousTestCase):
    """What is not acceptable."""

    def test_header_size(self) -> None:
        """256 KiB of header are read, an octet more is refused, whether or not a body follows."""
        for body in (b"", b"\r\nbody", b"garbage"):
            self.assertEqual(read_within_limits(header_of(262144) + body).end, 262144)
            with self.assertRaises(HeaderTooLarge):
                read_within_limits(header_of(262145) + body)

    def test_one_long_field(self) -> None:
        """A single field or folding without end is refused as well; a body may be as large as it likes."""
        with self.assertRaises(HeaderTooLarge):
            read_within_limits(b"A: " + b"b" * 300_000)
        with self.assertRaises(HeaderTooLarge):
            read_within_limits(b"A: b\r\n" + b" c\r\n" * 100_000 + b"\r\n")
        self.assertEqual(read_within_limits(b"A: b\r\n\r\n" + b"x" * 300_000).body_start, 8)

    def test_hops(self) -> None:
        """50 Received fields are allowed, 51 are a loop."""
        hop = b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        self.assertEqual(len(read_within_limits(hop * 50 + b"\r\n").fields), 50)
        with self.assertRaises(TooManyHops):
            read_within_limits(hop * 50 + b"RECEIVED : x\r\n\r\n")

    def test_nesting(self) -> None:
        """100 levels are allowed, 101 are not."""
        self.assertEqual(len(read_within_limits(nested(100)).fields), 1)
        with self.assertRaises(NestedTooDeep):
            read_within_limits(nested(101))
