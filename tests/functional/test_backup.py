"""A copy that is made under load is a server."""

import shutil
import time
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_restart import Senders, marks
from tests.support.installation import Installation
from tests.support.sink import Sink

FEW = 250
LATEST = 10**6
"""A number that no earlier mail has."""


class BackupTests(SynchronousTestCase):
    """C{smtpeter backup} beside a server that is at work."""

    is_taking = False

    def answer(self, recipient: str) -> str:
        """The next hop takes nothing until the original is lost."""
        return "250 2.1.5 OK" if self.is_taking else "450 4.3.0 later"

    def test_restored(self) -> None:
        """
        A backup that is made while clients send has all that was acknowledged before it began; put in the place of the
        lost installation it starts, delivers what was queued in it, and takes new mail with the old credentials.
        """
        with Sink(answer_rcpt=self.answer) as sink, Installation(sink.port) as it:
            credentials = it.sender("shop.example")
            # They send for as long as the backup takes, which depends on what else the machine does.
            senders = Senders(it, credentials, count())
            senders.start()
            while len(senders.acknowledged) < FEW:
                time.sleep(0.005)
            with senders.lock:
                before = set(senders.acknowledged)
            copy = it.folder / "copy"
            it.cli("backup", str(copy))
            senders.end()
            self.assertGreater(len(senders.acknowledged), len(before), "the backup was not made under load")
            it.kill()
            shutil.rmtree(it.folder / "run")
            copy.rename(it.folder / "run")
            self.is_taking = True
            it.start()
            again = Senders(it, credentials, iter((LATEST,)))
            again.start()
            again.join()
            self.assertEqual(len(again.acknowledged), 1)
            wanted = before | again.acknowledged
            end = time.monotonic() + 90
            while not wanted <= set(marks(sink.arrived)) and time.monotonic() < end:
                it.cli("queue", "retry", "--all")
                time.sleep(1.0)
            arrived = marks(sink.arrived)
            self.assertEqual(wanted - set(arrived), set())
            self.assertEqual(len(arrived), len(set(arrived)), "a message came twice")
            it.stop()
