"""Tests of the header block and the envelope: what is added, removed and kept."""

from smtpeter.mime.headers import read_headers
from smtpeter.model.options import Features
from smtpeter.tracking.tokens import read_bounce, read_reference
from tests.prepare.case import CLICKS, OFF, PLAIN, CompilerCase
from tests.prepare.rig import ALL, KEYS, MESSAGE, OTHER, submission


class HeaderTests(CompilerCase):
    """The header block."""

    def test_repaired(self) -> None:
        """Ours are added, those that are nobody's business are removed, the rest keeps its bytes and its order."""
        content = (
            b"Bcc: c@example.org\r\nX-SMTPeter-TrackClicks: yes\r\nreturn-path: <x>\r\nX-Odd:  a\r\n\tb \r\n" + PLAIN
        )
        sent = self.sent(content, OFF)
        self.assertTrue(sent.endswith(b"X-Odd:  a\r\n\tb \r\n" + PLAIN))
        names = [field.key for field in read_headers(sent).fields]
        self.assertEqual(names, ["received", "message-id", "date", "x-odd", "from", "to", "subject"])
        self.assertNotIn(b"192.0.2.7", sent)

    def test_client_address(self) -> None:
        """The submitter's address is shown when the operator wants it."""
        compiler = self.rig.compiler(show_client_address=True)
        prepared = self.successResultOf(compiler.prepare(submission(PLAIN, OFF)))
        self.assertIn(b"192.0.2.7", self.successResultOf(prepared.render(MESSAGE, False)))

    def test_reference(self) -> None:
        """With trackbounces each message has a signed reference of its own, and one Feedback-ID for all."""
        content = b"X-Message-Reference: forged\r\n" + PLAIN
        prepared = self.prepared(content, Features(trackbounces=True))
        seen = []
        for id in (MESSAGE, OTHER):
            headers = read_headers(self.successResultOf(prepared.render(id, False)))
            (reference,) = headers.named("X-Message-Reference")
            self.assertEqual(read_reference(KEYS, reference.value.decode()), id)
            (feedback,) = headers.named("Feedback-ID")
            seen.append(feedback.value)
            self.assertTrue(headers.content.endswith(PLAIN))
        self.assertEqual(seen[0], seen[1])
        self.assertRegex(seen[0], rb"\A[^:]+:1:smtpeter:example\.com\Z")
        own = self.sent(b"Feedback-ID: mine\r\n" + PLAIN, Features(trackbounces=True))
        self.assertEqual([field.value for field in read_headers(own).named("Feedback-ID")], [b"mine"])

    def test_no_reference(self) -> None:
        """Without trackbounces there is no such field, and the sender's own stays."""
        self.assertNotIn(b"Reference", self.sent(PLAIN, CLICKS))
        self.assertIn(b"X-Message-Reference: own", self.sent(b"X-Message-Reference: own\r\n" + PLAIN, OFF))


class EnvelopeTests(CompilerCase):
    """What MAIL FROM says."""

    def test_bounce_address(self) -> None:
        """With trackbounces it is a bounce address that is read back to the message."""
        prepared = self.prepared(PLAIN, Features(trackbounces=True))
        self.assertEqual(read_bounce(KEYS, prepared.reverse_path(OTHER)), OTHER)
        self.assertTrue(prepared.reverse_path(OTHER).endswith("@bounces.example.com"))

    def test_own(self) -> None:
        """Without it is the submitter's own, possibly empty; for our own notices it is empty whatever is asked for."""
        self.assertEqual(self.prepared(PLAIN, CLICKS).reverse_path(MESSAGE), "sender@example.com")
        for features in (OFF, ALL):
            self.assertEqual(self.prepared(PLAIN, features, reverse_path="").reverse_path(MESSAGE), "")
        self.assertEqual(self.prepared(PLAIN, ALL, source="dsn").reverse_path(MESSAGE), "")
