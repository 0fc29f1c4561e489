"""
The form that all tokens share, and the MAC under which they are made.

A token is a head (kind and version, key id, and what else is the same for all messages), the message and a MAC, then a
body. Only message and MAC differ from message to message, they always take C{SEAL_CHARACTERS} characters, and they
begin at a boundary of base64: so a body that is already encoded for transport has room for them at fixed places.

The MAC is BLAKE2b with a key, personalized by the kind of token. It covers the kind, whatever the kind says is
covered, and the message; parts of variable length stand behind their length, so no two inputs are alike.
"""

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Any

from attrs import define, field

from smtpeter.model.identity import ID_BYTES, decode_id, encode_id
from smtpeter.model.keys import MacKeys

MAC_BYTES = 12
"""96 bits."""

SEAL_CHARACTERS = 4 * (ID_BYTES + MAC_BYTES) // 3

_length = Struct(">L").pack
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_MIN_KEY_BYTES = 16
_MAX_KEY_BYTES = 64


class Forged(Exception):
    """The token was not made by us, not for this host, or with a key that is gone; it says no more to the outside."""


class Kind(IntEnum):
    """What a token is for; its first byte, the upper four bits of which are the version of the form."""

    CLICK = 0x11
    CLICK_WHOLE = 0x12
    PIXEL = 0x13
    BOUNCE = 0x14
    REFERENCE = 0x15
    UNSUBSCRIBE = 0x16


_PERSONS = {kind: b"smtpeter %b" % kind.name[:7].encode() for kind in Kind}


@define(eq=False)
class Seal:
    """
    What makes the part of a token that differs from message to message.

    The MAC over all that stays the same is computed once and copied for each message.
    """

    _mac: Any = field(repr=False)

    def raw(self, message: bytes) -> bytes:
        """The MAC for a message, by its C{ID_BYTES}."""
        mac = self._mac.copy()
        mac.update(message)
        digest: bytes = mac.digest()
        return digest

    def write(self, message: bytes) -> bytes:
        """Message and MAC as C{SEAL_CHARACTERS} characters of base64 (RFC 4648, 5)."""
        return b2a_base64(message + self.raw(message), newline=False).translate(_URL_SAFE)


def open_seal(keys: MacKeys, kind: Kind, key_id: int, covered: tuple[bytes, ...], size: int = MAC_BYTES) -> Seal:
    """
    Begin a MAC.

    @param covered: what it covers beside kind, key and message.
    @param size: its length in bytes.
    @raise Forged: there is no such key.
    """
    return seal_over(keys, kind, key_id, b"".join(map(behind_length, covered)), size)


def behind_length(part: bytes) -> bytes:
    """A part of what a MAC covers, as it goes into it."""
    return _length(len(part)) + part


def seal_over(keys: MacKeys, kind: Kind, key_id: int, covered: bytes, size: int = MAC_BYTES) -> Seal:
    """
    The same of parts that stand behind their lengths already.

    @raise Forged: there is no such key.
    """
    key = keys.keys.get(key_id)
    if key is None:
        raise Forged(f"no key {key_id}")
    mac = _begun(key, key_id, kind, size).copy()
    mac.update(covered)
    return Seal(mac)


@lru_cache(maxsize=64)
def _begun(key: bytes, key_id: int, kind: Kind, size: int) -> Any:
    """The MAC over the kind and the key's number: kept, since beginning with a key costs as much as all the rest."""
    if not _MIN_KEY_BYTES <= len(key) <= _MAX_KEY_BYTES:
        raise ValueError(f"key {key_id} must have {_MIN_KEY_BYTES} to {_MAX_KEY_BYTES} bytes")
    return blake2b(bytes((kind, key_id)), digest_size=size, key=key, person=_PERSONS[kind])


def check(seal: Callable[[bytes], bytes], message: bytes, mac: bytes) -> str:
    """
    Compare in constant time.

    @return: the message's id.
    @raise Forged: the MAC is another.
    """
    if not compare_digest(seal(message), mac):
        raise Forged("the MAC does not match")
    return encode_id(message)


@lru_cache(maxsize=1024)
def raw_id(message_id: str) -> bytes:
    """
    A message's id as bytes; kept, since envelope and content of a message need it one after the other.

    @raise ValueError: it is no id of ours.
    """
    return decode_id(message_id)


def write_base64(raw: bytes) -> str:
    """Base64 for addresses of the web (RFC 4648, 5), without padding."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def read_base64(text: str) -> bytes:
    """
    Read it back; the one spelling of a value is accepted and no other.

    @raise Forged: it is none.
    """
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        raise Forged("no base64")
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if write_base64(raw) != text:
        raise Forged("no base64")
    return raw


@lru_cache(maxsize=256)
def plain_host(host: str) -> str:
    """A host as tokens know it: lower case, without port and trailing dot."""
    return re.sub(r":[0-9]*\Z", "", host.lower()).rstrip(".")
