"""Tests for L{smtpeter.mime.headers}."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.headers import find_body, read_headers

MESSAGE = b"From: a@example.com\r\nSubject: one\r\n two\r\nX-A : 1\r\nx-a:\t2 \r\n\r\nbody\r\n\r\nFrom: not@me\r\n"


class ReadTests(SynchronousTestCase):
    """Where fields and body are."""

    def test_fields(self) -> None:
        """Names, values and places of all fields, with folding and white space before the colon."""
        block = read_headers(MESSAGE)
        self.assertEqual([field.name for field in block.fields], ["From", "Subject", "X-A", "x-a"])
        self.assertEqual([field.value for field in block.named("X-a")], [b"1", b"2"])
        subject = block.first("subject")
        assert subject is not None
        self.assertEqual(subject.raw, b" one\r\n two")
        self.assertEqual(subject.value, b"one two")
        self.assertEqual(MESSAGE[subject.start : subject.end], b"Subject: one\r\n two\r\n")
        self.assertEqual(block.body, b"body\r\n\r\nFrom: not@me\r\n")
        self.assertFalse(block.has("To"))

    def test_block_ends_at_what_is_no_field(self) -> None:
        """Without an empty line the body starts where a line is no field, and fields further down are body."""
        for line in (b"garbage", b"two words: x", b": no name", b"\xc3\xa4: x", b"From\x00: x", b"--b: x", b"no colon"):
            block = read_headers(b"A: 1\r\n" + line + b"\r\nFrom: evil@x\r\n\r\n")
            self.assertEqual([field.name for field in block.fields], ["A"], line)
            self.assertTrue(block.body.startswith(line))

    def test_odd_contents(self) -> None:
        """Nothing, only a body, only fields without a last line end, a folded first line: all are read."""
        self.assertEqual(read_headers(b"").fields, ())
        self.assertEqual(read_headers(b"\r\nA: b\r\n").body, b"A: b\r\n")
        self.assertEqual(read_headers(b" A: b\r\n").fields, ())
        block = read_headers(b"A: b\r\nC: d")
        self.assertEqual([field.value for field in block.fields], [b"b", b"d"])
        self.assertEqual(block.body, b"")

    def test_mbox_line(self) -> None:
        """An mbox line in front is skipped; a From field with white space before its colon is none."""
        for line in (b"From joe@example.com Mon Jan  1 00:00:00 2024\r\n", b">From x\r\n"):
            block = read_headers(line + b"A: 1\r\n\r\n")
            self.assertEqual([field.name for field in block.fields], ["A"])
            self.assertEqual(block.rewritten(), b"A: 1\r\n\r\n")
        self.assertEqual([field.name for field in read_headers(b"From : a@b\r\n\r\n").fields], ["From"])

    @given(
        st.lists(
            st.sampled_from([b"A: b\r\n", b"From x\r\n", b"Bc :\xff\r\n\tc\r\n", b"C:\r\r\n", b"D: e\n", b"--b: x\r\n"])
            | st.sampled_from([b" f\r\n", b"\r\n", b"G", b":", b"\n"]),
            max_size=9,
        ),
        st.integers(0, 40) | st.none(),
    )
    @settings(max_examples=300)
    def test_places(self, pieces: list[bytes], limit: int | None) -> None:
        """The fields stand one behind the other, name and value are what stands there, and no field is left behind."""
        content = b"".join(pieces)
        block = read_headers(content, limit)
        self.assertEqual(
            [block.start, *(each.end for each in block.fields)], [*(each.start for each in block.fields), block.end]
        )
        stop = len(content) if limit is None else limit
        for each in block.fields:
            name, value = content[each.start : each.end].split(b":", 1)
            self.assertEqual(name.rstrip(b" \t").decode(), each.name)
            self.assertEqual(each.key, each.name.lower())
            self.assertIn(value, (each.raw, each.raw + b"\n", each.raw + b"\r\n", each.raw + b"\r"))
            self.assertFalse(each.raw.endswith(b"\n"))
            self.assertLessEqual(each.end, stop)
            self.assertNotIn(content[each.end : min(each.end + 1, stop)], (b" ", b"\t"))
        self.assertIsNone(re.match(rb"(?!--)[!-9;-~]+[ \t]*:", content[block.end : stop]))

    def test_limit(self) -> None:
        """Reading stops at the limit."""
        block = read_headers(b"A: b\r\n" * 1000, limit=100)
        self.assertLessEqual(block.end, 100)
        self.assertGreater(block.end, 90)

    def test_find_body_agrees(self) -> None:
        """The quick way finds the same places."""
        for content in (
            MESSAGE,
            b"",
            b"\r\nx",
            b"A: b",
            b"A: b\r\nx",
            b"A: b\r\n c\r\n\r\n",
            b" x",
            b"A: b\r\n--b: x\r\n",
        ):
            block = read_headers(content)
            self.assertEqual(find_body(content), (block.end, block.body_start), content)


class RewriteTests(SynchronousTestCase):
    """What goes on."""

    def test_remove_and_prepend(self) -> None:
        """Fields go away whole and others come in front; what stays keeps its bytes."""
        block = read_headers(MESSAGE)
        written = block.rewritten(b"New: x\r\n", lambda field: field.key in ("subject", "x-a"))
        self.assertEqual(written, b"New: x\r\nFrom: a@example.com\r\n\r\n")
        self.assertEqual(block.rewritten() + block.body, MESSAGE.replace(b"X-A :", b"X-A:"))

    def test_obsolete_white_space(self) -> None:
        """White space in front of a colon goes, since others might not read the field; nothing else does."""
        block = read_headers(b"From : a@b\r\nBcc : x\r\nSubject\t :\r\n y : z\r\n\r\n")
        written = block.rewritten(is_dropped=lambda field: field.key == "bcc")
        self.assertEqual(written, b"From: a@b\r\nSubject:\r\n y : z\r\n\r\n")

    def test_always_ended(self) -> None:
        """An empty line ends the block, even where there was none or no line end."""
        self.assertEqual(read_headers(b"A: b\r\ngarbage\r\nB: c\r\n").rewritten(), b"A: b\r\n\r\n")
        self.assertEqual(read_headers(b"A: b").rewritten(), b"A: b\r\n\r\n")
        self.assertEqual(read_headers(b"A: b").rewritten(is_dropped=lambda field: True), b"\r\n")
        self.assertEqual(read_headers(b"garbage").rewritten(b"X: y\r\n"), b"X: y\r\n\r\n")

    @given(
        st.lists(st.sampled_from([b"A: b\r\n", b"B: \xff : \r\n\tc\r\n", b"Bcc:x\r\n y\r\n", b"C:\r\n"]), max_size=8),
        st.binary(max_size=20),
    )
    @settings(max_examples=60)
    def test_bytes_survive(self, fields: list[bytes], body: bytes) -> None:
        """Without a change every byte of fields and body is what it was; a removal takes just its fields."""
        content = b"".join(fields) + b"\r\n" + body
        block = read_headers(content)
        self.assertEqual(block.rewritten() + block.body, content)
        kept = b"".join(field for field in fields if not field.startswith(b"Bcc"))
        self.assertEqual(block.rewritten(is_dropped=lambda field: field.key == "bcc"), kept + b"\r\n")
