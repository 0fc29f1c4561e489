"""The folder of keys."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.auth.secrets import SecretsError, generate_secrets, load_secrets, shared_keys, write_secrets


def chance(size: int) -> bytes:
    """Predictable, and another value for each key."""
    chance.calls += 1  # type: ignore[attr-defined]
    return bytes([chance.calls % 256]) * size  # type: ignore[attr-defined]


chance.calls = 0  # type: ignore[attr-defined]


class FolderTests(SynchronousTestCase):
    """Writing and reading keys."""

    @override
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.secrets = generate_secrets(chance)

    def refused(self) -> str:
        """Why the folder is not accepted; no key is in it."""
        message = str(self.assertRaises(SecretsError, load_secrets, self.folder))
        self.assertNotIn(self.secrets.password_key.hex(), message)
        return message

    def test_generated(self) -> None:
        """Every key is its own 32 bytes."""
        keys = {self.secrets.mac_keys.keys[0], self.secrets.password_key, self.secrets.vault_keys.keys[0]}
        self.assertEqual([len(key) for key in keys], [32, 32, 32])

    def test_round_trip(self) -> None:
        """What was written is read."""
        write_secrets(self.folder, self.secrets)
        self.assertEqual(load_secrets(self.folder), self.secrets)

    def test_permissions(self) -> None:
        """Only the owner may enter the folder and read the keys, whatever the umask."""
        before = os.umask(0)
        try:
            write_secrets(self.folder, self.secrets)
        finally:
            os.umask(before)
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual({path.stat().st_mode & 0o777 for path in self.folder.iterdir()}, {0o600})
        self.assertEqual(shared_keys(self.folder), ())

    def test_not_overwritten(self) -> None:
        """An existing folder of keys is left alone."""
        write_secrets(self.folder, self.secrets)
        self.assertRaises(SecretsError, write_secrets, self.folder, generate_secrets(chance))
        self.assertEqual(load_secrets(self.folder), self.secrets)

    def test_highest_is_current(self) -> None:
        """With several keys all are read and the highest id is for what is new; other files do not count."""
        write_secrets(self.folder, self.secrets)
        for name in ("mac-10.key", "mac-9.key", "vault-255.key"):
            self.add(name, "5" * 64)
        for name in ("mac-256.key", "mac-01.key", "mac-3.key.bak", "README"):
            self.add(name, "no key")
        found = load_secrets(self.folder)
        self.assertEqual((found.mac_keys.current, set(found.mac_keys.keys)), (10, {0, 9, 10}))
        self.assertEqual((found.vault_keys.current, set(found.vault_keys.keys)), (255, {0, 255}))

    def add(self, name: str, text: str) -> None:
        """Put a file there."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def test_missing(self) -> None:
        """A missing folder, a missing key, a missing kind of keys are told by name."""
        self.assertIn(str(self.folder), self.refused())
        write_secrets(self.folder, self.secrets)
        (self.folder / "password.key").unlink()
        self.assertIn("password.key is missing", self.refused())
        (self.folder / "vault-0.key").unlink()
        self.assertIn("no vault-0.key", self.refused())

    def test_wrong_size(self) -> None:
        """A key of another size, or of other characters, is none."""
        write_secrets(self.folder, self.secrets)
        for text in ("", "00" * 31, "00" * 33, "zz" * 32, "0" * 100_000):
            self.add("mac-0.key", text)
            self.assertIn("mac-0.key is no key", self.refused())

    def test_readable_by_all(self) -> None:
        """A key that everybody may read is refused; one that the group may read is pointed out."""
        write_secrets(self.folder, self.secrets)
        key = self.folder / "mac-0.key"
        key.chmod(0o604)
        self.assertIn(f"chmod 600 {key}", self.refused())
        key.chmod(0o640)
        self.assertEqual(load_secrets(self.folder), self.secrets)
        self.assertEqual(shared_keys(self.folder), (key,))

    def test_repr(self) -> None:
        """No repr shows a key."""
        text = repr(self.secrets)
        for key in (self.secrets.password_key, self.secrets.mac_keys.keys[0], self.secrets.vault_keys.keys[0]):
            self.assertNotIn(repr(key)[2:-1], text)
