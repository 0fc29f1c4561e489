"""Seals what the database must keep and a stolen copy of it must not tell: AES-256-GCM (NIST SP 800-38D)."""

from collections.abc import Callable

from attrs import define
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from typing_extensions import override

from smtpeter.auth.secrets import VaultKeys
from smtpeter.boundaries.storage import Vault

_NONCE_BYTES = 12
_TAG_BYTES = 16


class CannotOpen(ValueError):
    """The sealed bytes were changed, or sealed with a key that is not here."""


@define(eq=False)
class KeyedVault(Vault):
    """
    Seals and opens.

    What is sealed: a byte with the key's id, a nonce, the ciphertext with its tag.
    """

    _keys: VaultKeys
    _chance: Callable[[int], bytes]

    @override
    def seal(self, clear: bytes) -> bytes:
        """Seal with the current key. May be called in any thread."""
        head, nonce = bytes([self._keys.current]), self._chance(_NONCE_BYTES)
        return head + nonce + AESGCM(self._keys.keys[self._keys.current]).encrypt(nonce, clear, head)

    @override
    def open(self, sealed: bytes) -> bytes:
        """
        Open with the key that sealed. May be called in any thread.

        @raise CannotOpen: not possible.
        """
        if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise CannotOpen("too short to be sealed")
        head, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        key = self._keys.keys.get(head[0])
        if key is None:
            raise CannotOpen(f"vault-{head[0]}.key is not in the folder of keys")
        try:
            return AESGCM(key).decrypt(nonce, rest, head)
        except InvalidTag:
            raise CannotOpen("changed, or sealed with another key") from None
