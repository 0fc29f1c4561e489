"""Tests of L{smtpeter.web.figures} and the page that shows them."""

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.web.figures import MAX_LABELS, OTHER, Figures
from smtpeter.web.metrics import Metrics
from smtpeter.web.requests import WebSite
from tests.web.test_requests import connect


class FiguresTests(SynchronousTestCase):
    """What is counted is shown; the library's own parser reads it."""

    @override
    def setUp(self) -> None:
        self.figures = Figures()

    def shown(self, prefix: str = "smtpeter_") -> dict[str, float]:
        """All samples by name and labels."""
        families = text_string_to_metric_families(self.figures.text().decode())
        return {
            sample.name + "".join(f" {name}={value}" for name, value in sample.labels.items()): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith(prefix)
        }

    def test_counter(self) -> None:
        """A counter without a label begins at 0 and adds up."""
        count = self.figures.counter("things_total", "Things.")
        self.assertEqual(self.shown(), {"smtpeter_things_total": 0})
        count()
        count(amount=2.5)
        self.assertEqual(self.shown(), {"smtpeter_things_total": 3.5})

    def test_labels(self) -> None:
        """A counter with labels shows those that are known from the beginning, and others when they come."""
        count = self.figures.counter("things_total", "Things.", "kind", ("good", "bad"))
        count("good")
        count('odd"\n\\')
        self.assertEqual(
            self.shown(),
            {
                "smtpeter_things_total kind=good": 1,
                "smtpeter_things_total kind=bad": 0,
                'smtpeter_things_total kind=odd"\n\\': 1,
            },
        )

    def test_bounded(self) -> None:
        """However many labels come, a few are shown, and nothing that was counted is missing."""
        count = self.figures.counter("things_total", "Things.", "kind")
        for number in range(3 * MAX_LABELS):
            count(str(number))
        count("0")
        shown = self.shown()
        self.assertEqual(len(shown), MAX_LABELS + 1)
        self.assertEqual(sum(shown.values()), 3 * MAX_LABELS + 1)
        self.assertEqual(shown["smtpeter_things_total kind=0"], 2)
        self.assertEqual(shown[f"smtpeter_things_total kind={OTHER}"], 2 * MAX_LABELS)

    def test_histogram(self) -> None:
        """Measurements stand in every class whose bound they do not exceed; sum and count are theirs."""
        measure = self.figures.histogram("seconds", "Time.", (1.0, 2.0))
        for value in (0.5, 1.0, 1.5, 7.0):
            measure(value)
        self.assertEqual(
            self.shown(),
            {
                "smtpeter_seconds_bucket le=1.0": 2,
                "smtpeter_seconds_bucket le=2.0": 3,
                "smtpeter_seconds_bucket le=+Inf": 4,
                "smtpeter_seconds_count": 4,
                "smtpeter_seconds_sum": 10.0,
            },
        )

    def test_gauges(self) -> None:
        """Gauges are read when they are asked for."""
        state: dict[str, float] = {}
        self.figures.gauge("size", "Size.", lambda: len(state))
        self.figures.gauges("queue", "Queue.", "domain", lambda: state)
        self.assertEqual(self.shown(), {"smtpeter_size": 0})
        state["a.example"] = 7
        self.assertEqual(self.shown(), {"smtpeter_size": 1, "smtpeter_queue domain=a.example": 7})

    def test_help(self) -> None:
        """Every figure says what it is."""
        self.figures.counter("things_total", "Things that came.")
        self.figures.gauge("size", "How large.", lambda: 1)
        text = self.figures.text()
        self.assertIn(b"# HELP smtpeter_things_total Things that came.\n# TYPE smtpeter_things_total counter\n", text)
        self.assertIn(b"# HELP smtpeter_size How large.\n# TYPE smtpeter_size gauge\n", text)

    def test_process(self) -> None:
        """Memory and processor time of the process are there."""
        self.assertGreater(self.shown("process_")["process_resident_memory_bytes"], 1 << 20)


class MetricsTests(SynchronousTestCase):
    """The listener for Prometheus, in bytes."""

    def ask(self, line: bytes) -> bytes:
        figures = Figures()
        figures.counter("things_total", "Things.")()
        protocol, transport = connect(WebSite(Metrics(figures), 0, Clock()))
        protocol.dataReceived(line + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer: bytes = transport.value()
        return answer

    def test_page(self) -> None:
        """The page is in the text format, version 0.0.4."""
        head, _, body = self.ask(b"GET /metrics").partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"Content-Type: text/plain; version=0.0.4; charset=utf-8", head)
        self.assertIn(b"\nsmtpeter_things_total 1.0\n", body)

    def test_head(self) -> None:
        """HEAD has the head alone."""
        head, _, body = self.ask(b"HEAD /metrics").partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
        self.assertRegex(head, rb"Content-Length: [1-9]")
        self.assertEqual(body, b"")

    def test_nothing_else(self) -> None:
        """Other addresses lead nowhere, other methods do nothing."""
        for path in (b"/", b"/metrics/", b"/metrics/x", b"/healthz", b"/c/token"):
            self.assertIn(b"404 Not Found", self.ask(b"GET " + path))
        self.assertIn(b"405 Method Not Allowed", self.ask(b"POST /metrics"))
