"""Tests of public ids."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.identity import ID_BYTES, ID_CHARACTERS, decode_id, encode_id, first_id, new_id


class IdentityTests(SynchronousTestCase):
    """Ids are short, ordered in time and can be read back."""

    @given(st.binary(min_size=ID_BYTES, max_size=ID_BYTES))
    def test_round_trip(self, raw: bytes) -> None:
        """What is written is read back."""
        text = encode_id(raw)
        self.assertEqual(len(text), ID_CHARACTERS)
        self.assertRegex(text, r"\A[0-9a-v]+\Z")
        self.assertEqual(decode_id(text), raw)

    @given(st.floats(0, 2**37), st.floats(0, 2**37), st.binary(min_size=6, max_size=6))
    def test_order(self, one: float, other: float, chance: bytes) -> None:
        """A later id is a later text."""
        if int(one * 1000) < int(other * 1000):
            self.assertLess(new_id(one, chance), new_id(other, chance))

    def test_refuses(self) -> None:
        """Other texts are no ids."""
        for text in ("", "x" * 19, "z" * 20, "ü" * 20):
            self.assertRaises(ValueError, decode_id, text)

    @given(st.floats(0, 2**37), st.floats(0, 2**37), st.binary(min_size=6, max_size=6))
    def test_first(self, one: float, other: float, chance: bytes) -> None:
        """The first id of a time divides those that were made before from those that were not."""
        made = new_id(one, chance)
        self.assertIs(made < first_id(other), int(one * 1000) < int(other * 1000))

    def test_first_of_all(self) -> None:
        """Before the epoch there is nothing."""
        self.assertEqual(first_id(-5.0), first_id(0.0))
