"""Tests for L{smtpeter.mime.faults}."""

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.faults import Fault, Faults, NotComposable, line_problem, member, shown, text_problem


class FaultTests(SynchronousTestCase):
    """Faults with their places."""

    def test_collected(self) -> None:
        """All are told in order, each in a sentence that begins with its place; without any nothing happens."""
        faults = Faults()
        faults.check()
        self.assertTrue(faults.allows_line("subject", "Hi\tü", 4))
        self.assertFalse(faults.allows_line("subject", "Hi, ü", 4))
        faults.add_all("to[0]", ["is odd", "is even"])
        with self.assertRaises(NotComposable) as caught:
            faults.check()
        self.assertEqual(
            caught.exception.faults,
            (
                Fault("subject", "subject is longer than 4 characters"),
                Fault("to[0]", "to[0] is odd"),
                Fault("to[0]", "to[0] is even"),
            ),
        )
        self.assertEqual(str(caught.exception), "subject is longer than 4 characters; to[0] is odd; to[0] is even")

    def test_problems(self) -> None:
        """A control character ends a line, half of a character is none anywhere."""
        self.assertEqual(line_problem("a\u2028", 9), "contains a line end or another control character (U+2028)")
        self.assertEqual(line_problem("a\udc80", 9), "contains half of a character (U+DC80)")
        self.assertEqual(text_problem("a\r\n\x00\u2028"), "")
        self.assertEqual(text_problem("a\udc80"), "contains half of a character (U+DC80)")

    def test_places(self) -> None:
        """A key that could be mistaken is written as JSON, in ASCII, and cut."""
        self.assertEqual(member("extra", "x-a"), "extra.x-a")
        self.assertEqual(member("extra", "x.a"), 'extra["x.a"]')
        self.assertEqual(member("extra", 'ü"\n\u2028'), 'extra["\\u00fc\\"\\n\\u2028"]')
        self.assertEqual(len(member("extra", "a" * 1000)), 69)

    def test_shown(self) -> None:
        """What a client wrote is repeated in part."""
        self.assertEqual(shown("a"), '"a"')
        self.assertEqual(shown("a" * 61), '"' + "a" * 60 + '…"')
