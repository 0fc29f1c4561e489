"""What intake counts."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.storage import StorageBusy
from tests.intake.stand import CONTENT, draft, ended, stand
from tests.support.tally import KeptTally


class CountingTests(SynchronousTestCase):
    """Messages and bytes that were accepted."""

    @override
    def setUp(self) -> None:
        self.stand = stand()
        self.messages, self.bytes = KeptTally(), KeptTally()
        self.stand.desk.accepted = self.messages
        self.stand.desk.accepted_bytes = self.bytes

    def test_accepted(self) -> None:
        """Each recipient counts as a message, the content once."""
        ended(self.stand.desk.submit(draft(recipients=("a@example.net", "b@example.net"))))
        ended(self.stand.desk.submit(draft()))
        self.assertEqual(self.messages.counts, {"smtp": 3})
        self.assertEqual(self.bytes.counts, {"smtp": 2 * len(CONTENT)})

    def test_refused(self) -> None:
        """What was refused counts nowhere."""
        with self.assertRaises(Refused):
            ended(self.stand.desk.submit(draft(account_id=99)))
        self.assertEqual((self.messages.counts, self.bytes.counts), ({}, {}))

    def test_not_stored(self) -> None:
        """What could not be stored counts nowhere."""
        self.stand.notebook.failure = StorageBusy("locked")
        with self.assertRaises(StorageBusy):
            ended(self.stand.desk.submit(draft()))
        self.assertEqual((self.messages.counts, self.bytes.counts), ({}, {}))
