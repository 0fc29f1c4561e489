"""The machine's clock is wrong, or set while the server runs."""

import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_durability import queue_is_empty
from tests.functional.test_faults_disk import hand_in
from tests.functional.test_main_job import session
from tests.support.clock import HOUR, YEAR, WrongClock
from tests.support.installation import Installation
from tests.support.sink import Sink

OFFSETS = (2 * HOUR, -2 * HOUR, YEAR, -YEAR)


class ClockTests(SynchronousTestCase):
    """Two hours and a year off, either way."""

    def test_set_while_running(self) -> None:
        """Mail is delivered after every step, and what operators ask is done: no timer waits for the old time."""
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            credentials = it.sender("shop.example")
            clock = WrongClock.of(it)
            it.start()
            self.assertEqual(self.defer(it, credentials), 250)
            it.wait_events("deferral")
            sink.is_deferring = False
            for number, offset in enumerate((-2 * HOUR, -YEAR, 2 * HOUR, YEAR, 0)):
                clock.set(offset)
                self.assertEqual(hand_in(it, credentials, number)[0], 250, offset)
                if number == 0:
                    it.cli("queue", "retry", "--all")
                sink.wait_for(number + 2, 15)
            self.assertTrue(queue_is_empty(it))
            it.stop()

    def test_stopped_in_between(self) -> None:
        """What was accepted and deferred under a wrong clock is delivered after a start under the right one."""
        for offset in OFFSETS:
            with Sink() as sink, Installation(sink.port, is_started=False) as it:
                credentials = it.sender("shop.example")
                clock = WrongClock.of(it)
                clock.set(offset)
                it.start()
                self.assertEqual(self.defer(it, credentials), 250)
                it.wait_events("deferral")
                it.kill()
                sink.is_deferring = False
                clock.set(0)
                it.start()
                # The first gap is of five minutes, off by at most a fifth.
                clock.set(7 * 60)
                self.assertEqual(hand_in(it, credentials, 1)[0], 250)
                sink.wait_for(2, 15)
                self.assertTrue(queue_is_empty(it))
                it.stop()

    def test_set_right_while_deferred(self) -> None:
        """What was deferred while the clock was ahead is not left until that time comes."""
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            credentials = it.sender("shop.example")
            clock = WrongClock.of(it)
            clock.set(YEAR)
            it.start()
            self.assertEqual(self.defer(it, credentials), 250)
            it.wait_events("deferral")
            clock.set(0)
            # A heartbeat notices it.
            time.sleep(12)
            sink.is_deferring = False
            clock.set(7 * 60)
            sink.wait_for(1, 15)
            it.stop()

    def defer(self, it: Installation, credentials: tuple[str, str]) -> int:
        """Hand in a mail that the sink defers. @return: the code."""
        with session(it, *credentials) as client:
            client.mail("a@shop.example")
            client.rcpt("defer@customer.example")
            return client.data(b"From: a@shop.example\r\nSubject: x\r\n\r\nx\r\n")[0]
