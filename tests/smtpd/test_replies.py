"""Replies as sent."""

from hypothesis import given, settings
from hypothesis.strategies import text
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.smtpd import replies
from smtpeter.smtpd.replies import Reply


class Replies(SynchronousTestCase):
    def test_encoded(self) -> None:
        """A reply is code, enhanced status code and text."""
        self.assertEqual(Reply(250, "2.0.0", "Ok").encode(), b"250 2.0.0 Ok\r\n")
        self.assertEqual(Reply(334, "", "").encode(), b"334 \r\n")

    def test_lines(self) -> None:
        """A line end in the text makes a reply of several lines, every one with its codes."""
        self.assertEqual(Reply(550, "5.7.1", "No.\nNever.").encode(), b"550-5.7.1 No.\r\n550 5.7.1 Never.\r\n")

    @settings(max_examples=100)
    @given(text(max_size=2000))
    def test_any_text(self, words: str) -> None:
        """Whatever the text, lines stay under 512 octets, are printable ASCII, and only the last ends the reply."""
        lines = Reply(550, "5.1.1", words).encode().split(b"\r\n")
        self.assertEqual(lines.pop(), b"")
        self.assertTrue(all(len(line) <= 510 and line.isascii() for line in lines))
        self.assertFalse(any(octet < 32 for line in lines for octet in line))
        self.assertEqual([line[:4] for line in lines], [b"550-"] * (len(lines) - 1) + [b"550 "])

    def test_long_text(self) -> None:
        """A text that is long goes in several lines, none over 512 octets with its end, no word of it lost."""
        words = [f"word{number}" for number in range(300)]
        lines = Reply(550, "5.7.1", " ".join(words)).encode().splitlines(keepends=True)
        self.assertGreater(len(lines), 4)
        self.assertLessEqual(max(map(len, lines)), 512)
        self.assertEqual([word.decode() for line in lines for word in line[10:].split()], words)

    def test_every_reply_carries_an_enhanced_status_code(self) -> None:
        """All fixed replies but 354 carry an enhanced status code of their class."""
        fixed = [reply for reply in vars(replies).values() if isinstance(reply, Reply)]
        self.assertGreater(len(fixed), 40)
        for reply in fixed:
            if reply.code != 354:
                self.assertRegex(reply.enhanced, r"^[245]\.\d\.\d+$")
                self.assertEqual(reply.enhanced[0], str(reply.code)[0])
