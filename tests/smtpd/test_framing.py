"""Lines and bodies cut from a stream."""

from hypothesis import example, given, settings
from hypothesis.strategies import binary, integers, lists, sampled_from
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.wire import TERMINATOR, stuff_dots, unstuffed
from smtpeter.smtpd.framing import MAX_LINE, Body, Input
from smtpeter.smtpd.limits import SharedRoom
from smtpeter.smtpd.replies import LINE_TOO_LONG, NOT_CRLF, NOT_HTTP, Rejected

FALSE_ENDS = (
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\r.\r\n",
    b"\r\r\n.\r\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n\x00.\x00\r\n",
    b"\r\n.\xe2\x80\xa8",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\xc2\x85.\xc2\x85",
    b"\x0b.\x0b",
    b"\x0c.\x0c",
    b"\r\n\xef\xbc\x8e\r\n",
    b"\r\n..\r\n",
    b"\r\n. \r\n",
    b"\r\n .\r\n",
)


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """A stream in segments of those sizes, and then the rest."""
    segments, at = [], 0
    for size in sizes:
        segments.append(stream[at : at + size])
        at += size
    return [segment for segment in [*segments, stream[at:]] if segment]


class Lines(SynchronousTestCase):
    def test_lines(self) -> None:
        """Lines come out one by one, without their ends; a part of a line waits."""
        received = Input()
        received.receive(b"one\r\ntwo\r\nth")
        self.assertEqual([received.take_line(), received.take_line(), received.take_line()], [b"one", b"two", None])
        received.receive(b"ree\r\n")
        self.assertEqual((received.take_line(), len(received)), (b"three", 0))

    def test_bare_newline(self) -> None:
        """A line that ends with a bare LF is refused, and only it."""
        received = Input()
        received.receive(b"one\ntwo\r\n")
        with self.assertRaises(Rejected) as caught:
            received.take_line()
        self.assertEqual(caught.exception.reply, NOT_CRLF)
        self.assertEqual(received.take_line(), b"two")

    def test_long_line(self) -> None:
        """A line that is too long is swallowed with bounded memory, refused once, and the next one is taken."""
        received = Input()
        for _ in range(10):
            received.receive(b"x" * 10_000)
            self.assertIsNone(received.take_line())
            self.assertLess(len(received), MAX_LINE)
        received.receive(b"x\r\nnext\r\n")
        with self.assertRaises(Rejected) as caught:
            received.take_line()
        self.assertEqual(caught.exception.reply, LINE_TOO_LONG)
        self.assertEqual(received.take_line(), b"next")

    def test_after_a_long_line(self) -> None:
        """A long line is judged by its own beginning, not by that of a longer one before it."""
        received, request = Input(), b"POST /" + b"x" * MAX_LINE + b" HTTP/1.1\r\n"
        received.receive(b"x" * MAX_LINE)
        self.assertIsNone(received.take_line())
        received.receive(b"\r\n" + request)
        for reply in (LINE_TOO_LONG, NOT_HTTP):
            with self.assertRaises(Rejected) as caught:
                received.take_line()
            self.assertEqual(caught.exception.reply, reply)

    def test_longest_line(self) -> None:
        """A line of 12288 octets with its end is taken, one more is not."""
        received = Input()
        received.receive(b"x" * (MAX_LINE - 2) + b"\r\n" + b"y" * (MAX_LINE - 1) + b"\r\n")
        self.assertEqual(received.take_line(), b"x" * (MAX_LINE - 2))
        with self.assertRaises(Rejected):
            received.take_line()

    @settings(max_examples=60)
    @given(lists(integers(1, 9)))
    def test_any_segments(self, sizes: list[int]) -> None:
        """However a stream is cut, the lines are the same."""
        received, lines = Input(), []
        for segment in cut(b"one\r\n\r\ntwo\r\nthree\r\n", sizes):
            received.receive(segment)
            while (line := received.take_line()) is not None:
                lines.append(line)
        self.assertEqual(lines, [b"one", b"", b"two", b"three"])


class Bodies(SynchronousTestCase):
    def body(self, limit: int = 10_000, room: int = 1_000_000) -> Body:
        """A body in reception."""
        self.room = SharedRoom(room)
        return Body(limit, self.room)

    def test_whole(self) -> None:
        """A body ends with CRLF.CRLF; what stands behind is handed back."""
        body = self.body()
        self.assertEqual(body.receive(b"one\r\n.\r\nMAIL"), b"MAIL")
        self.assertEqual((body.octets, body.take_content()), (8, b"one\r\n"))

    def test_empty(self) -> None:
        """A dot at once is an empty body."""
        body = self.body()
        self.assertEqual((body.receive(b".\r\n"), body.take_content()), (b"", b""))

    def test_room_once(self) -> None:
        """Room is given back once, whether a body is too large, finds no room, or is thrown away twice."""
        for limit, room in ((1000, 10_000), (100_000, 1500)):
            body = self.body(limit, room)
            body.receive(b"x" * 900)
            body.receive(b"x" * 900)
            body.discard()
            body.discard()
            self.assertTrue(self.room.take(room))
            self.assertFalse(self.room.take(1))

    def test_false_ends(self) -> None:
        """Nothing but CRLF.CRLF ends a body, in one segment or octet by octet."""
        for false_end in FALSE_ENDS:
            for size in (1, 2, 3, 100):
                body, stream = self.body(), b"one" + false_end + b"two"
                for at in range(0, len(stream), size):
                    self.assertIsNone(body.receive(stream[at : at + size]), false_end)
                self.assertEqual(body.receive(b"\r\n.\r\n"), b"", false_end)
                self.assertEqual(body.take_content(), stream + b"\r\n")

    @settings(max_examples=150)
    @given(
        lists(sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x", b"\0"])).map(b"".join), lists(integers(1, 4))
    )
    @example(b"", [1, 1, 1])
    @example(b".", [1, 1, 1, 1, 1])
    def test_any_content_any_segments(self, content: bytes, sizes: list[int]) -> None:
        """What is stuffed and cut in any way arrives whole, and what follows is not part of it."""
        whole = content if not content or content.endswith(b"\r\n") else content + b"\r\n"
        body, behind = self.body(), b""
        ended = False
        for segment in cut(stuff_dots(content) + TERMINATOR + b"NEXT\r\n", sizes):
            if ended:
                behind += segment
            else:
                rest = body.receive(segment)
                ended = rest is not None
                behind += rest or b""
        self.assertEqual(behind, b"NEXT\r\n")
        self.assertEqual(b"".join(unstuffed(body.take_content(), has_dots=body.has_dots)), whole)

    @settings(max_examples=40)
    @given(integers(0, 30), integers(0, 5), binary(min_size=1, max_size=1))
    def test_limit_counts_content(self, limit: int, dots: int, letter: bytes) -> None:
        """The limit is on the content: stuffed dots, the end and segments make no difference."""
        letter = b"x" if letter in b"\r\n." else letter
        content = b".\r\n" * dots + letter * 10 + b"\r\n"
        for size in (1, 4, 1000):
            body, stream = self.body(limit), stuff_dots(content) + TERMINATOR
            for at in range(0, len(stream), size):
                body.receive(stream[at : at + size])
            self.assertEqual(body.is_too_large, len(content) > limit)

    def test_limit_with_many_dots(self) -> None:
        """So it is with many stuffed dots, octet by octet."""
        stream = stuff_dots(b".\r\n" * 50) + TERMINATOR
        for limit, is_too_large in ((150, False), (149, True)):
            body = self.body(limit)
            for at in range(len(stream)):
                body.receive(stream[at : at + 1])
            self.assertEqual(body.is_too_large, is_too_large)

    def test_too_large_is_swallowed(self) -> None:
        """Once too large, a body holds next to nothing, gives its room back, and its end is still found."""
        body = self.body(limit=1000, room=5000)
        for _ in range(100):
            self.assertIsNone(body.receive(b"x" * 500))
        self.assertTrue(body.is_too_large)
        self.assertTrue(self.room.take(5000))
        self.assertIsNone(body.receive(b"\r\n."))
        self.assertEqual(body.receive(b"\r\nrest"), b"rest")

    def test_room_is_shared(self) -> None:
        """A body for which there is no room is swallowed, and the others keep theirs."""
        first = self.body(room=1000)
        second = Body(10_000, self.room)
        first.receive(b"x" * 800)
        second.receive(b"y" * 300)
        self.assertTrue(second.is_crowded_out)
        self.assertEqual(second.receive(b"\r\n.\r\n"), b"")
        self.assertFalse(first.is_crowded_out)
        first.discard()
        self.assertTrue(self.room.take(1000))
