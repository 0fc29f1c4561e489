"""Tests of what the server and a maker say to each other."""

from typing import Any

from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.account import SigningKey
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Recipient, Trace
from smtpeter.model.options import Features
from smtpeter.prepare.frames import packed_error, packed_json
from smtpeter.prepare.orders import (
    Made,
    NotMade,
    Order,
    packed_made,
    packed_order,
    packed_setup,
    unpacked_made,
    unpacked_order,
    unpacked_setup,
)
from tests.prepare.rig import ALL, submission

MADE = Made(
    reverse_path="x@bounces.example.com",
    is_shared=False,
    is_eightbit=True,
    needs_utf8=False,
    size_bytes=1234,
    warnings=("a", "ü"),
    content=b"From: a\r\n\r\n\xff",
)
KEY = SigningKey(domain="example.com", selector="s", private_pem=b"pem")


def order(content: bytes = b"content", **others: object) -> Order:
    """An order for one message."""
    made = submission(content, **others)  # type: ignore[arg-type]
    return Order(submission=evolve(made, messages=made.messages[:1]), key=KEY, now=12.5)


class OrderTests(SynchronousTestCase):
    """Orders."""

    def test_round_trip(self) -> None:
        """All that making a message looks at arrives; recipients and what is only noted are left out."""
        for features in (ALL, Features(inlinecss=True, preventscam=True, images="hosted"), Features()):
            given = order(
                b"a\0b\xff",
                features=features,
                is_utf8=True,
                source="rest",
                trace=Trace(protocol="HTTPS", helo="h\udc80é", peer="::1", tls="TLSv1.3 X"),
                reverse_path="",
            )
            arrived = unpacked_order(packed_order(given))
            left_out = evolve(given.submission.messages[0], recipient=Recipient(address=""), domain="")
            expected = evolve(
                given.submission, login_id=None, expires_at=given.submission.received_at, messages=(left_out,)
            )
            self.assertEqual(arrived, evolve(given, submission=expected))

    def test_features(self) -> None:
        """Every feature that there is arrives, switched the other way than it is by itself."""
        for name, value in asdict(Features()).items():
            other: Any = "hosted" if name == "images" else not value
            features = evolve(Features(), **{name: other})
            arrived = unpacked_order(packed_order(order(features=features))).submission.features
            self.assertEqual(arrived, features)
            self.assertNotEqual(arrived, Features())

    def test_unsigned(self) -> None:
        """An order may come without a key."""
        self.assertIsNone(unpacked_order(packed_order(evolve(order(), key=None))).key)

    def test_no_order(self) -> None:
        """What is cut off is no order."""
        packed = packed_order(order())
        for length in (0, 3, 50):
            self.assertRaises(ValueError, unpacked_order, packed[:length])

    def test_no_key_shows(self) -> None:
        """Keys show in no representation."""
        self.assertNotIn("pem", repr(order()))


class SetupTests(SynchronousTestCase):
    """The first frame."""

    def test_round_trip(self) -> None:
        """Settings and keys arrive."""
        settings, keys = (
            {"hostname": "h", "show_client_address": True},
            MacKeys(current=7, keys={7: b"\0\xff", 0: b"k"}),
        )
        self.assertEqual(unpacked_setup(packed_setup(settings, keys)), (settings, keys))


class MadeTests(SynchronousTestCase):
    """Replies."""

    def test_round_trip(self) -> None:
        """A message arrives octet for octet, with all that is told of it."""
        self.assertEqual(unpacked_made(packed_made(MADE)), MADE)

    def test_refusal(self) -> None:
        """A refusal says why."""
        with self.assertRaises(NotMade) as caught:
            unpacked_made(packed_error("No."))
        self.assertEqual(str(caught.exception), "No.")

    @given(st.binary(max_size=40))
    def test_noise(self, noise: bytes) -> None:
        """Whatever a process says, it is a message or none."""
        try:
            unpacked_made(noise)
        except NotMade:
            pass

    def test_wrong_kinds(self) -> None:
        """A reply whose values are of another kind is none."""
        right = [MADE.reverse_path, False, True, False, 1234, ["a"]]
        unpacked_made(packed_json(right))
        for place, wrong in enumerate((1, "x", "x", 0, "1234", [1])):
            self.assertRaises(NotMade, unpacked_made, packed_json([*right[:place], wrong, *right[place + 1 :]]))
        self.assertRaises(NotMade, unpacked_made, packed_json(right[:5]))
        self.assertRaises(NotMade, unpacked_made, packed_json({"why": "no error"}))
