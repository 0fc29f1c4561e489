"""Metrics and the JSON log of a real server."""

import json
import re
import smtplib
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.installation import ENVIRONMENT, TWISTD, Installation, free_ports
from tests.support.sink import Sink

FAILURES = "smtpeter_inlining_failures_total"
"""Is not shown before there are some."""

STYLED = b"<style>p { color: red }</style><p>Hello</p>"
CONTENT = b"From: a@shop.example\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n" + STYLED + b"\r\n"


def samples(port: int) -> dict[str, float]:
    """All samples that the server shows, by name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        sample.name + "".join(f" {label}={value}" for label, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class MetricsTests(SynchronousTestCase):
    """What Prometheus sees."""

    def test_figures(self) -> None:
        """
        Every step of a message is in the figures: the connection, a failed login, a refusal, the acceptance, the CSS
        engine, the commits, the delivery, a click that leads nowhere, and what is still queued by destination.
        """
        (port,) = free_ports(1)
        extra = f'[metrics]\nlisten = ["tcp:{port}:interface=127.0.0.1"]\n'
        with Sink() as sink, Installation(sink.port, extra=extra) as it:
            username, password = it.sender("shop.example", "--inlinecss")
            tries = 2  # smtplib goes on to LOGIN when PLAIN has failed
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                session(it, username, "wrong").close()
            with session(it, username, password) as client:
                client.sendmail("a@shop.example", ["b@customer.example", "defer@customer.example"], CONTENT)
                with self.assertRaises(smtplib.SMTPDataError):
                    client.sendmail("a@other.example", ["b@customer.example"], CONTENT.replace(b"shop", b"other"))
            it.wait_events("delivery")
            it.wait_events("deferral")
            with self.assertRaises(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{it.web_port}/c/nothing", timeout=5)
            end = time.monotonic() + 30
            while "smtpeter_queue_messages destination=customer.example" not in (found := samples(port)):
                self.assertLess(time.monotonic(), end, found)
                time.sleep(0.5)
            wanted = {
                "smtpeter_smtp_connections_total": 2,
                "smtpeter_smtp_failed_logins_total": tries,
                "smtpeter_smtp_refusals_total code=5.7.8": tries,
                "smtpeter_smtp_refusals_total code=5.7.1": 1,
                "smtpeter_accepted_messages_total source=smtp": 2,
                "smtpeter_accepted_bytes_total source=smtp": len(CONTENT),
                "smtpeter_settled_messages_total outcome=delivered": 1,
                "smtpeter_settled_messages_total outcome=deferred": 1,
                "smtpeter_settled_messages_total outcome=failed": 0,
                "smtpeter_inlining_seconds_count": 1,
                "smtpeter_inlining_workers_started_total": 1,
                "smtpeter_inlining_workers_killed_total": 0,
                "smtpeter_tracking_requests_total kind=not_found": 1,
                "smtpeter_queue_messages destination=customer.example": 1,
                "smtpeter_memory_messages": 0,
            }
            self.assertEqual({name: found.get(name) for name in wanted}, wanted)
            self.assertIn("smtpeter_smtp_connections", found)
            self.assertGreater(found["smtpeter_commit_seconds_count"], 2)
            self.assertGreaterEqual(found["smtpeter_commit_operations_sum"], found["smtpeter_commit_operations_count"])
            self.assertGreater(found["process_resident_memory_bytes"], 1 << 20)
            self.assert_not_public(it)
            it.stop()
        self.assert_documented(found)

    def test_making(self) -> None:
        """The time of the processes that make mail without style sheets is told, apart from that of the CSS engine."""
        (port,) = free_ports(1)
        extra = f'[metrics]\nlisten = ["tcp:{port}:interface=127.0.0.1"]\n'
        with Sink() as sink, Installation(sink.port, extra=extra) as it:
            end = time.monotonic() + 60
            with session(it, *it.sender("shop.example", "--trackopens")) as client:
                # The first ones are made in the server, which does not wait for a process that starts.
                while not (found := samples(port))["smtpeter_making_seconds_count"]:
                    self.assertLess(time.monotonic(), end, found)
                    client.sendmail("a@shop.example", ["b@customer.example"], CONTENT)
                    time.sleep(0.2)
            self.assertGreater(found["smtpeter_making_seconds_sum"], 0)
            self.assertEqual(found["smtpeter_inlining_seconds_count"], 0)
            self.assertGreater(found["smtpeter_inlining_workers_started_total"], 0)
            it.stop()

    def assert_documented(self, found: dict[str, float]) -> None:
        """Every figure has its place in the documentation, and every one that stands there is shown."""
        text = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text("utf-8")
        table = text.partition("\n## Metrics\n")[2].partition("\n## ")[0]
        shown = {one.partition(" ")[0] for one in found if one.startswith("smtpeter_")}
        documented = set(re.findall(r"`(smtpeter_\w+)`", table)) - {FAILURES}
        self.assertEqual({re.sub("_(bucket|count|sum)$", "", name) for name in shown} - {FAILURES}, documented)

    def assert_not_public(self, it: Installation) -> None:
        """No other listener shows them."""
        for host in ("localhost", "127.0.0.1"):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(f"http://{host}:{it.web_port}/metrics", timeout=5)
            self.assertEqual(raised.exception.code, 404)


class JSONLogTests(SynchronousTestCase):
    """C{twistd --logger=smtpeter.jsonlog.observer}"""

    def test_lines(self) -> None:
        """Every line of the log is an object with the fixed fields, from the first to the last."""
        with Sink() as sink, Installation(sink.port, is_started=False) as it:
            arguments = ["-n", "--pidfile=", "--logger=smtpeter.jsonlog.observer", "smtpeter", "--config"]
            with it.log.open("ab") as log:
                it.process = subprocess.Popen(
                    [*TWISTD, *arguments, str(it.config)],
                    cwd=it.folder,
                    env=ENVIRONMENT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            it.wait_ready()
            username, _ = it.sender("shop.example")
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                session(it, username, "wrong-password").close()
            it.process.terminate()
            it.process.wait(30)
            said = [json.loads(line) for line in it.log.read_text().splitlines()]
        for one in said:
            self.assertEqual(list(one)[:5], ["time", "level", "namespace", "message", "fields"])
        failed = next(one for one in said if "login failed" in one["message"])
        self.assertEqual((failed["level"], failed["fields"]), ("info", {"peer": "127.0.0.1"}))
        self.assertTrue({"ready", "stopped"} <= {one["message"] for one in said})
        self.assertNotIn("wrong-password", str(said))
