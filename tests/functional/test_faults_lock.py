"""Another process holds the database's lock."""

import json
import time
import urllib.error
import urllib.request

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_durability import crash, queue_is_empty
from tests.support.crowd import Account, Crowd
from tests.support.installation import Installation
from tests.support.lock import locked
from tests.support.sink import Sink
from tests.support.valve import Valve

BACKLOG = 300


def readiness(it: Installation) -> tuple[int, dict[str, list[str]]]:
    """What C{/readyz} answers."""
    try:
        with urllib.request.urlopen(f"http://localhost:{it.web_port}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


class LockTests(SynchronousTestCase):
    """Nothing can be recorded for a while."""

    def test_unrecorded(self) -> None:
        """Sending stops when results are not recorded: a crash then repeats no more than the connections open."""
        valve = Valve()
        with Sink(answer_message=valve) as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), BACKLOG) as crowd:
                crowd.join(60)
                with locked(it):
                    valve.open()
                    time.sleep(3)
                    sent = len(sink.arrived)
                    found = crash(it, sink)
            it.start()
            sink.wait_for(BACKLOG + 1)
            self.assertTrue(queue_is_empty(it))
            account = Account(crowd, sink.arrived)
            self.assertEqual(account.lost, set())
            self.assertLessEqual(account.repeated, found)
            self.assertLessEqual(sent, found)

    def test_refused_for_now(self) -> None:
        """
        Behind a lock that lasts mail gets 451, and C{/readyz} says so; when it is gone all goes on, and nothing comes
        twice.
        """
        valve = Valve()
        with Sink(answer_message=valve) as sink, Installation(sink.port) as it:
            credentials = it.sender("shop.example")
            with Crowd(it, credentials, BACKLOG) as crowd:
                crowd.join(60)
            with Crowd(it, credentials, 1, first=BACKLOG) as late, locked(it):
                valve.open()
                late.join(60)
                time.sleep(2)
                self.assertEqual(late.refusals, {451: 1})
                status, told = readiness(it)
                self.assertEqual(status, 503)
                self.assertIn("writing to the database fails", told["faults"])
                self.assertLessEqual(len(sink.arrived), sink.open_connections)
            with Crowd(it, credentials, 1, first=BACKLOG + 1) as again:
                again.join(60)
            self.assertEqual(len(again.acknowledged), 1)
            sink.wait_for(BACKLOG + 1, 60)
            self.assertTrue(queue_is_empty(it))
            self.assertEqual((len(sink.arrived), Account(crowd, sink.arrived).repeated), (BACKLOG + 1, 0))
            self.assertEqual(readiness(it)[0], 200)
            it.stop()
