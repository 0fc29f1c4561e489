"""Tests of the keys that requests with one answer share."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.prepare import InlineRequest
from smtpeter.prepare.alike import MAX_KNOWN, PATIENCE, Keys, style_key


def letter(name: str, sheet: str = "s") -> InlineRequest:
    """A letter of a mailing."""
    return InlineRequest(html=f"<p>Dear {name}</p>", style_sheets=(sheet,))


class KeysTests(SynchronousTestCase):
    """Keys."""

    def test_alike(self) -> None:
        """Letters that differ in their texts share a key; other elements or style sheets make another."""
        keys = Keys()
        self.assertEqual(keys.key(letter("Ann")), keys.key(letter("Bob")))
        others = (
            letter("Ann", "t"),
            letter("<b>Ann</b>"),
            InlineRequest(html="<p>Dear Ann</p>", style_sheets=("s", "")),
        )
        self.assertEqual(len({keys.key(one) for one in (letter("Ann"), *others)}), 4)

    def test_no_skeleton(self) -> None:
        """A document without a skeleton shares its key with its equals only, not with what its bytes are one of."""
        keys = Keys()
        odd = [InlineRequest(html=f'<p title="{one}>">', style_sheets=()) for one in ("a", "b", "a")]
        first, second, third = map(keys.key, odd)
        self.assertEqual(first, third)
        self.assertNotEqual(first, second)

    def test_seldom(self) -> None:
        """After many letters with nothing alike only one of many is looked at, until there is something alike."""
        keys = Keys()
        for number in range(4 * PATIENCE):
            looked = keys.key(letter("Ann")) == keys.key(letter("Bob"))
            self.assertEqual(looked, number < PATIENCE or number % PATIENCE == 0)
            self.assertEqual(keys.key(letter("Ann", "other")), keys.key(letter("Bob", "other")))
            keys.note(letter("Ann"), False)
        self.assertEqual(keys.key(letter("Ann")), keys.key(letter("Ann")))
        keys.note(letter("Ann"), True)
        for _ in range(PATIENCE):
            self.assertEqual(keys.key(letter("Ann")), keys.key(letter("Bob")))
            keys.note(letter("Ann"), False)

    def test_bounded(self) -> None:
        """The style sheets of which that is remembered are bounded."""
        keys = Keys()
        for number in range(2 * MAX_KNOWN):
            keys.note(letter("Ann", f"{number}"), False)
        self.assertEqual(len(keys._missed), MAX_KNOWN)
        self.assertIn(style_key(letter("Ann", f"{2 * MAX_KNOWN - 1}")), keys._missed)
