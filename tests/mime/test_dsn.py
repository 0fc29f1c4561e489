"""Tests for L{smtpeter.mime.dsn}."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.dsn import Kind, Notice, RecipientStatus, compose
from smtpeter.mime.sevenbit import to_seven_bit
from smtpeter.model.message import Ret

JOE = RecipientStatus(
    address="joe@example.net",
    status="5.1.1",
    orcpt="rfc822;Joe+x@example.org",
    remote_mta="mx.example.net [192.0.2.9]",
    diagnostic="550 5.1.1 no such user",
    last_attempt_at=1709210096.0,
)
NOTICE = Notice(
    kind="failed",
    hostname="mail.example.com",
    to="sender@example.org",
    recipients=(JOE,),
    content=b"From: sender@example.org\r\nBcc: secret@x\r\nMessage-ID: <orig@x>\r\nSubject: s\r\n\r\nthe body\r\n",
    message_id="n1@mail.example.com",
    arrived_at=1709200000.0,
    now=1709210100.0,
    envid="QQ314159",
)


def parsed(notice: Notice) -> EmailMessage:
    message = message_from_bytes(compose(notice), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def parts(notice: Notice) -> list[EmailMessage]:
    return [part for part in parsed(notice).iter_parts() if isinstance(part, EmailMessage)]


def status_lines(notice: Notice) -> str:
    composed = compose(notice).decode()
    start = composed.index("delivery-status\r\n")
    return composed[start : composed.index("\r\n--=_report", start)].replace("\r\n ", " ")


class ComposeTests(SynchronousTestCase):
    """RFC 3464."""

    def test_envelope_fields(self) -> None:
        """From the mail system to the sender, marked as automatic, a report in three parts."""
        message = parsed(NOTICE)
        self.assertEqual(message["From"], "Mail Delivery System <MAILER-DAEMON@mail.example.com>")
        self.assertEqual(message["To"], "sender@example.org")
        self.assertEqual(message["Auto-Submitted"], "auto-replied")
        self.assertEqual(message["Message-ID"], "<n1@mail.example.com>")
        self.assertEqual(message["References"], "<orig@x>")
        self.assertEqual(message["Date"], "Thu, 29 Feb 2024 12:35:00 +0000")
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual(message.get_param("report-type"), "delivery-status")
        kinds = [part.get_content_type() for part in parts(NOTICE)]
        self.assertEqual(kinds, ["text/plain", "message/delivery-status", "text/rfc822-headers"])
        self.assertEqual([part.defects for part in message.walk()], [[]] * len(list(message.walk())))

    def test_no_reference(self) -> None:
        """What is no id of a message is not referred to: there is none, it is long, has blanks or is not ASCII."""
        for value in ("<a b@x>", "<" + "x" * 600 + "@x>", "<ü@x>"):
            content = f"From: sender@example.org\r\nMessage-ID: {value}\r\n\r\nbody\r\n".encode()
            self.assertIsNone(parsed(evolve(NOTICE, content=content))["References"], value)
        self.assertIsNone(parsed(evolve(NOTICE, content=b"From: a@b\r\n\r\nbody\r\n"))["References"])

    def test_status(self) -> None:
        """The status part has the fields of RFC 3464, per message and per recipient."""
        blocks = list(parts(NOTICE)[1].iter_parts())
        self.assertEqual(
            [(name, str(value)) for name, value in blocks[0].items()],
            [
                ("Original-Envelope-Id", "QQ314159"),
                ("Reporting-MTA", "dns; mail.example.com"),
                ("Arrival-Date", "Thu, 29 Feb 2024 09:46:40 +0000"),
            ],
        )
        self.assertEqual(
            [(name, str(value)) for name, value in blocks[1].items()],
            [
                ("Original-Recipient", "rfc822; Joe+x@example.org"),
                ("Final-Recipient", "rfc822; joe@example.net"),
                ("Action", "failed"),
                ("Status", "5.1.1"),
                ("Remote-MTA", "dns; mx.example.net [192.0.2.9]"),
                ("Diagnostic-Code", "smtp; 550 5.1.1 no such user"),
                ("Last-Attempt-Date", "Thu, 29 Feb 2024 12:34:56 +0000"),
            ],
        )

    def test_least(self) -> None:
        """What is not known is left out."""
        bare = RecipientStatus(address="a@example.net", status="4.4.1", diagnostic="timed out", is_smtp_reply=False)
        text = status_lines(evolve(NOTICE, recipients=(bare, bare), envid=None))
        self.assertNotIn("Original-", text)
        self.assertNotIn("Remote-MTA", text)
        self.assertNotIn("Will-Retry", text)
        self.assertIn("Diagnostic-Code: x-smtpeter; timed out\r\n", text)
        self.assertEqual(text.count("\r\n\r\nFinal-Recipient: rfc822; a@example.net\r\n"), 2)

    def test_kinds(self) -> None:
        """Each kind says what happened, in the text and as action; a delay says until when."""
        kinds: tuple[tuple[Kind, str], ...] = (
            ("failed", "could not be delivered"),
            ("delayed", "has not been delivered"),
            ("delivered", "was delivered"),
            ("relayed", "was passed on"),
        )
        for kind, words in kinds:
            notice = evolve(NOTICE, kind=kind, recipients=(evolve(JOE, retry_until=1709296496.0),))
            self.assertIn(words, parts(notice)[0].get_content())
            self.assertIn(f"Action: {kind}\r\n", status_lines(notice))
            self.assertIn("Will-Retry-Until: Fri, 01 Mar 2024 12:34:56 +0000", status_lines(notice))
            self.assertIn("tried until Fri, 01 Mar 2024", parts(notice)[0].get_content())
            described = "Undelivered message" if kind in ("failed", "delayed") else "Message"
            self.assertEqual(parts(notice)[2]["Content-Description"], described)

    def test_what_goes_back(self) -> None:
        """The headers; the whole message only of a failure and only if asked for; never Bcc."""
        cases: tuple[tuple[Kind, Ret | None], ...] = (
            ("failed", None),
            ("failed", "HDRS"),
            ("delayed", "FULL"),
            ("delivered", "FULL"),
        )
        for kind, ret in cases:
            composed = compose(evolve(NOTICE, kind=kind, ret=ret))
            self.assertIn(b"\r\nSubject: s\r\n", composed)
            self.assertNotIn(b"the body", composed)
            self.assertNotIn(b"secret", composed)
        full = evolve(NOTICE, ret="FULL")
        self.assertEqual(parts(full)[2].get_content_type(), "message/rfc822")
        self.assertIn(b"Subject: s\r\n\r\nthe body\r\n", compose(full))
        self.assertNotIn(b"secret", compose(full))

    def test_large_headers(self) -> None:
        """Of a huge header block a part goes back."""
        content = b"X: y\r\n" * 40_000 + b"\r\n"
        self.assertLess(len(compose(evolve(NOTICE, content=content))), 80_000)

    def test_eightbit(self) -> None:
        """A report with a part of eight bits says so itself (RFC 2045, 6.4); another one says nothing."""
        self.assertIsNone(parsed(NOTICE)["Content-Transfer-Encoding"])
        for content in ("From: a@b\r\n\r\nGrüße\r\n", "Subject: Grüße\r\n\r\nx\r\n"):
            notice = evolve(NOTICE, content=content.encode(), ret="FULL")
            self.assertEqual(parsed(notice)["Content-Transfer-Encoding"], "8bit")
            self.assertNotIn(b"8bit", to_seven_bit(compose(notice)))

    def test_boundary(self) -> None:
        """The original cannot contain the boundary."""
        inner = compose(NOTICE)
        message = parsed(evolve(NOTICE, content=inner, ret="FULL"))
        self.assertEqual(len(list(message.iter_parts())), 3)


class HostileTests(SynchronousTestCase):
    """What others wrote."""

    @given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=30))
    @settings(max_examples=80)
    def test_no_injection(self, diagnostic: str, remote: str, envid: str) -> None:
        """Whatever a server said, no field and no part is added, and the fields are ASCII."""
        wild = "\r\nBcc: x@y\r\n\r\n--=_report_n1mailexamplecom_0\r\n"
        hostile = evolve(JOE, diagnostic=diagnostic + wild + diagnostic, remote_mta=remote + wild)
        notice = evolve(NOTICE, recipients=(hostile,), envid=envid + wild)
        composed = compose(notice)
        self.assertEqual(len(parts(notice)), 3)
        self.assertNotIn(b"\nBcc", composed)
        self.assertNotRegex(composed.replace(b"\r\n", b""), rb"[\x00-\x08\x0b-\x1f\x7f]")
        self.assertTrue(status_lines(notice).isascii())

    def test_bounded(self) -> None:
        """A reply without end is cut."""
        notice = evolve(NOTICE, recipients=(evolve(JOE, diagnostic="x" * 100_000),))
        self.assertLess(len(compose(notice)), 4000)


class InternationalTests(SynchronousTestCase):
    """RFC 6533."""

    JUE = RecipientStatus(address="jü@example.net", status="5.1.1", orcpt="utf-8;jü@example.org")

    def test_to_an_ascii_sender(self) -> None:
        """An international recipient is written in seven bits for a sender who may not read more."""
        text = status_lines(evolve(NOTICE, recipients=(self.JUE,)))
        self.assertIn("Final-Recipient: utf-8; j\\x{FC}@example.net\r\n", text)
        self.assertIn("Original-Recipient: utf-8; j\\x{FC}@example.org\r\n", text)
        self.assertIn("message/delivery-status", compose(evolve(NOTICE, recipients=(self.JUE,))).decode())

    def test_to_an_international_sender(self) -> None:
        """For an international sender it is a global report in UTF-8."""
        composed = compose(evolve(NOTICE, to="ö@example.org", recipients=(self.JUE,))).decode()
        self.assertIn("\r\nTo: <ö@example.org>\r\n", composed)
        self.assertIn("Content-Type: message/global-delivery-status\r\n", composed)
        self.assertIn("Final-Recipient: utf-8; jü@example.net\r\n", composed)

    def test_international_original(self) -> None:
        """Headers in UTF-8 go back as global headers, and all of it can be made seven-bit."""
        notice = evolve(NOTICE, content="Subject: Grüße\r\n\r\nx".encode(), recipients=(self.JUE,))
        composed = compose(notice)
        self.assertIn(b"Content-Type: message/global-headers\r\n", composed)
        self.assertTrue(to_seven_bit(composed).isascii())
