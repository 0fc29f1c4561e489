"""Tests for L{smtpeter.mime.limits}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.limits import HeaderTooLarge, NestedTooDeep, TooManyHops, is_flat, read_within_limits
from smtpeter.mime.scanner import MAX_DEPTH, TooDeep, scan
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

    def test_field_across_the_limit(self) -> None:
        """A field counts whole of which only a part of its name lies within the limit."""
        for start in range(262135, 262146):
            with self.assertRaises(HeaderTooLarge):
                read_within_limits(header_of(start) + b"X-Long-Name: value\r\n\r\nbody")

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

    @given(
        st.integers(90, 130),
        st.sampled_from(
            (
                b"Content-Type: message/rfc822\r\n\r\n",
                b"CONTENT-TYPE : message/global\r\n\r\n",
                b"cOnTeNt-tYpE: multipart/digest; boundary=b%d\r\n\r\n--b%d\r\n\r\n",
                b'Content-Type: "multipart"/mixed; boundary=b%d\r\n\r\n--b%d\r\n',
            )
        ),
    )
    @settings(max_examples=60)
    def test_flat(self, levels: int, level: bytes) -> None:
        """What is told without looking at the parts is never nested too deep, and a usual message is told so."""
        content = b"".join(level.replace(b"%d", b"%d" % number) for number in range(levels))
        try:
            scan(content)
            is_too_deep = False
        except TooDeep:
            is_too_deep = True
        self.assertFalse(is_too_deep and is_flat(content))
        if levels > MAX_DEPTH:
            self.assertTrue(is_too_deep)
        self.assertTrue(is_flat(b"From: a@b.example\r\nContent-Type: text/plain\r\n\r\nx\r\n"))
