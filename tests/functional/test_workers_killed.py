"""The processes that prepare mail are killed at it, from outside: no message is lost, doubled or left bare."""

import os
import signal
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.rest import INSECURE, client
from tests.support.sink import Sink

COUNT = 120


def workers_of(it: Installation) -> list[int]:
    """The process ids of what the server has started."""
    assert it.process is not None
    children = Path(f"/proc/{it.process.pid}/task/{it.process.pid}/children").read_text()
    return [int(one) for one in children.split()]


class KilledWorkersTests(SynchronousTestCase):
    """Mail by REST, one message at a time, as applications send it."""

    def test_killed(self) -> None:
        """Each message arrives once, signed, tracked and with its unsubscribe address, whoever made it."""
        with Sink() as sink, Installation(sink.port, web=INSECURE, has_secure_web=True) as it:
            asked = client(it)
            is_over, killed = threading.Event(), []

            def kill() -> None:
                while not is_over.wait(0.2):
                    for pid in workers_of(it):
                        try:
                            os.kill(pid, signal.SIGKILL)
                            killed.append(pid)
                        except ProcessLookupError:
                            continue

            killer = threading.Thread(target=kill, daemon=True)
            killer.start()
            try:
                for number in range(COUNT):
                    self.assertEqual(asked.post("/v1/send", self.value(number)).status, 200)
                arrived = sink.wait_for(COUNT, 60.0)
            finally:
                is_over.set()
                killer.join()
            it.wait_events("delivery", COUNT)
            self.assertEqual(len(sink.arrived), COUNT)
            self.assertEqual(len({one.recipients for one in arrived}), COUNT)
            self.assertGreater(len(killed), 2)
            for one in arrived:
                self.check(one.content.decode().replace("=\r\n", ""))
                self.assertTrue(one.reverse_path.endswith("@bounces.localhost"), one.reverse_path)
            it.stop()

    def value(self, number: int) -> dict[str, object]:
        """A mail, every other one with a style sheet of its own."""
        style = f"<style>.c{number} {{ color: red }}</style>" if number % 2 else ""
        return {
            "recipient": f"r{number}@y{number % 5}.example",
            "from": "a@shop.example",
            "html": f"{style}<body><p class=c{number}>x <a href='https://shop.example/{number}'>x</a></p></body>",
            "inlinecss": bool(style),
            "unsubscribe": {"oneclick": True},
        }

    def check(self, content: str) -> None:
        """Nothing was left out."""
        self.assertTrue(content.startswith("DKIM-Signature: "), content)
        self.assertNotIn("https://shop.example/", content)
        self.assertIn(".gif", content)
        self.assertIn("List-Unsubscribe: <https://", content)
