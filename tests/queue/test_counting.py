"""What the queue counts."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.boundaries.storage import StorageBusy
from tests.queue.bench import bench
from tests.queue.samples import submission
from tests.support.relay import deferred, delivered, failed
from tests.support.tally import KeptTally


class CountingTests(SynchronousTestCase):
    """What becomes of messages."""

    def test_outcomes(self) -> None:
        """Each outcome counts when it is recorded, under what became of the message."""
        tally = KeptTally()
        options: dict[str, Any] = {"settled": tally}
        desk = bench(**options)
        mail = submission(["a@example.net", "b@example.net", "c@example.net", "d@example.net"])
        desk.accept(mail)
        desk.settle_down()
        outcomes = (delivered(), deferred(), failed(), delivered())
        for message, outcome in zip(mail.messages, outcomes, strict=True):
            desk.relay.end(message.id, outcome)
        self.assertEqual(tally.counts, {"delivered": 2, "deferred": 1, "failed": 1})

    def test_recorded_once(self) -> None:
        """What cannot be written counts when it is written at last; a lost claim counts nowhere."""
        tally = KeptTally()
        options: dict[str, Any] = {"settled": tally}
        desk = bench(**options)
        desk.accept(submission())
        desk.settle_down()
        desk.store.faults["settle"] = StorageBusy("locked")
        desk.relay.end_all(delivered())
        desk.settle_down(2)
        self.assertEqual(tally.counts, {})
        desk.store.faults.clear()
        desk.settle_down(60)
        self.assertEqual(tally.counts, {"delivered": 1})
        desk.accept(submission())
        desk.settle_down()
        desk.store.faults["settle"] = ClaimLost("gone")
        desk.relay.end_all(delivered())
        self.assertEqual(tally.counts, {"delivered": 1})
