"""Bodies and the gate by themselves: what comes late changes nothing."""

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone

from smtpeter.boundaries.fetch import FetchTooLarge
from smtpeter.fetch.bodies import BoundedBody
from smtpeter.fetch.gate import Gate


def make_gate() -> Gate:
    """A gate on a connection."""
    factory: Any = WrappingFactory(Factory.forProtocol(Protocol))
    gate = Gate(factory, Protocol(), 1000)
    gate.makeConnection(StringTransport())
    return gate


class LateTests(SynchronousTestCase):
    def test_body(self) -> None:
        """A body that was too large stays that, whatever else comes."""
        body = BoundedBody("a.example", 10, make_gate())
        for _ in range(3):
            body.dataReceived(b"x" * 11)
        body.connectionLost(Failure(ResponseDone()))
        self.failureResultOf(body.whole, FetchTooLarge)

    def test_gone(self) -> None:
        """Whoever waits for the end of a connection hears of it, also when it has ended."""
        gate = make_gate()
        early = gate.gone()
        self.assertNoResult(early)
        gate.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(early)
        self.successResultOf(gate.gone())

    def test_abort(self) -> None:
        """A connection that has ended is not ended again."""
        gate = make_gate()
        gate.connectionLost(Failure(ConnectionDone()))
        gate.abort()
        transport: Any = gate.transport
        self.assertFalse(transport.disconnected)
