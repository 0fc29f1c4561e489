"""Tests for L{smtpeter.tracking.seal}."""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.identity import ID_BYTES
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.seal import Forged, Kind, open_seal, write_base64

KEYS = MacKeys(current=2, keys={1: b"o" * 32, 2: b"n" * 32, 3: b"short"})


class SealTests(SynchronousTestCase):
    """The MAC and its spelling."""

    @given(
        st.sampled_from(Kind),
        st.sampled_from((1, 2)),
        st.lists(st.binary(max_size=9), max_size=3),
        st.sampled_from((11, 12)),
        st.binary(min_size=ID_BYTES, max_size=ID_BYTES),
    )
    @settings(max_examples=100)
    def test_whole(self, kind: Kind, key_id: int, covered: list[bytes], size: int, message: bytes) -> None:
        """It is one BLAKE2b over kind, key, what is covered with its lengths, and the message."""
        octets = bytes((kind, key_id)) + b"".join(pack(">L", len(part)) + part for part in covered) + message
        person = b"smtpeter " + kind.name[:7].encode()
        mac = blake2b(octets, digest_size=size, key=KEYS.keys[key_id], person=person).digest()
        seal = open_seal(KEYS, kind, key_id, tuple(covered), size)
        self.assertEqual(seal.raw(message), mac)
        self.assertEqual(seal.raw(message), mac)
        self.assertEqual(seal.write(message), urlsafe_b64encode(message + mac))

    def test_keys(self) -> None:
        """A key that there is not is no key, and a short one is a fault, each time."""
        for _ in range(2):
            with self.assertRaises(Forged):
                open_seal(KEYS, Kind.PIXEL, 9, ())
            with self.assertRaises(ValueError):
                open_seal(KEYS, Kind.PIXEL, 3, ())

    @given(st.binary(max_size=20))
    @settings(max_examples=60)
    def test_base64(self, raw: bytes) -> None:
        """As the standard library writes it, without padding."""
        self.assertEqual(write_base64(raw), urlsafe_b64encode(raw).decode().rstrip("="))
