"""Tests of L{smtpeter.web.api.messages} and L{smtpeter.archive.sent}, with the compiler that makes what is sent."""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote

from attrs import evolve
from typing_extensions import override

from smtpeter.archive.sent import SentRenderer
from smtpeter.model.message import Submission
from smtpeter.model.options import Features
from smtpeter.storage.archive import StoredArchive
from smtpeter.storage.queue import StoredQueue
from smtpeter.storage.sent import StoredSent
from smtpeter.web.api import messages
from smtpeter.web.api.messages import MessageResources
from smtpeter.web.api.routes import Family
from tests.conformance.samples import delivered, sample_event, sample_submission
from tests.prepare.rig import BASE, Domains, Rig
from tests.support.database import now
from tests.web.api.rig import APITestCase, Reply

FILE = bytes(range(256))
TEXT = "text/plain; charset=utf-8"


def mixed() -> bytes:
    """Text, HTML with an embedded picture, and two files."""
    return b"\r\n".join(
        [
            b"From: Shop <news@example.com>",
            b"To: r@example.net",
            b"Subject: =?utf-8?q?M=C3=A4rz?=",
            b"MIME-Version: 1.0",
            b"Content-Type: multipart/mixed; boundary=m",
            b"",
            b"--m",
            b"Content-Type: multipart/related; boundary=r",
            b"",
            b"--r",
            b"Content-Type: multipart/alternative; boundary=a",
            b"",
            b"--a",
            b"Content-Type: text/plain; charset=iso-8859-1",
            b"Content-Transfer-Encoding: quoted-printable",
            b"",
            b"Gr=FC=DFe",
            b"--a",
            b"Content-Type: text/html; charset=utf-8",
            b"",
            b'<p>Gr\xc3\xbc\xc3\x9fe <a href="https://example.com/x">x</a><img src="cid:logo@x"></p>',
            b"--a--",
            b"--r",
            b"Content-Type: image/png; name=logo.png",
            b"Content-ID: <logo@x>",
            b"Content-Transfer-Encoding: base64",
            b"",
            b64encode(b"\x89PNG"),
            b"--r--",
            b"--m",
            b"Content-Type: application/pdf",
            b'Content-Disposition: attachment; filename="a/b c.pdf"',
            b"Content-Transfer-Encoding: base64",
            b"",
            b64encode(FILE),
            b"--m",
            b"Content-Type: text/html",
            b"Content-Disposition: attachment; filename*=UTF-8''%C3%BC.html",
            b"",
            b"<script>alert(1)</script>",
            b"--m--",
            b"",
        ]
    )


class MessageTests(APITestCase):
    """C{/v1/recipient} and its siblings."""

    @override
    def setUp(self) -> None:
        super().setUp()
        self.other = self.add_account("b")
        self.add_token("other", account=self.other)
        self.queue = StoredQueue(database=self.database, node_id="one")
        now(self.queue.enlist(1.0))

    @override
    def families(self) -> Sequence[Family]:
        self.rig = Rig(domains=Domains(has_key=False))
        sent = SentRenderer(StoredSent(database=self.database), self.rig.compiler())
        return [MessageResources(sent, self.threads)]

    def stored(self, content: bytes, features: Features | None = None, reverse_path: str = "") -> str:
        """The id of a message that was delivered."""
        made: Submission = evolve(
            sample_submission("r@example.net", content=content),
            features=features or Features(),
            reverse_path=reverse_path,
            is_utf8=False,
        )
        message_id = made.messages[0].id
        now(self.queue.store(made, [sample_event(message_id)], is_claimed=True))
        now(self.queue.settle(delivered(message_id)))
        return message_id

    def get(self, path: str, token: str = "all") -> Reply:
        return self.ask("GET", f"/v1{path}", token=token)

    def text(self, path: str) -> str:
        """A plain text, whose type no browser guesses."""
        reply = self.get(path)
        self.assertEqual((reply.status, reply.headers["content-type"]), (200, TEXT), path)
        self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
        return reply.body.decode()

    def test_addresses(self) -> None:
        """Recipient and envelope are as they were injected; the envelope may be empty."""
        one, empty = self.stored(mixed(), reverse_path="news@example.com"), self.stored(mixed())
        self.assertEqual(self.text(f"/recipient/{one}"), "r@example.net")
        self.assertEqual(self.text(f"/envelope/{one}"), "news@example.com")
        self.assertEqual(self.text(f"/envelope/{empty}/"), "")

    def test_texts(self) -> None:
        """Texts are decoded; HTML is shown as it was sent, with its links changed, and as plain text."""
        one = self.stored(mixed(), Features(trackclicks=True))
        self.assertEqual(self.text(f"/text/{one}").strip(), "Grüße")
        html = self.text(f"/html/{one}")
        self.assertIn("<p>Grüße <a href=", html)
        self.assertIn(BASE, html)
        self.assertNotIn('"https://example.com/x"', html)

    def test_as_sent(self) -> None:
        """The whole is what the relay was given, byte for byte; the header is its front."""
        one = self.stored(mixed(), Features(trackclicks=True, trackopens=True))
        submission = now(StoredSent(database=self.database).submission(self.account.id, one))
        assert submission is not None
        prepared = self.successResultOf(self.rig.compiler().prepare(submission))
        sent: bytes = self.successResultOf(prepared.render(one, False))
        whole = self.get(f"/mime/{one}")
        self.assertEqual((whole.body, whole.headers["content-type"]), (sent, TEXT))
        self.assertNotEqual(whole.body, mixed())
        for name in ("headers", "header"):
            header = self.text(f"/{name}/{one}")
            self.assertTrue(sent.decode().startswith(header))
            self.assertIn("Subject: =?utf-8?q?M=C3=A4rz?=\r\n", header)
            self.assertIn("Received: ", header)
            self.assertNotIn("--m", header)

    def test_attachments(self) -> None:
        """Attached files are listed, and given by name or number with their type, to be saved and not shown."""
        one = self.stored(mixed())
        wanted = [
            {"number": 0, "name": "a/b c.pdf", "type": "application/pdf", "size": 256},
            {"number": 1, "name": "ü.html", "type": "text/html", "size": 25},
        ]
        self.assertEqual(self.get(f"/attachments/{one}").json, wanted)
        for which in ("0", "a/b%20c.pdf", quote("a/b c.pdf", safe="")):
            reply = self.get(f"/attachments/{one}/{which}")
            self.assertEqual((reply.status, reply.body, reply.headers["content-type"]), (200, FILE, "application/pdf"))
            self.assertEqual(reply.headers["content-disposition"], "attachment; filename*=UTF-8''a%2Fb%20c.pdf")
        page = self.get(f"/attachments/{one}/{quote('ü.html')}")
        self.assertEqual(page.body, b"<script>alert(1)</script>")
        self.assertTrue(page.headers["content-disposition"].startswith("attachment;"))
        self.assertEqual(page.headers["x-content-type-options"], "nosniff")
        for which in ("2", "nobody", "..", "-1", "%00"):
            self.assertEqual(self.get(f"/attachments/{one}/{which}").status, 404, which)

    def test_embeds(self) -> None:
        """Embedded files are listed apart, and given by name, number or content id."""
        one = self.stored(mixed())
        wanted = [{"number": 0, "name": "logo.png", "type": "image/png", "size": 4, "cid": "logo@x"}]
        self.assertEqual(self.get(f"/embeds/{one}").json, wanted)
        for which in ("0", "logo.png", "logo@x", "%3Clogo@x%3E"):
            reply = self.get(f"/embeds/{one}/{which}")
            self.assertEqual((reply.body, reply.headers["content-type"]), (b"\x89PNG", "image/png"), which)
        self.assertEqual(self.get(f"/embeds/{one}/a/b%20c.pdf").status, 404)

    def test_without(self) -> None:
        """A message without HTML has none to show, and no files."""
        one = self.stored(b"From: a@example.com\r\nSubject: x\r\n\r\nonly text\r\n")
        self.assertEqual(self.get(f"/html/{one}").status, 404)
        self.assertEqual(self.text(f"/text/{one}"), "only text\r\n")
        self.assertEqual(self.get(f"/attachments/{one}").json, [])
        self.assertEqual(self.get(f"/embeds/{one}").json, [])

    def test_another_account(self) -> None:
        """To another account a message is as unknown as one that never was, by every way."""
        one = self.stored(mixed())
        for name in ("recipient", "envelope", "text", "html", "headers", "header", "mime", "attachments", "embeds"):
            mine, theirs = self.get(f"/{name}/{one}"), self.get(f"/{name}/{one}", "other")
            self.assertEqual((mine.status, theirs.status), (200, 404), name)
            self.assertEqual(theirs.body, self.get(f"/{name}/nobody").body)
            self.assertEqual(self.ask("POST", f"/v1/{name}/{one}").status, 405)
        for name in ("attachments", "embeds"):
            self.assertEqual(self.get(f"/{name}/{one}/0", "other").status, 404)

    def test_content_gone(self) -> None:
        """When the content is kept no longer, the addresses are left."""
        one = self.stored(mixed(), reverse_path="news@example.com")
        now(StoredArchive(database=self.database).drop_contents(1e9, "", 10))
        self.assertEqual(self.text(f"/envelope/{one}"), "news@example.com")
        for name in ("text", "html", "headers", "mime", "attachments", "embeds"):
            self.assertEqual(self.get(f"/{name}/{one}").status, 404, name)

    def test_large(self) -> None:
        """A large message is read in a thread, a small one is not."""
        one = self.stored(mixed())
        self.get(f"/text/{one}")
        self.assertEqual(self.threads.runs, 0)
        self.patch(messages, "SMALL_BYTES", 100)
        self.assertEqual(self.text(f"/text/{one}").strip(), "Grüße")
        self.assertEqual(self.threads.runs, 1)
