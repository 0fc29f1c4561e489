"""Tests for L{smtpeter.mime.wire}."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.wire import has_bare_newline, has_long_line, is_eightbit, normalise_newlines, stuff_dots, unstuffed

PIECES = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"\x00", b"\xe2\x80\xa8", b" "]), max_size=30
)
RAW = PIECES.map(b"".join)


class NewlineTests(SynchronousTestCase):
    """Line ends."""

    def test_bare_become_pairs(self) -> None:
        """A bare LF, a bare CR and every one of CR CR LF ends a line of its own."""
        self.assertEqual(normalise_newlines(b"a\nb\rc\r\nd\r\r\ne\n\rf"), b"a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf")

    def test_nothing_to_do(self) -> None:
        """What has pairs only is the very object."""
        content = b"a\r\n\r\nb\r\n"
        self.assertIs(normalise_newlines(content), content)
        self.assertFalse(has_bare_newline(content))

    @given(RAW)
    @settings(max_examples=80)
    def test_always_pairs(self, content: bytes) -> None:
        """After it there is no bare one, and the rest of the bytes is as it was."""
        normal = normalise_newlines(content)
        self.assertFalse(has_bare_newline(normal))
        self.assertIsNone(re.search(rb"(?<!\r)\n|\r(?!\n)", normal))
        self.assertEqual(normal.translate(None, b"\r\n"), content.translate(None, b"\r\n"))
        self.assertEqual(has_bare_newline(content), normal != content)


class DotTests(SynchronousTestCase):
    """RFC 5321, 4.5.2."""

    def test_examples(self) -> None:
        """A dot in front of a line is doubled, at the very start and everywhere."""
        self.assertEqual(stuff_dots(b".a\r\n.\r\n..b\r\nc.d"), b"..a\r\n..\r\n...b\r\nc.d\r\n")
        self.assertEqual(stuff_dots(b""), b"")

    @given(RAW.map(normalise_newlines), st.integers(1, 9))
    @settings(max_examples=150)
    def test_round_trip(self, content: bytes, size: int) -> None:
        """Un-stuffing gives back the content, with a line end behind it, in pieces of any size."""
        whole = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
        self.assertEqual(b"".join(unstuffed(stuff_dots(content), size)), whole)

    @given(RAW, st.integers(1, 9))
    @settings(max_examples=150)
    def test_pieces(self, data: bytes, size: int) -> None:
        """Whatever came, line ends are made whole piece by piece as they are all at once."""
        whole = re.sub(rb"(\A|(?<=\r\n))\.", b"", data)
        pieces = list(unstuffed(data, size))
        self.assertEqual(b"".join(pieces), whole)
        self.assertEqual(b"".join(map(normalise_newlines, pieces)), normalise_newlines(whole))
        self.assertEqual(any(map(has_bare_newline, pieces)), has_bare_newline(whole))
        self.assertTrue(all(len(piece) <= size + 1 for piece in pieces))

    @given(RAW.map(normalise_newlines))
    @settings(max_examples=150)
    def test_never_an_end_inside(self, content: bytes) -> None:
        """No line of a stuffed content is a lone dot, so that nothing can be smuggled behind it."""
        stuffed = stuff_dots(content)
        self.assertNotIn(b"\r\n.\r\n", b"\r\n" + stuffed)
        self.assertTrue(not stuffed or stuffed.endswith(b"\r\n"))
        self.assertNotIn(b".", stuffed.split(b"\r\n"))


class LineTests(SynchronousTestCase):
    """Lengths and octets."""

    def test_limit(self) -> None:
        """998 octets are a line, 999 are too many; at the start, in the middle and at the end without a line end."""
        for before in (b"", b"x\r\n", b"y" * 998 + b"\r\n", b"\r\n" * 5):
            for after in (b"", b"\r\n", b"\r\nz"):
                self.assertFalse(has_long_line(before + b"a" * 998 + after), (before, after))
                self.assertTrue(has_long_line(before + b"a" * 999 + after), (before, after))

    @given(st.lists(st.integers(0, 12), max_size=12), st.booleans())
    @settings(max_examples=80)
    def test_agrees_with_lines(self, lengths: list[int], is_ended: bool) -> None:
        """It says what splitting into lines would say."""
        content = b"\r\n".join(b"a" * length for length in lengths) + (b"\r\n" if is_ended else b"")
        self.assertEqual(has_long_line(content, 6), any(length > 6 for length in lengths))

    def test_eightbit(self) -> None:
        """An octet over 127 makes it eight-bit; NUL does not."""
        self.assertTrue(is_eightbit(b"a\x80"))
        self.assertFalse(is_eightbit(b"a\x7f\x00"))
