"""Tokens that carry nothing but a message: pixel, unsubscribe address, bounce address, reference in the header."""

import re
from base64 import b32decode, b32encode
from typing import NamedTuple

from smtpeter.model.identity import ID_BYTES
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.seal import Forged, Kind, Seal, check, open_seal, plain_host, raw_id, read_base64, write_base64

_BOUNCE_MAC_BYTES = 11
_BOUNCE_CHARACTERS = 40
_PIXEL = re.compile(r"/(?P<token>[A-Za-z0-9_-]{36})\.gif(?:\?.*)?", re.DOTALL)
_UNSUBSCRIBE = re.compile(r"/u/(?P<token>[A-Za-z0-9_-]{36})(?:\?.*)?", re.DOTALL)
_BOUNCE = re.compile(rf"(?P<token>[a-z2-7]{{{_BOUNCE_CHARACTERS}}})@(?P<domain>[a-z0-9.-]+)")
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{36}")
_HEAD_BYTES = 3


class Mark(NamedTuple):
    """
    A token but for its message: C{head}, what C{seal} writes, C{tail}. A tuple, since a message has a hundred of them.
    """

    head: str
    seal: Seal
    tail: str

    def write(self, message: bytes) -> str:
        """The whole token for a message, by its bytes."""
        return f"{self.head}{self.seal.write(message).decode('ascii')}{self.tail}"


def _head(kind: Kind, key_id: int) -> bytes:
    return bytes((kind, key_id, 0))


def _read(keys: MacKeys, kind: Kind, token: str, covered: tuple[bytes, ...]) -> str:
    raw = read_base64(token)
    if raw[:1] != bytes((kind,)) or raw[2] != 0:
        raise Forged("another kind of token")
    seal = open_seal(keys, kind, raw[1], covered)
    return check(seal.raw, raw[_HEAD_BYTES : _HEAD_BYTES + ID_BYTES], raw[_HEAD_BYTES + ID_BYTES :])


def pixel_mark(keys: MacKeys, host: str) -> Mark:
    """The pixel of any message, for a tracking host."""
    seal = open_seal(keys, Kind.PIXEL, keys.current, (plain_host(host).encode(),))
    return Mark(head="/" + write_base64(_head(Kind.PIXEL, keys.current)), seal=seal, tail=".gif")


def make_pixel(keys: MacKeys, host: str, message_id: str) -> str:
    """The path of a message's pixel behind the tracking base, its slash included."""
    return pixel_mark(keys, host).write(raw_id(message_id))


def read_pixel(keys: MacKeys, host: str, path_and_query: bytes) -> str:
    """
    The message whose pixel was fetched. A query that somebody appended is ignored.

    @raise Forged: it is no pixel of ours on this host.
    """
    found = _PIXEL.fullmatch(path_and_query.decode("latin-1"))
    if found is None:
        raise Forged("no pixel")
    return _read(keys, Kind.PIXEL, found["token"], (plain_host(host).encode(),))


def unsubscribe_mark(keys: MacKeys, host: str) -> Mark:
    """The address at which the reader of any message leaves the list, for a tracking host."""
    seal = open_seal(keys, Kind.UNSUBSCRIBE, keys.current, (plain_host(host).encode(),))
    return Mark(head="/u/" + write_base64(_head(Kind.UNSUBSCRIBE, keys.current)), seal=seal, tail="")


def make_unsubscribe(keys: MacKeys, host: str, message_id: str) -> str:
    """The path of a message's unsubscribe address behind the tracking base, its slash included."""
    return unsubscribe_mark(keys, host).write(raw_id(message_id))


def read_unsubscribe(keys: MacKeys, host: str, path_and_query: bytes) -> str:
    """
    The message whose reader wants no more. A query that somebody appended is ignored.

    @raise Forged: it is no unsubscribe address of ours on this host.
    """
    found = _UNSUBSCRIBE.fullmatch(path_and_query.decode("latin-1"))
    if found is None:
        raise Forged("no unsubscribe address")
    return _read(keys, Kind.UNSUBSCRIBE, found["token"], (plain_host(host).encode(),))


def reference_mark(keys: MacKeys) -> Mark:
    """The value of C{X-Message-Reference} for any message."""
    seal = open_seal(keys, Kind.REFERENCE, keys.current, ())
    return Mark(head=write_base64(_head(Kind.REFERENCE, keys.current)), seal=seal, tail="")


def make_reference(keys: MacKeys, message_id: str) -> str:
    """What identifies a message in a complaint that quotes its header."""
    return reference_mark(keys).write(raw_id(message_id))


def read_reference(keys: MacKeys, value: str) -> str:
    """
    The message that a header's value names; white space, as folding leaves it, is ignored.

    @raise Forged: it was not made by us.
    """
    text = "".join(value.split())
    if not _REFERENCE.fullmatch(text):
        raise Forged("no reference")
    return _read(keys, Kind.REFERENCE, text, ())


def make_bounce(keys: MacKeys, domain: str, message_id: str) -> str:
    """
    The address to which a message's bounces go: 40 characters of lower-case base32 (RFC 4648, 6) before the C{@}, a
    MAC of 88 bits among them, so that relays that fold case or split at C{+} do no harm.
    """
    name = domain.lower()
    message = raw_id(message_id)
    seal = open_seal(keys, Kind.BOUNCE, keys.current, (name.encode(),), _BOUNCE_MAC_BYTES)
    token = bytes((Kind.BOUNCE, keys.current)) + message + seal.raw(message)
    return f"{b32encode(token).decode('ascii').lower()}@{name}"


def read_bounce(keys: MacKeys, address: str) -> str:
    """
    The message that a return address was made for; case does not count.

    @raise Forged: it is no address of ours.
    """
    found = _BOUNCE.fullmatch(address.lower())
    if found is None:
        raise Forged("no return address")
    raw = b32decode(found["token"].upper())
    if raw[0] != Kind.BOUNCE:
        raise Forged("another kind of token")
    seal = open_seal(keys, Kind.BOUNCE, raw[1], (found["domain"].encode(),), _BOUNCE_MAC_BYTES)
    return check(seal.raw, raw[2 : 2 + ID_BYTES], raw[2 + ID_BYTES :])
