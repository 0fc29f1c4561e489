"""Sealing what the database keeps."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.auth.secrets import VaultKeys
from smtpeter.auth.vault import CannotOpen, KeyedVault


def vault(current: int = 0, keys: dict[int, bytes] | None = None) -> KeyedVault:
    """A vault whose nonces count up."""
    numbers = count()
    found = VaultKeys(current=current, keys=keys or {0: b"a" * 32})
    return KeyedVault(found, lambda size: next(numbers).to_bytes(size, "big"))


class VaultTests(SynchronousTestCase):
    """AES-256-GCM with a key id."""

    @settings(max_examples=40)
    @given(st.binary(max_size=200))
    def test_round_trip(self, clear: bytes) -> None:
        """What was sealed opens, and is not to be seen."""
        sealed = vault().seal(clear)
        self.assertEqual(vault().open(sealed), clear)
        if len(clear) > 3:
            self.assertNotIn(clear, sealed)

    def test_twice(self) -> None:
        """The same is sealed differently each time: a nonce is never used again."""
        one = vault()
        self.assertNotEqual(one.seal(b"secret"), one.seal(b"secret"))

    def test_any_change(self) -> None:
        """Every changed byte, key id and nonce included, is noticed."""
        sealed = vault().seal(b"secret")
        both = vault(keys={0: b"a" * 32, 1: b"a" * 32})
        for at in range(len(sealed)):
            changed = bytearray(sealed)
            changed[at] ^= 1
            self.assertRaises(CannotOpen, both.open, bytes(changed))
        for length in range(len(sealed)):
            self.assertRaises(ValueError, both.open, sealed[:length])

    def test_rotation(self) -> None:
        """After a new key the old seals open, and new ones need the new key."""
        old = vault().seal(b"secret")
        both = vault(1, {0: b"a" * 32, 1: b"b" * 32})
        self.assertEqual(both.open(old), b"secret")
        new = both.seal(b"secret")
        failure = self.assertRaises(CannotOpen, vault().open, new)
        self.assertIn("vault-1.key", str(failure))
