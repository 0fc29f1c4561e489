"""The time of a fetch ends wherever it is then, and whatever ends it, no connection is left behind."""

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.fetch import FetchTooSlow
from smtpeter.fetch.client import FetchLimits
from tests.fetch.rig import OTHER, PUBLIC, Rig, failure_text

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


class PatienceTests(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        """A fetch may take 20 seconds."""
        self.it = Rig({"a.example": [[PUBLIC, OTHER]]}, FetchLimits(seconds=20))

    def expire(self, seconds: float = 20) -> str:
        """What is told when no more happens for so long; nothing is told before."""
        self.it.reactor.advance(seconds - 0.001)
        self.assertNoResult(self.done)
        self.it.reactor.advance(0.001)
        text = failure_text(self, self.done, FetchTooSlow)
        self.it.turn()
        self.assertEqual(self.it.reactor.getDelayedCalls(), [])
        return text

    def begin(self) -> None:
        """Start the fetch."""
        self.done = self.it.get("http://a.example/")

    def test_lookup(self) -> None:
        """A lookup without end."""
        self.it.silent.add("a.example")
        self.begin()
        self.assertEqual(self.expire(), "the answer was not complete within 20 seconds")

    def test_connecting(self) -> None:
        """A connection that does not come about, so that no other is begun."""
        self.begin()
        self.expire()
        self.assertEqual(self.it.tried, [(PUBLIC, 80)])
        self.assertTrue(self.it.reactor.connectors[0].stoppedConnecting)

    def test_header(self) -> None:
        """A header that drips."""
        self.begin()
        line = self.it.accept()
        for octet in HEAD[:19]:
            self.it.reactor.advance(1)
            line.say(bytes([octet]))
        self.expire(1)
        self.assertTrue(line.is_ended)

    def test_body(self) -> None:
        """A body that drips."""
        self.begin()
        line = self.it.accept()
        line.say(HEAD)
        for _ in range(4):
            self.it.reactor.advance(4)
            line.say(b"x")
        self.expire(4)
        self.assertTrue(line.is_ended)

    def test_post(self) -> None:
        """A POST that is not answered."""
        self.done = self.it.begin(self.it.client.post("http://a.example/", b"x", {}))
        line = self.it.accept()
        self.it.reactor.advance(10)
        line.say(HEAD)
        self.expire(10)
        self.assertTrue(line.is_ended)

    def test_redirects(self) -> None:
        """Redirects do not begin it anew."""
        self.begin()
        for _ in range(3):
            self.it.reactor.advance(6)
            self.it.accept().say(b"HTTP/1.1 302 X\r\nLocation: /\r\n\r\n")
            self.it.turn()
        self.expire(2)

    def test_last_moment(self) -> None:
        """An answer that is complete just before is taken."""
        self.begin()
        self.it.reactor.advance(19.9)
        line = self.it.accept()
        line.say(HEAD + b"hello")
        self.it.turn()
        self.assertEqual(self.successResultOf(self.done).content, b"hello")
        self.assertEqual(self.it.reactor.getDelayedCalls(), [])

    def test_not_closed(self) -> None:
        """A server that does not close its side has a second, and the answer is taken."""
        self.begin()
        line = self.it.accept()
        line.is_stubborn = True
        line.say(HEAD + b"hello")
        self.assertNoResult(self.done)
        self.it.reactor.advance(1)
        self.it.turn()
        self.assertEqual(self.successResultOf(self.done).content, b"hello")
        self.assertTrue(line.is_ended)
        self.assertEqual(self.it.reactor.getDelayedCalls(), [])


class CancelTests(SynchronousTestCase):
    """Whoever waits can give up."""

    @override
    def setUp(self) -> None:
        """A fetch is under way."""
        self.it = Rig({"a.example": [[PUBLIC, OTHER]]})
        self.done = self.it.get("http://a.example/")

    def cancelled(self) -> None:
        """The fetch is cancelled and nothing of it is left."""
        self.done.cancel()
        self.failureResultOf(self.done, CancelledError)
        self.it.turn()
        self.assertEqual(self.it.reactor.getDelayedCalls(), [])
        self.assertEqual(len(self.it.tried), 1)

    def test_connecting(self) -> None:
        """As the connection is made."""
        self.cancelled()
        self.assertTrue(self.it.reactor.connectors[0].stoppedConnecting)

    def test_waiting(self) -> None:
        """Before the answer."""
        line = self.it.accept()
        self.cancelled()
        self.assertTrue(line.is_ended)

    def test_reading(self) -> None:
        """In the middle of the body."""
        line = self.it.accept()
        line.say(HEAD + b"he")
        self.cancelled()
        self.assertTrue(line.is_ended)

    def test_closing(self) -> None:
        """When all was read and the connection is not closed yet."""
        line = self.it.accept()
        line.is_stubborn = True
        line.say(HEAD + b"hello")
        self.cancelled()
        self.assertTrue(line.is_ended)
