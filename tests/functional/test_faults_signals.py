"""SIGTERM, SIGHUP and the start after it, under load. What C{kill -9} does is seen in C{test_durability}."""

import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_durability import queue_is_empty
from tests.support.crowd import Account, Crowd
from tests.support.installation import Installation
from tests.support.lock import locked
from tests.support.sink import Sink
from tests.support.valve import Valve

STOP_SECONDS = 30


class SignalTests(SynchronousTestCase):
    """Signals under load."""

    def test_sigterm(self) -> None:
        """SIGTERM ends it in time, without a loss; after a start the rest is delivered, and nothing twice."""
        with Sink() as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), 1500) as crowd:
                for goal in (300, 700, 1100):
                    crowd.wait_acknowledged(goal)
                    begun = time.monotonic()
                    it.stop(STOP_SECONDS)
                    print(f"stopped in {time.monotonic() - begun:.2f} s", flush=True)
                    it.start()
                crowd.join(60)
            self.check(it, crowd, sink)

    def test_sigterm_with_mail_on_its_way(self) -> None:
        """Mail that waits behind a slow receiver is neither lost nor sent twice by a stop."""
        valve = Valve()
        with Sink(answer_message=valve) as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), 300) as crowd:
                crowd.join(60)
            assert it.process is not None
            it.process.terminate()
            time.sleep(1)
            valve.open()
            it.process.wait(STOP_SECONDS)
            self.assertLess(len(sink.arrived), 100)
            it.start()
            self.check(it, crowd, sink)

    def test_sighup(self) -> None:
        """SIGHUP again and again disturbs nobody."""
        with Sink() as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), 1000) as crowd:
                for goal in range(50, 1000, 50):
                    crowd.wait_acknowledged(goal)
                    assert it.process is not None
                    it.process.send_signal(signal.SIGHUP)
                crowd.join(60)
            self.assertEqual(len(crowd.acknowledged), 1000)
            self.check(it, crowd, sink)

    def check(self, it: Installation, crowd: Crowd, sink: Sink) -> None:
        """All that was acknowledged has come, as it was, once."""
        self.assertTrue(queue_is_empty(it))
        account = Account(crowd, sink.arrived)
        self.assertEqual((account.lost, account.altered, account.ghosts), (set(), set(), set()))
        self.assertEqual(account.repeated, 0)
        it.stop()


class LockTests(SynchronousTestCase):
    """Signals while another process holds the lock of SQLite's file."""

    def test_sigterm_behind_a_lock(self) -> None:
        """A stop does not wait for ever for a database that cannot be written."""
        valve = Valve()
        with Sink(answer_message=valve) as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), 100) as crowd:
                crowd.join(60)
            with locked(it):
                valve.open()
                time.sleep(1)
                found = sink.open_connections
                assert it.process is not None
                begun = time.monotonic()
                it.process.terminate()
                it.process.wait(80)
                print(f"stopped in {time.monotonic() - begun:.2f} s", flush=True)
                self.assertLessEqual(len(sink.arrived), found)
            it.start()
            self.assertTrue(queue_is_empty(it))
            account = Account(crowd, sink.arrived)
            self.assertEqual((account.lost, account.altered, account.ghosts), (set(), set(), set()))
            self.assertLessEqual(account.repeated, found)
            it.stop()
