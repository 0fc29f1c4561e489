"""
C{kill -9} at any moment: nothing that was acknowledged is lost or changed, and little comes twice.

C{SMTPETER_KILLS} and C{SMTPETER_MESSAGES} make the test longer, C{SMTPETER_SEED} repeats one.
"""

import os
import random
import signal
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crowd import Account, Crowd
from tests.support.installation import Installation
from tests.support.sink import Sink

KILLS = int(os.environ.get("SMTPETER_KILLS", "3"))
MESSAGES = int(os.environ.get("SMTPETER_MESSAGES", "1500"))
QUIET_SECONDS = 0.2


def crash(it: Installation, sink: Sink) -> int:
    """
    Kill the server. It is stopped for a moment first, so that the connections that it had then can be counted.

    @return: how many it had to the sink.
    """
    assert it.process is not None
    os.killpg(it.process.pid, signal.SIGSTOP)
    arrived = -1
    while arrived != len(sink.arrived):
        arrived = len(sink.arrived)
        time.sleep(QUIET_SECONDS)
    found = sink.open_connections
    it.kill()
    return found


def queue_is_empty(it: Installation, seconds: float = 30) -> bool:
    """Wait until nothing is queued any more. @return: whether that came in time."""
    end = time.monotonic() + seconds
    while it.listed("queue", "list"):
        if time.monotonic() > end:
            return False
        time.sleep(0.3)
    return True


class CrashTests(SynchronousTestCase):
    """A server that dies again and again while twelve clients hand in mail."""

    def test_kills(self) -> None:
        """All that was acknowledged arrives as it was; repeated is at most one mail for each connection then open."""
        seed = os.environ.get("SMTPETER_SEED") or str(random.SystemRandom().randrange(10**6))
        print(f"SMTPETER_SEED={seed}", flush=True)
        chance = random.Random(seed)
        with Sink() as sink, Installation(sink.port) as it:
            with Crowd(it, it.sender("shop.example"), MESSAGES) as crowd:
                allowed = [self.crash_once(it, sink, crowd, kill, chance) for kill in range(KILLS)]
                crowd.join(600)
            self.assertTrue(queue_is_empty(it, 120))
            account = Account(crowd, sink.arrived)
            print(
                f"{KILLS} kills, {len(crowd.tried)} mails, {len(crowd.acknowledged)} acknowledged, "
                f"{len(sink.arrived)} arrived, {account.repeated} repeated, connections open at the kills: {allowed}",
                flush=True,
            )
            self.assertEqual(account.lost, set())
            self.assertEqual(account.altered, set())
            self.assertEqual(account.ghosts, set())
            self.assertLessEqual(account.repeated, sum(allowed))
            self.assertGreater(sum(allowed), 0, "no kill met an open connection")
            self.assertGreater(len(crowd.acknowledged), MESSAGES * 9 // 10 - 12 * KILLS)
            it.stop()

    def crash_once(self, it: Installation, sink: Sink, crowd: Crowd, kill: int, chance: random.Random) -> int:
        """Let some mail pass, kill, start again. @return: how many connections were open."""
        goal = MESSAGES * (kill + 1) // (KILLS + 1)
        crowd.wait_acknowledged(goal - 12 * KILLS)
        time.sleep(chance.random() * 0.3)
        before = len(sink.arrived)
        found = crash(it, sink)
        print(f"kill {kill}: {len(crowd.acknowledged)} acknowledged, {before} arrived, {found} open", flush=True)
        it.start()
        return found
