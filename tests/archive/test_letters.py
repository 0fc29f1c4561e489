"""Tests of L{smtpeter.archive.letters}."""

import email
import email.policy
import json
from email.message import EmailMessage

from twisted.trial.unittest import SynchronousTestCase

from smtpeter.archive.letters import write_letter
from smtpeter.model.inquiry import Inquiry
from smtpeter.model.message import Submission
from smtpeter.suppression.rules import is_exempt
from tests.conformance.samples import sample_id

ANSWER = json.dumps({"info": {"type": "email", "id": "joe@y.example"}, "data": ["ü" * 5000]}).encode()


def written(monitor: str = "p@z.example", answer: bytes | None = ANSWER, about: str = "joe@y.example") -> Submission:
    """A letter."""
    inquiry = Inquiry(id="d1", account_id=7, address=about, created_at=0.0, is_ready=True, monitor=monitor)
    return write_letter(inquiry, answer, "mail.example", 1000.0, 500.0, sample_id, b"x" * 16)


def read(letter: Submission) -> EmailMessage:
    """As the reader's program has it."""
    found = email.message_from_bytes(letter.content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


class LetterTests(SynchronousTestCase):
    """What the monitor gets."""

    def test_whole(self) -> None:
        """The answer is a file, octet for octet, beside a text that says what it is; no line is too long."""
        found = read(written())
        (file,) = found.iter_attachments()
        self.assertEqual((file.get_content_type(), file.get_filename()), ("application/json", "datarequest-d1.json"))
        self.assertEqual(file.get_content(), ANSWER)
        text = found.get_body()
        assert text is not None
        self.assertIn("joe@y.example of Thu, 01 Jan 1970 00:00:00 +0000 is complete", text.get_content())
        self.assertIn(
            "It is in the attached file, and the REST API has it:\r\n\r\n  GET /v1/datarequest/d1", text.get_content()
        )
        self.assertLessEqual(max(map(len, written().content.split(b"\r\n"))), 998)
        self.assertEqual(found["Subject"], "The answer to your data request about joe@y.example")

    def test_notice(self) -> None:
        """It is a notice of our own: from nobody, in no statistics of lists, of the account, and answered by nobody."""
        letter = written("Privacy@Z.example")
        (message,) = letter.messages
        self.assertEqual((letter.reverse_path, letter.source, letter.account_id), ("", "dsn", 7))
        self.assertTrue(is_exempt(letter.source))
        self.assertEqual((message.recipient.address, message.domain), ("Privacy@Z.example", "z.example"))
        self.assertEqual(message.recipient.notify, frozenset(("NEVER",)))
        self.assertEqual((letter.received_at, letter.expires_at), (1000.0, 1500.0))
        found = read(letter)
        self.assertEqual(found["Auto-Submitted"], "auto-generated")
        self.assertEqual(found["Message-ID"], f"<{message.id}@mail.example>")
        for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"):
            self.assertEqual(len(found.get_all(name, [])), 1, name)

    def test_large(self) -> None:
        """Without the answer it says where that is."""
        found = read(written(answer=None))
        self.assertEqual(found.get_content_type(), "text/plain")
        self.assertIn("too large for a message", found.get_content())
        self.assertIn("GET /v1/datarequest/d1", found.get_content())

    def test_international(self) -> None:
        """International addresses are written as such; quoted ones and those that look like encoded words too."""
        letter = written("jörg@straße.example", about="änn@y.example")
        self.assertTrue(letter.is_utf8)
        self.assertEqual(letter.messages[0].domain, "xn--strae-oqa.example")
        self.assertIn("To: <jörg@straße.example>\r\n".encode(), letter.content)
        self.assertIn("änn@y.example", read(letter)["Subject"])
        for address in ('"a b"@z.example', "=?utf-8?q?a?=@z.example"):
            self.assertIn(f"To: <{address}>\r\n".encode(), written(address).content)
            self.assertFalse(written(address).is_utf8)
