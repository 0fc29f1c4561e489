"""What the tracking host counts."""

from twisted.internet.task import Clock
from typing_extensions import override

from smtpeter.tracking.tokens import make_pixel
from smtpeter.web.requests import WebSite
from smtpeter.web.site import HostRouter
from smtpeter.web.tracking import Tracking
from tests.support.tally import KeptTally
from tests.web.test_tracking import BASE, KEYS, MESSAGE, SiteTestCase, link


class CountingTests(SiteTestCase):
    """Clicks, opens and addresses that lead nowhere."""

    @override
    def setUp(self) -> None:
        super().setUp()
        self.tally = KeptTally()
        tracking = Tracking(KEYS, BASE, self.visits, Clock(), self.tally)
        self.site = WebSite(HostRouter(tracking, tracking, BASE, self.public_url), 1000, Clock())

    def test_kinds(self) -> None:
        """Each is counted by its kind; HEAD counts as no visit."""
        pixel = make_pixel(KEYS, "clicks.example.com", MESSAGE).encode()
        for path in (link("https://shop.example/a"), link("https://shop.example/b"), pixel, b"/x", b"/x.gif"):
            self.ask(path)
        self.ask(pixel, b"HEAD")
        self.assertEqual(self.tally.counts, {"click": 2, "open": 1, "not_found": 2})
