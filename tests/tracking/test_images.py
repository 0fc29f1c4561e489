"""Tests of L{smtpeter.tracking.images}."""

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.keys import MacKeys
from smtpeter.tracking.images import image_hash, image_path, read_image_path

KEYS = MacKeys(current=2, keys={1: b"o" * 32, 2: b"k" * 32})
HASH = "0123456789" * 4


class HashTests(SynchronousTestCase):
    """What an image is found by."""

    def test_hash(self) -> None:
        """It is the same for the same image of an account, and cannot be known without the key or for another one."""
        made = image_hash(KEYS, 1, b"x")
        self.assertRegex(made, r"^[0-9a-f]{40}$")
        self.assertEqual(image_hash(KEYS, 1, b"x"), made)
        others = MacKeys(current=2, keys={2: b"l" * 32})
        different = [image_hash(KEYS, 2, b"x"), image_hash(KEYS, 1, b"y"), image_hash(others, 1, b"x")]
        self.assertEqual(len({made, *different}), 4)
        self.assertNotEqual(image_hash(KEYS, 1, b"1:x"), image_hash(KEYS, 11, b":x"))


class PathTests(SynchronousTestCase):
    """Addresses."""

    def test_names(self) -> None:
        """A name keeps what is harmless of the one that was given, with the ending of its type."""
        for given_name, name in (
            ("logo.png", "logo.gif"),
            ("C:\\pictures\\My Logo (2).jpeg", "My-Logo-2.gif"),
            ("../../etc/passwd", "passwd.gif"),
            ("größe", "gr-e.gif"),
            ("", "image.gif"),
            ("...", "image.gif"),
            (".htaccess", "htaccess.gif"),
            ("x" * 300, "x" * 56 + ".gif"),
            ("a.html", "a.gif"),
        ):
            self.assertEqual(image_path(HASH, given_name, "gif"), f"/images/{HASH}/{name}", given_name)

    @given(st.text())
    def test_any_name(self, name: str) -> None:
        """Whatever the name was, the path is harmless anywhere, and leads back."""
        path = image_path(HASH, name, "webp")
        self.assertIsNotNone(re.fullmatch(r"/images/[0-9a-f]{40}/[A-Za-z0-9_-]+\.webp", path))
        self.assertEqual(read_image_path(path.encode()), (HASH, "webp"))

    def test_strangers(self) -> None:
        """Nothing else is an address of an image."""
        for path in (
            f"/images/{HASH}",
            f"/images/{HASH}/",
            f"/images/{HASH}/a",
            f"/images/{HASH}/../a.gif",
            f"/images/{HASH}/a.gif/b.gif",
            f"/images/{HASH[1:]}/a.gif",
            f"/images/{HASH.replace('0', 'A')}/a.gif",
            f"/images//{HASH}/a.gif",
            f"/images/{HASH}/a.gif\n",
        ):
            self.assertIsNone(read_image_path(path.encode()), path)
