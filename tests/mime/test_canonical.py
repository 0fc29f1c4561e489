"""Tests for L{smtpeter.mime.canonical}."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.canonical import read_fields, relaxed_body, relaxed_field


def by_the_book(body: bytes) -> bytes:
    """RFC 6376, 3.4.4, line by line."""
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


class BodyTests(SynchronousTestCase):
    """RFC 6376, 3.4.4."""

    def test_example(self) -> None:
        """The example of RFC 6376, 3.4.5."""
        self.assertEqual(relaxed_body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n")

    def test_empty(self) -> None:
        """Nothing, and nothing but white space, is nothing."""
        for body in (b"", b"\r\n", b"\r\n\r\n", b" \t", b" \r\n\t\r\n"):
            self.assertEqual(relaxed_body(body), b"", body)

    @given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"   ", b"\xff"]), max_size=25).map(b"".join))
    @settings(max_examples=300)
    def test_agrees_with_the_book(self, body: bytes) -> None:
        """In bulk comes out what comes out line by line."""
        self.assertEqual(relaxed_body(body), by_the_book(body))


class FieldTests(SynchronousTestCase):
    """RFC 6376, 3.4.2."""

    def test_example(self) -> None:
        """The example of RFC 6376, 3.4.5: names in lower case, unfolded, single spaces."""
        fields = read_fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\nC: body\r\n")
        self.assertEqual([relaxed_field(*field) for field in fields], [b"a:X", b"b:Y Z"])
