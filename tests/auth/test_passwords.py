"""Generated passwords and their hashes."""

from hypothesis import given, settings
from hypothesis.strategies import binary, text
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.auth.passwords import (
    ALPHABET,
    PASSWORD_BYTES,
    generate_password,
    generate_username,
    hash_password,
    verify_password,
)

KEY = b"k" * 32


class GeneratedPasswords(SynchronousTestCase):
    def test_a_password_is_eight_groups_of_four(self) -> None:
        """A password has eight groups of four characters with single spaces between."""
        groups = generate_password(lambda count: bytes(range(count))).split(" ")
        self.assertEqual([len(group) for group in groups], [4] * 8)

    def test_no_look_alikes(self) -> None:
        """The alphabet has 32 different characters and none that is taken for another."""
        self.assertEqual(len(set(ALPHABET)), 32)
        self.assertEqual(set("ilou") & set(ALPHABET), set())

    @settings(max_examples=50)
    @given(binary(min_size=PASSWORD_BYTES, max_size=PASSWORD_BYTES))
    def test_all_chance_stands_in_the_password(self, chance: bytes) -> None:
        """All 160 bits can be read back from a password: none was lost."""
        number = 0
        for letter in generate_password(lambda count: chance[:count]).replace(" ", ""):
            number = number * 32 + ALPHABET.index(letter)
        self.assertEqual(number.to_bytes(PASSWORD_BYTES, "big"), chance)

    def test_user_names_have_no_blanks(self) -> None:
        """A user name is one word of 16 characters, another for other chance."""
        names = {generate_username(lambda count, n=n: bytes([n]) * count) for n in range(5)}  # type: ignore[misc]
        self.assertEqual({len(name) for name in names}, {16})
        self.assertEqual(len(names), 5)
        self.assertFalse(any(" " in name for name in names))


class HashedPasswords(SynchronousTestCase):
    def test_the_right_password_verifies(self) -> None:
        """What was hashed verifies, anything else does not."""
        secret = hash_password(KEY, "abcd efgh")
        self.assertTrue(verify_password(KEY, "abcd efgh", secret))
        self.assertFalse(verify_password(KEY, "abcd efgi", secret))

    def test_spaces_count(self) -> None:
        """A password without its spaces, or with one more, is another password."""
        secret = hash_password(KEY, "abcd efgh")
        for other in ("abcdefgh", "abcd  efgh", "abcd efgh ", " abcd efgh"):
            self.assertFalse(verify_password(KEY, other, secret), other)

    def test_the_key_counts(self) -> None:
        """The same password has another hash under another key."""
        self.assertNotEqual(hash_password(KEY, "x"), hash_password(b"l" * 32, "x"))

    @settings(max_examples=50)
    @given(text())
    def test_any_text_is_a_password(self, password: str) -> None:
        """Any text can be hashed and verified."""
        self.assertTrue(verify_password(KEY, password, hash_password(KEY, password)))
