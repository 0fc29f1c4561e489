"""Tests of the header block and the envelope: what is added, removed and kept."""

from functools import partial

from smtpeter.mime.headers import read_headers
from smtpeter.mime.transfer import decode_body
from smtpeter.model.message import Queued
from smtpeter.model.options import Features
from smtpeter.prepare.leaving import NO_ADDRESS
from smtpeter.queue.loads import job_of
from smtpeter.tracking.tokens import read_bounce, read_reference, read_unsubscribe
from tests.prepare.case import CLICKS, HTML, OFF, PLAIN, CompilerCase
from tests.prepare.rig import ALL, BASE, KEYS, MESSAGE, OTHER, submission

OWN = Features(unsubscribe=True)


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

    def test_long_lines(self) -> None:
        """Lines over 998 octets are re-encoded, whether or not a feature is asked for; header lines are folded."""
        content = b"X-Long: " + b"abcdefgh " * 200 + b"\r\n" + PLAIN + b"y" * 2000 + b"\r\n"
        for features in (OFF, ALL):
            sent = self.sent(content, features)
            self.assertLess(max(map(len, sent.split(b"\r\n"))), 999)
            headers = read_headers(sent)
            self.assertEqual(headers.named("X-Long")[0].value, (b"abcdefgh " * 200).strip())
            self.assertEqual(headers.named("Content-Transfer-Encoding")[0].value, b"quoted-printable")
            self.assertTrue(decode_body(headers.body, "quoted-printable").endswith(b"y" * 2000 + b"\r\n"))

    def test_notice(self) -> None:
        """A notice of our own is never changed, whatever is asked for."""
        content = b"From: a@example.com\r\nContent-Type: text/html\r\n\r\n" + HTML
        features = Features(inlinecss=True, trackclicks=True, trackopens=True, trackbounces=True)
        sent = self.sent(content, features, source="dsn")
        self.assertTrue(sent.endswith(content))
        self.assertNotIn(b"Reference", sent)

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


class LeavingTests(CompilerCase):
    """List-Unsubscribe with an address of ours."""

    def leaving(self, content: bytes, features: Features, id: str = MESSAGE) -> tuple[list[bytes], list[bytes]]:
        """The values of both fields, unfolded."""
        headers = read_headers(self.successResultOf(self.prepared(content, features).render(id, False)))
        return (
            [field.value for field in headers.named("List-Unsubscribe")],
            [field.value for field in headers.named("List-Unsubscribe-Post")],
        )

    def test_address(self) -> None:
        """Each message has its own, read back to it, and the field that makes it one-click."""
        for features in (OWN, Features(unsubscribe=True, trackbounces=True)):
            for id in (MESSAGE, OTHER):
                (value,), post = self.leaving(PLAIN, features, id)
                self.assertEqual(post, [b"List-Unsubscribe=One-Click"])
                self.assertTrue(value.startswith(b"<" + BASE.encode() + b"/u/"), value)
                path = value[len(BASE) + 1 : -1]
                self.assertEqual(read_unsubscribe(KEYS, "clicks.example.com", path), id)

    def test_mailto(self) -> None:
        """A mailto of the content stays, behind our address; both are in one field, and the rest keeps its bytes."""
        content = b"List-Unsubscribe:\r\n <mailto:u@example.com>\r\nList-Unsubscribe-Post: x\r\n" + PLAIN
        (value,), post = self.leaving(content, OWN)
        self.assertRegex(value, rb"\A<https://[^<>]*/u/[A-Za-z0-9_-]{36}>, <mailto:u@example.com>\Z")
        self.assertEqual(post, [b"List-Unsubscribe=One-Click"])
        self.assertTrue(self.sent(content, OWN).endswith(b"\r\n" + PLAIN))

    def test_size(self) -> None:
        """The size that is announced is that of every message."""
        prepared = self.prepared(PLAIN, OWN)
        self.assertFalse(prepared.is_shared)
        sizes = {len(self.successResultOf(prepared.render(id, False))) for id in (MESSAGE, OTHER)}
        self.assertEqual(len(sizes), 1)

    def test_not_asked(self) -> None:
        """Without that feature the fields stay as they are."""
        fields = b"List-Unsubscribe: <https://a.example/>\r\nList-Unsubscribe-Post: x\r\n"
        self.assertEqual(self.leaving(fields + PLAIN, OFF), ([b"<https://a.example/>"], [b"x"]))
        self.assertEqual(self.leaving(PLAIN, OFF), ([], []))

    def test_not_https(self) -> None:
        """Where our address is not https it is left out, with a warning; the mailto stays."""
        content = b"List-Unsubscribe: <mailto:u@example.com>\r\n" + PLAIN
        compiler = self.rig.compiler(tracking_url="http://clicks.example.com")
        prepared = self.successResultOf(compiler.prepare(submission(content, OWN)))
        sent = self.successResultOf(prepared.render(MESSAGE, False))
        self.assertIn(b"List-Unsubscribe: <mailto:u@example.com>\r\n", sent)
        self.assertNotIn(b"One-Click", sent)
        self.assertEqual(prepared.warnings, (NO_ADDRESS,))
        self.assertEqual(self.prepared(content, OWN).warnings, ())


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
        self.assertEqual(self.prepared(PLAIN, CLICKS, reverse_path="").reverse_path(MESSAGE), "")
        for path in ("", "postmaster@example.com"):
            prepared = self.prepared(PLAIN, ALL, source="dsn", reverse_path=path)
            self.assertEqual(prepared.reverse_path(MESSAGE), "")

    def test_no_address(self) -> None:
        """With trackbounces and an empty reverse-path bounces come to us all the same."""
        for more in (b"", b"Auto-Submitted: no\r\n", b"auto-submitted: No (sent by hand); x=y\r\n"):
            prepared = self.prepared(more + PLAIN, Features(trackbounces=True), reverse_path="")
            self.assertEqual(read_bounce(KEYS, prepared.reverse_path(OTHER)), OTHER)

    def test_automatic(self) -> None:
        """A report or an automatic message without a reverse-path stays so: nothing may answer it."""
        for more in (
            b"Content-Type: Multipart/Report; report-type=delivery-status; boundary=b\r\n",
            b"Auto-Submitted: auto-replied\r\n",
            b"AUTO-SUBMITTED:\r\n auto-generated (vacation)\r\n",
            b"Auto-Submitted: no\r\nAuto-Submitted: auto-notified; owner-email=a@b\r\n",
        ):
            prepared = self.prepared(more + PLAIN, Features(trackbounces=True), reverse_path="")
            self.assertEqual(prepared.reverse_path(MESSAGE), "", more)
            prepared = self.prepared(more + PLAIN, Features(trackbounces=True))
            self.assertEqual(read_bounce(KEYS, prepared.reverse_path(MESSAGE)), MESSAGE, more)

    def test_job(self) -> None:
        """The relay is told of a bounce address, and asks the next hop for NOTIFY=FAILURE, when there is one."""
        for content, path, expected in (
            (PLAIN, "a@example.com", True),
            (PLAIN, "", True),
            (b"Auto-Submitted: auto-replied\r\n" + PLAIN, "", False),
        ):
            handed_in = submission(content, Features(trackbounces=True), reverse_path=path)
            prepared = self.successResultOf(self.rig.compiler().prepare(handed_in))
            queued = Queued(message=handed_in.messages[0], submission=handed_in, attempts=0)
            job = job_of(queued, prepared, partial(prepared.render, MESSAGE))
            self.assertEqual((job.has_bounce_address, bool(job.reverse_path)), (expected, bool(path) or expected))
