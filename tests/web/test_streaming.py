"""Tests of L{smtpeter.web.streaming}, through connections of the web server."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from typing_extensions import override

from smtpeter.web.requests import WebSite
from smtpeter.web.streaming import begin, stream

PIECE = b"x" * 1000


class Source:
    """Makes pieces, and counts them; fails at one of them if told to; each waits for C{release} if told to."""

    def __init__(self, count: int, fails_at: int | None = None, is_slow: bool = False) -> None:
        self.count, self.fails_at, self.is_slow = count, fails_at, is_slow
        self.made = 0
        self.is_closed = False
        self.waiting: Deferred[None] | None = None
        self.outcome: Deferred[None] | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            for number in range(self.count):
                if number == self.fails_at:
                    raise RuntimeError("the database is gone")
                if self.is_slow:
                    self.waiting = Deferred()
                    await self.waiting
                self.made += 1
                yield PIECE
        finally:
            self.is_closed = True

    def release(self) -> None:
        assert self.waiting is not None
        self.waiting.callback(None)


class Streaming(Resource):
    """Answers each request with the pieces of a source."""

    isLeaf = True

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    @override
    def render(self, request: Request) -> int:
        self.source.outcome = Deferred.fromCoroutine(self.answer(request))
        return NOT_DONE_YET

    async def answer(self, request: Request) -> None:
        self.pieces = self.source.pieces()
        await stream(request, await begin(self.pieces))
        if not request._disconnected:
            request.finish()


class Reader(StringTransport):
    """A client that pauses its server when it has got so much."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.is_aborted = False
        self.lose: Callable[[Failure], None] = lambda reason: None

    @override
    def write(self, data: bytes) -> None:
        super().write(data)
        self._judge()

    @override
    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def _judge(self) -> None:
        if len(self.value()) >= self.most and self.producer is not None:
            self.producer.pauseProducing()

    def read_on(self, most: int) -> None:
        """Take more."""
        self.most = most
        self.go_on()

    def pause(self) -> None:
        """Take no more."""
        assert self.producer is not None
        self.producer.pauseProducing()

    def go_on(self) -> None:
        """Take more again."""
        assert self.producer is not None
        self.producer.resumeProducing()

    @override
    def abortConnection(self) -> None:
        self.is_aborted = True
        self.lose(Failure(ConnectionError()))


class StreamingTests(SynchronousTestCase):
    """An answer of many pieces."""

    def hang_up(self, reader: Reader) -> None:
        """As a transport tells of a lost connection: the producer first."""
        assert reader.producer is not None
        reader.producer.stopProducing()
        self.channel.connectionLost(Failure(ConnectionError()))

    def asked(self, source: Source, most: int = 10**9, method: bytes = b"GET") -> Reader:
        site = WebSite(Streaming(source), 1000, Clock())
        self.channel = site.buildProtocol(None)
        assert self.channel is not None
        reader = Reader(most)
        reader.lose = self.channel.connectionLost
        self.channel.makeConnection(reader)
        self.channel.dataReceived(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
        return reader

    def test_whole(self) -> None:
        """A client that reads gets all of it, and an end."""
        source = Source(50)
        answer = self.asked(source).value()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(answer.count(PIECE), 50)
        self.assertTrue(answer.endswith(b"0\r\n\r\n"))

    def test_head(self) -> None:
        """Whoever asks for the header alone gets it, and nothing is made that would be thrown away."""
        source = Source(1000)
        answer = self.asked(source, method=b"HEAD").value()
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertNotIn(PIECE, answer)
        self.assertEqual((source.made, source.is_closed), (1, True))

    def test_pace(self) -> None:
        """While a client does not read, no piece is made; each time it reads, as many as it takes."""
        source = Source(1000)
        reader = self.asked(source, most=5000)
        self.assertEqual(source.made, 5)
        reader.read_on(20_000)
        self.assertTrue(19 <= source.made <= 20, source.made)
        reader.read_on(10**9)
        self.assertEqual(source.made, 1000)
        self.assertTrue(reader.value().endswith(b"0\r\n\r\n"))

    def test_pause_before_the_piece(self) -> None:
        """A piece that comes while the client does not read is the last until it does."""
        source = Source(3, is_slow=True)
        reader = self.asked(source)
        source.release()
        reader.pause()
        source.release()
        self.assertEqual(source.made, 2)
        made = source.waiting
        reader.go_on()
        self.assertIsNot(source.waiting, made)
        source.release()
        self.assertTrue(reader.value().endswith(b"0\r\n\r\n"))

    def test_gone(self) -> None:
        """For a client that hangs up nothing more is made, whether it was reading or not."""
        for is_slow in (False, True):
            source = Source(1000, is_slow=is_slow)
            reader = self.asked(source, most=5000)
            while is_slow and source.made < 5:
                source.release()
            self.hang_up(reader)
            if is_slow and source.waiting is not None and not source.waiting.called:
                source.release()
            self.assertLessEqual(source.made, 6)
            assert source.outcome is not None
            self.assertIsNone(self.successResultOf(source.outcome))
            self.assertTrue(source.is_closed)

    def test_fails_at_once(self) -> None:
        """A failure before the first piece is the caller's to answer: nothing was sent."""
        source = Source(3, fails_at=0)
        reader = self.asked(source)
        assert source.outcome is not None
        self.failureResultOf(source.outcome, RuntimeError)
        self.assertEqual(reader.value(), b"")

    def test_fails_later(self) -> None:
        """A failure in the middle cuts the connection off, so that nobody takes the part for the whole."""
        source = Source(3, fails_at=2)
        reader = self.asked(source)
        self.assertEqual(reader.value().count(PIECE), 2)
        self.assertFalse(reader.value().endswith(b"0\r\n\r\n"))
        self.assertTrue(reader.is_aborted)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_nothing(self) -> None:
        """No piece at all is an empty answer."""
        self.assertTrue(self.asked(Source(0)).value().endswith(b"\r\n\r\n"))
