"""The bodies of requests and answers: the ones are at hand, the others are read up to a limit."""

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer
from typing_extensions import override
from zope.interface import implementer

from smtpeter.boundaries.fetch import FetchFailed
from smtpeter.fetch.answers import too_large
from smtpeter.fetch.gate import Gate


@implementer(IBodyProducer)
class WholeBody:
    """Gives a request's body at once. C{FileBodyProducer} would do it by the global reactor."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        """Called by the HTTP client."""
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """All is written."""

    def resumeProducing(self) -> None:
        """All is written."""

    def stopProducing(self) -> None:
        """All is written."""


class BoundedBody(Protocol):
    """
    Reads an answer's body. Whoever waits for it ends the connection.

    @ivar whole: fires with all of it.
    """

    def __init__(self, host: str, size_limit: int, gate: Gate) -> None:
        self._host = host
        self._size_limit = size_limit
        self._gate = gate
        self._content = bytearray()
        self.whole: Deferred[bytes] = Deferred()

    @override
    def dataReceived(self, data: bytes) -> None:
        if self.whole.called:
            return
        self._content += data
        if len(self._content) > self._size_limit:
            self._content.clear()
            self.whole.errback(too_large(self._host, self._size_limit))

    @override
    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if self._is_complete(reason):
            self.whole.callback(bytes(self._content))
        else:
            self.whole.errback(FetchFailed(f"the answer of {self._host} ended before it was complete"))

    def _is_complete(self, reason: Failure) -> bool:
        """Where the end of the connection ends the body (RFC 9112, 6.3), it has to be an orderly one."""
        if reason.check(PotentialDataLoss):
            return self._gate.ended is not None and self._gate.ended.check(ConnectionDone) is not None
        return reason.check(ResponseDone) is not None
