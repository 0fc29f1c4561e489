"""Too few descriptors, and worker processes that die."""

import os
import re
import signal
import socket
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_durability import queue_is_empty
from tests.functional.test_faults_disk import hand_in
from tests.functional.test_main_job import NEWSLETTER, session
from tests.support.crowd import Account, Crowd
from tests.support.installation import Installation
from tests.support.process import children, cpu_seconds, open_files
from tests.support.sink import Sink
from tests.support.valve import Valve

FILES = 64


class FewFilesTests(SynchronousTestCase):
    """A limit of 64 descriptors."""

    def test_exhausted(self) -> None:
        """With none left the server waits without spinning; when clients go it goes on, and nothing is lost."""
        wrapper = ("prlimit", f"--nofile={FILES}:{FILES}")
        valve = Valve()
        smtp = "max_connections_per_address = 1000"
        with Sink(answer_message=valve) as sink, Installation(sink.port, wrapper=wrapper, smtp=smtp) as it:
            credentials = it.sender("shop.example")
            with Crowd(it, credentials, 30) as crowd:
                crowd.join(60)
            idle = [self.connect(it) for _ in range(FILES * 2)]
            time.sleep(1)
            self.assertGreaterEqual(open_files(it), FILES - 4)
            before, asked_at = cpu_seconds(it), time.monotonic()
            valve.open()
            time.sleep(4)
            self.assertLess((cpu_seconds(it) - before) / (time.monotonic() - asked_at), 0.4)
            for one in idle:
                one.close()
            self.assertEqual(self.hand_in_soon(it, credentials), 250)
            sink.wait_for(31, 60)
            self.assertTrue(queue_is_empty(it))
            account = Account(crowd, sink.arrived)
            self.assertEqual((account.lost, account.repeated), (set(), 0))
            self.assertNotIn("Traceback", it.log.read_text())
            it.stop()

    def connect(self, it: Installation) -> socket.socket:
        """A client that says nothing."""
        return socket.create_connection(("127.0.0.1", it.smtp_port), timeout=20)

    def hand_in_soon(self, it: Installation, credentials: tuple[str, str]) -> int:
        """Hand in a mail, as soon as that is possible."""
        end = time.monotonic() + 20
        while True:
            try:
                return hand_in(it, credentials, 1000)[0]
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


class WorkerTests(SynchronousTestCase):
    """The processes that work on style sheets die."""

    def test_killed(self) -> None:
        """Mail goes on each time, and soon its style sheets are worked on again."""
        with Sink() as sink, Installation(sink.port) as it, session(it, *it.sender("shop.example")) as client:
            for round in range(4):
                content = re.sub("color: red", f"color: #00000{round}", NEWSLETTER)
                client.sendmail("a@shop.example", ["r@customer.example"], content.encode())
                if round % 2:
                    # While it is at work, or about to be.
                    self.kill_workers(it)
                sink.wait_for(round + 1, 60)
                self.kill_workers(it)
            # One that died before it was ready is started again after a pause.
            time.sleep(5)
            client.sendmail("a@shop.example", ["r@customer.example"], NEWSLETTER.encode())
            arrived = sink.wait_for(5, 60)[-1]
            self.assertRegex(arrived.content, rb'style=3?D?"[^"]*color: ?red')
            self.assertTrue(queue_is_empty(it))
            self.assertGreater(self.kill_workers(it), 0)

    def kill_workers(self, it: Installation) -> int:
        """SIGKILL. @return: how many there were."""
        found = children(it)
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)
