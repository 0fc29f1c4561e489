"""Replies are read from any stream, and nothing else passes for one."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.outcome import Reply
from smtpeter.relay.replies import MAX_LINE, MAX_LINES, MAX_REPLY, BadReply, ReplyReader, clean_text

STREAM = (
    b"220 mx ESMTP\r\n250-mx\r\n250-PIPELINING\r\n250 SIZE 10\r\n250\r\n550-5.1.1 no such\r\n550 5.1.1 user\n"
    b"421 4.7.0 bye \xff\x1b[31m\r\n"
)


def read_all(pieces: list[bytes]) -> list[Reply]:
    reader = ReplyReader()
    replies = []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.next()) is not None:
            replies.append(reply)
    return replies


class ReplyReaderTests(SynchronousTestCase):
    def test_replies(self) -> None:
        """Single and multi-line replies give code, enhanced code and text."""
        self.assertEqual(
            read_all([STREAM]),
            [
                Reply(code=220, text="mx ESMTP"),
                Reply(code=250, text="mx\nPIPELINING\nSIZE 10"),
                Reply(code=250),
                Reply(code=550, enhanced="5.1.1", text="no such\nuser"),
                Reply(code=421, enhanced="4.7.0", text="bye \ufffd\ufffd[31m"),
            ],
        )

    @given(st.lists(st.integers(0, len(STREAM)), max_size=12))
    @settings(max_examples=60, deadline=None)
    def test_any_segmentation(self, cuts: list[int]) -> None:
        """However the stream is cut, the replies are the same."""
        ends = [*sorted(cuts), len(STREAM)]
        pieces = [STREAM[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        self.assertEqual(read_all(pieces), read_all([STREAM]))

    def test_repeated(self) -> None:
        """The same line again is the same reply again."""
        self.assertEqual(read_all([b"250 2.1.0 Ok\r\n"] * 3), [Reply(code=250, enhanced="2.1.0", text="Ok")] * 3)

    def test_repeated_within(self) -> None:
        """A line that was a reply by itself is none at the end of a longer one."""
        said = [b"250 ok\r\n", b"250-mx\r\n250 ok\r\n", b"250 ok\r\n"]
        texts = [reply.text for reply in read_all([b"".join(said)])]
        self.assertEqual(texts, ["ok", "mx\nok", "ok"])

    def test_long_session(self) -> None:
        """The size of one reply is bounded, not that of all replies of a session."""
        said = [b"250-%05d\r\n250 %b\r\n" % (number, b"x" * 1000) for number in range(200)]
        self.assertGreater(sum(map(len, said)), 3 * MAX_REPLY)
        self.assertEqual(len(read_all(said)), 200)

    def test_malformed(self) -> None:
        """What is no reply is told as such."""
        for line in (
            b"hello",
            b"25",
            b"250x",
            b"999 no",
            b"150 no",
            b"",
            b"\xff\xfe\xfd",
            b"250-a\r\n550 b",
            b"250-a\r\nb",
        ):
            with self.assertRaises(BadReply):
                read_all([line + b"\r\n"])

    def test_long_line(self) -> None:
        """A line over the limit is refused, whether its end comes or not."""
        read_all([b"250 " + b"x" * (MAX_LINE - 4) + b"\r\n"])
        for end in (b"", b"\r\n"):
            with self.assertRaises(BadReply):
                read_all([b"250 " + b"x" * MAX_LINE + end])

    def test_many_lines(self) -> None:
        """A reply of too many lines, or of too many octets, is refused."""
        read_all([b"250-x\r\n" * (MAX_LINES - 1) + b"250 x\r\n"])
        with self.assertRaises(BadReply):
            read_all([b"250-x\r\n" * MAX_LINES + b"250 x\r\n"])
        with self.assertRaises(BadReply):
            read_all([(b"250-" + b"x" * 2000 + b"\r\n") * 40])

    def test_foreign_enhanced_code(self) -> None:
        """An enhanced code of another class than the reply's stays text."""
        self.assertEqual(read_all([b"550 2.1.5 odd\r\n"]), [Reply(code=550, text="2.1.5 odd")])

    def test_control_characters(self) -> None:
        """Terminal controls, line separators and direction marks are replaced, a tab is a space."""
        self.assertEqual(clean_text("a\tb\x1b\x00\u2028\u202e\x85é".encode()), "a b" + "\ufffd" * 5 + "é")
