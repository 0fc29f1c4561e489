"""
The folder of keys: what tokens are signed with, what passwords are hashed with, what is sealed at rest.

It is the same on all nodes and part of a backup. Each key is a file of 64 hexadecimal digits: C{mac-N.key} and
C{vault-N.key}, where N is the key's id from 0 to 255 and the highest is used for what is new, and C{password.key}.
"""

import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import field, frozen

from smtpeter.model.keys import MacKeys

KEY_BYTES = 32
MAX_ID = 255

_PASSWORD = "password.key"  # noqa: S105
_NUMBERED = re.compile(r"(?P<kind>mac|vault)-(?P<id>0|[1-9]\d{0,2})\.key")


class SecretsError(Exception):
    """The keys cannot be used or written; the message names the file and what to do, never a key."""


@frozen(kw_only=True)
class VaultKeys:
    """Keys of L{smtpeter.auth.vault.KeyedVault} by their id. All open; C{current} seals."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)


@frozen(kw_only=True)
class Secrets:
    """All keys of an installation."""

    mac_keys: MacKeys
    password_key: bytes = field(repr=False)
    vault_keys: VaultKeys


def generate_secrets(chance: Callable[[int], bytes]) -> Secrets:
    """
    New keys.

    @param chance: gives so many bytes that nobody can guess.
    """
    return Secrets(
        mac_keys=MacKeys(current=0, keys={0: chance(KEY_BYTES)}),
        password_key=chance(KEY_BYTES),
        vault_keys=VaultKeys(current=0, keys={0: chance(KEY_BYTES)}),
    )


def write_secrets(folder: Path, secrets: Secrets) -> None:
    """
    Make the folder, which only its owner may enter, and write the keys.

    @raise SecretsError: it exists, or cannot be written.
    """
    files = {f"mac-{id}.key": key for id, key in secrets.mac_keys.keys.items()}
    files |= {f"vault-{id}.key": key for id, key in secrets.vault_keys.keys.items()}
    files |= {_PASSWORD: secrets.password_key}
    try:
        folder.mkdir(mode=0o700)
        for name, key in files.items():
            _write(folder / name, key)
    except FileExistsError:
        raise SecretsError(f"{folder} exists already: its keys are not overwritten") from None
    except OSError as error:
        raise SecretsError(f"cannot write keys to {folder}: {error.strerror}") from None


def load_secrets(folder: Path) -> Secrets:
    """
    Read all keys.

    @raise SecretsError: a key is missing, no key, or readable by everybody.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise SecretsError(f"cannot read the folder of keys {folder}: {error.strerror}") from None
    numbered: dict[str, dict[int, bytes]] = {"mac": {}, "vault": {}}
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match and int(match["id"]) <= MAX_ID:
            numbered[match["kind"]][int(match["id"])] = _read(folder / name)
    for kind, keys in numbered.items():
        if not keys:
            raise SecretsError(f"{folder} has no {kind}-0.key: bring the folder back from a backup")
    return Secrets(
        mac_keys=MacKeys(current=max(numbered["mac"]), keys=numbered["mac"]),
        password_key=_read(folder / _PASSWORD),
        vault_keys=VaultKeys(current=max(numbered["vault"]), keys=numbered["vault"]),
    )


def shared_keys(folder: Path) -> tuple[Path, ...]:
    """Key files that the group of their owner may read or change, and the folder if it may."""
    return tuple(path for path in (folder, *sorted(folder.glob("*.key"))) if path.stat().st_mode & stat.S_IRWXG)


def _write(path: Path, key: bytes) -> None:
    """The file is on disk when this returns: what is signed with it may leave the machine at once."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(descriptor)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise SecretsError(f"everybody may read the key {path}: run chmod 600 {path}, or replace the key")
            text = file.read(1024)
    except FileNotFoundError:
        raise SecretsError(f"the key {path} is missing: bring it back from a backup") from None
    except OSError as error:
        raise SecretsError(f"cannot read the key {path}: {error.strerror}") from None
    digits = text.strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{%d}" % (KEY_BYTES * 2), digits):
        raise SecretsError(f"{path} is no key: it must be {KEY_BYTES * 2} hexadecimal digits")
    return bytes.fromhex(digits.decode("ascii"))
