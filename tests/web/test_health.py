"""Tests of the health pages."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.web.health import Health
from smtpeter.web.requests import WebSite
from tests.web.test_requests import connect


class Faults:
    """A server with the faults that the test gives it."""

    def __init__(self) -> None:
        self.found: list[str] = []

    async def faults(self) -> list[str]:
        return self.found


class HealthTests(SynchronousTestCase):
    """What load balancers see."""

    @override
    def setUp(self) -> None:
        self.faults = Faults()
        self.site = WebSite(Health(self.faults).app.resource(), 0, Clock())

    def get(self, path: bytes, method: bytes = b"GET") -> bytes:
        protocol, transport = connect(self.site)
        protocol.dataReceived(method + b" " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        answer: bytes = transport.value()
        return answer

    def test_alive(self) -> None:
        """The process lives whatever is wrong."""
        self.faults.found = ["no database"]
        self.assertIn(b"200 OK", self.get(b"/healthz"))

    def test_ready(self) -> None:
        """Ready is 200; not ready is 503 with the reasons."""
        self.assertIn(b"200 OK", self.get(b"/readyz"))
        self.faults.found = ["the database does not answer"]
        answer = self.get(b"/readyz")
        self.assertIn(b"503 ", answer)
        self.assertIn(b"the database does not answer", answer)
        self.assertIn(b"application/json", answer)

    def test_methods(self) -> None:
        """Both are read and nothing else; HEAD has no body."""
        for path in (b"/healthz", b"/readyz"):
            self.assertIn(b"200 OK", self.get(path, b"HEAD"))
            self.assertTrue(self.get(path, b"HEAD").endswith(b"\r\n\r\n"))
            for method in (b"POST", b"PUT", b"DELETE", b"TRACE"):
                self.assertIn(b" 405 ", self.get(path, method))

    def test_elsewhere(self) -> None:
        """Nothing else is there."""
        self.assertIn(b"404 ", self.get(b"/"))
