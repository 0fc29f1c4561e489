"""
Public ids of submissions and messages.

An id is 12 bytes: six of milliseconds since the epoch, six of chance. It is written as 20 characters of lower-case
base32hex (RFC 4648, 7), whose order as text is the order in time, so that new rows go to the end of an index.
"""

from base64 import b32hexdecode, b32hexencode
from collections.abc import Callable

ID_BYTES = 12
ID_CHARACTERS = 20

NewId = Callable[[float], str]
"""Makes an id for a POSIX time; two calls never give the same."""


def encode_id(raw: bytes) -> str:
    """Write C{ID_BYTES} bytes as an id."""
    return b32hexencode(raw)[:ID_CHARACTERS].decode("ascii").lower()


def decode_id(text: str) -> bytes:
    """
    Read an id back.

    @raise ValueError: the text is no id of ours.
    """
    if len(text) != ID_CHARACTERS:
        raise ValueError("an id has 20 characters")
    return b32hexdecode(text.upper() + "====")


def new_id(now: float, chance: bytes) -> str:
    """
    Make an id.

    @param now: POSIX seconds.
    @param chance: six random bytes.
    """
    return encode_id(int(now * 1000).to_bytes(6, "big") + chance)


def first_id(at: float) -> str:
    """An id that stands before all that were made at or after a POSIX time, and behind all that were made before."""
    return encode_id(max(0, int(at * 1000)).to_bytes(6, "big") + bytes(6))
