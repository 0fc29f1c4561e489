"""What the SMTP server counts."""

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.storage import StorageBusy
from tests.smtpd.support import Site
from tests.support.tally import KeptTally


class CountingTests(SynchronousTestCase):
    """Connections, refusals and failed logins."""

    @override
    def setUp(self) -> None:
        self.site = Site()
        self.connected, self.refused, self.failed = KeptTally(), KeptTally(), KeptTally()
        self.site.premises.connected = self.connected
        self.site.premises.refused = self.refused
        self.site.premises.login_failed = self.failed

    def test_connections(self) -> None:
        """Each connection counts once; those that are open can be told."""
        one, _ = self.site.ready(), self.site.ready()
        self.assertEqual((self.connected.counts, self.site.door.connections), ({"": 2}, 2))
        one.hang_up()
        self.assertEqual((self.connected.counts, self.site.door.connections), ({"": 2}, 1))

    def test_accepted(self) -> None:
        """A mail that is accepted counts as no refusal."""
        client = self.site.in_data()
        self.assertTrue(client.say(b"Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n").startswith(b"250 2.0.0"))
        self.assertEqual((self.refused.counts, self.failed.counts), ({}, {}))

    def test_refusals(self) -> None:
        """Every refusal counts under its enhanced status code, temporary ones and the last words as well."""
        client = self.site.ready()
        client.say(b"MAIL FROM:<me@example.com>\r\nBOGUS\r\nBOGUS\r\n")
        self.site.intake.failure = StorageBusy("locked")
        sending = self.site.in_data()
        self.assertTrue(sending.say(b"Subject: x\r\n\r\nx\r\n.\r\n").startswith(b"451 4.3.0"))
        self.site.connect().say(b"EHLO too early\r\n")
        expected = {"5.5.1": 2, "4.3.0": 1, "5.5.0": 1}
        self.assertEqual({code: self.refused.counts.get(code) for code in expected}, expected)

    def test_failed_logins(self) -> None:
        """Wrong credentials count."""
        client = self.site.ready(is_encrypted=True)
        client.say(b"AUTH PLAIN AHNlbmRlcgB3cm9uZw==\r\n")
        self.assertEqual((self.failed.counts, self.refused.counts), ({"": 1}, {"5.7.8": 1}))
        self.site.logged_in()
        self.assertEqual(self.failed.counts, {"": 1})
