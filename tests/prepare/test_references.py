"""Tests for L{smtpeter.prepare.references}."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.prepare.references import decode_references, encode_references


class ReferencesTests(SynchronousTestCase):
    """Values of attributes."""

    def test_decode(self) -> None:
        """References are read as in attributes; what only looks like one stays."""
        for written, value in (
            ("?a=1&amp;b=2&amp;c", "?a=1&b=2&c"),
            ("?a=1&amp;amp;b", "?a=1&amp;b"),
            ("&amp;copy;", "&copy;"),
            ("&amp;&lt;", "&<"),
            ("?a&copy=2&amp;b", "?a&copy=2&b"),
            ("&amp=1&amp;x", "&amp=1&x"),
            ("&AMP;&#38;&#x26;", "&&&"),
        ):
            self.assertEqual(decode_references(written), value)

    @given(st.lists(st.sampled_from(["&amp;", "&", "amp;", "a", "=", ";", "&#38;", "lt;"]), max_size=8))
    @settings(max_examples=150)
    def test_marked(self, pieces: list[str]) -> None:
        """A value is read the same whether or not another reference stands behind it."""
        written = "".join(pieces) + " "
        self.assertEqual(decode_references(written + "&lt;"), decode_references(written) + "<")

    @given(st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=30))
    @settings(max_examples=100)
    def test_round_trip(self, value: str) -> None:
        """What was written is read again, and has no character that ends a value."""
        written = encode_references(value)
        self.assertFalse(set(written) & set(b"\"'<>` \t\n\f\r"))
        self.assertEqual(decode_references(written.decode()), value)
