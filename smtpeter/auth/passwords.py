"""
Generated user names and passwords of logins, generated tokens, and the keyed hashes under which they are kept.

Each has 160 bits of chance, so a fast hash is enough: guessing is hopeless with any hash, and a slow one would be the
bottleneck of a busy door. The key keeps a stolen database useless by itself.
"""

from collections.abc import Callable
from hashlib import blake2b
from hmac import compare_digest

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""32 characters, none of which is taken for another (no i, l, o, u)."""

USERNAME_BYTES = 10
PASSWORD_BYTES = 20
GROUP_CHARACTERS = 4
TOKEN_BYTES = 20
HASH_BYTES = 32

_BITS = 5
_TOKEN_PERSON = b"smtpeter token"


def generate_username(chance: Callable[[int], bytes]) -> str:
    """A user name of 16 characters."""
    return _spell(chance(USERNAME_BYTES))


def generate_password(chance: Callable[[int], bytes]) -> str:
    """A password of 160 bits: eight groups of four characters with a space between, and the spaces count."""
    letters = _spell(chance(PASSWORD_BYTES))
    return " ".join(letters[at : at + GROUP_CHARACTERS] for at in range(0, len(letters), GROUP_CHARACTERS))


def hash_password(key: bytes, password: str) -> bytes:
    """
    The keyed BLAKE2b hash (RFC 7693) that is stored instead of a password.

    @param key: at most 64 bytes, the same on all nodes.
    """
    return blake2b(password.encode("utf-8", "surrogatepass"), key=key, digest_size=HASH_BYTES).digest()


def verify_password(key: bytes, password: str, secret: bytes) -> bool:
    """Whether C{secret} is the hash of that very password; the time does not tell how much of it is right."""
    return compare_digest(hash_password(key, password), secret)


def generate_token(chance: Callable[[int], bytes]) -> str:
    """A token of 160 bits: 32 characters that stand for themselves in a URL."""
    return _spell(chance(TOKEN_BYTES))


def hash_token(key: bytes, token: str) -> bytes:
    """
    The keyed BLAKE2b hash by which a token is found. It differs from the hash of a password of the same letters.

    @param key: at most 64 bytes, the same on all nodes.
    """
    encoded = token.encode("utf-8", "surrogatepass")
    return blake2b(encoded, key=key, digest_size=HASH_BYTES, person=_TOKEN_PERSON).digest()


def _spell(chance: bytes) -> str:
    number = int.from_bytes(chance, "big")
    count = len(chance) * 8 // _BITS
    return "".join(ALPHABET[number >> _BITS * at & 31] for at in reversed(range(count)))
