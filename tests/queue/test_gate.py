"""Tests of the gate that every message passes before it is sent."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.queue.gate import Gate, SendingStopped


def passing(gate: Gate, era: int = 0) -> Deferred[None]:
    """Somebody with a pass."""
    return Deferred.fromCoroutine(gate.passed(era))


class GateTests(SynchronousTestCase):
    def test_reasons(self) -> None:
        """It is open when the last reason to be closed is gone; those who wait go on then."""
        gate = Gate()
        self.successResultOf(passing(gate))
        gate.close("a")
        gate.close("b")
        waiting = [passing(gate), passing(gate)]
        gate.open("a")
        self.assertEqual([one.called for one in waiting], [False, False])
        gate.open("b")
        for one in waiting:
            self.successResultOf(one)

    def test_void(self) -> None:
        """Those who wait with an old pass are turned away at once, open or not; those with a new one wait on."""
        gate = Gate()
        gate.close("a")
        old = passing(gate)
        gate.void_passes()
        self.failureResultOf(old, SendingStopped)
        new = passing(gate, gate.era)
        self.assertNoResult(new)
        gate.open("a")
        self.successResultOf(new)
        self.failureResultOf(passing(gate, 0), SendingStopped)

    def test_given_up(self) -> None:
        """At the end nobody waits: a closed gate turns away who waits and who comes, an open one lets pass."""
        gate = Gate()
        gate.close("a")
        waiting = passing(gate)
        gate.give_up()
        self.failureResultOf(waiting, SendingStopped)
        self.failureResultOf(passing(gate), SendingStopped)
        gate.open("a")
        self.successResultOf(passing(gate))
