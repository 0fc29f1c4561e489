"""Tests for L{smtpeter.mime.repair}."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.mime.headers import HeaderBlock, read_headers
from smtpeter.mime.repair import Origin, complete_headers
from smtpeter.model.message import Trace

ORIGIN = Origin(
    trace=Trace(protocol="ESMTPSA", helo="laptop.home", peer="192.0.2.7", tls="TLSv1.3 TLS_AES_256_GCM_SHA384"),
    hostname="mail.example.com",
    submission_id="cq0abc",
    received_at=1709210096.0,
    sender_domain="example.org",
    recipient="joe@example.net",
)


def completed(content: bytes, origin: Origin = ORIGIN) -> HeaderBlock:
    return read_headers(complete_headers(read_headers(content), origin))


def names(block: HeaderBlock) -> list[str]:
    return [field.name for field in block.fields]


def received(origin: Origin) -> bytes:
    return completed(b"From: a@b\r\n\r\n", origin).fields[0].value


class ReceivedTests(SynchronousTestCase):
    """RFC 5321, 4.4."""

    def test_hides_the_submitter(self) -> None:
        """By default it tells of us only, with protocol, TLS, id, recipient and date."""
        self.assertEqual(
            received(ORIGIN),
            b"by mail.example.com with ESMTPSA (TLSv1.3 TLS_AES_256_GCM_SHA384) id cq0abc for <joe@example.net>;"
            b" Thu, 29 Feb 2024 12:34:56 +0000",
        )

    def test_shows_the_submitter(self) -> None:
        """If the operator wants it, the name and the address of the client stand first."""
        shown = evolve(ORIGIN, show_client_address=True)
        self.assertTrue(received(shown).startswith(b"from laptop.home ([192.0.2.7]) by mail.example.com with"))
        six = evolve(shown, trace=Trace(protocol="ESMTPSA", helo="[IPv6:2001:db8::1]", peer="2001:db8::1"))
        self.assertTrue(received(six).startswith(b"from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) by"))

    def test_recipient(self) -> None:
        """Without a single recipient, or with an international one, none is shown."""
        self.assertNotIn(b" for ", received(evolve(ORIGIN, recipient="")))
        self.assertNotIn(b" for ", received(evolve(ORIGIN, recipient="jü@example.net")))

    def test_no_injection(self) -> None:
        """What the client called itself cannot add a field or a comment."""
        for helo in ("a\r\nBcc: x", "a (b", "ü", "x" * 300, ""):
            trace = Trace(protocol="ESMTP\r\nX: y", helo=helo, peer="1.2.3.4)\r\nY: z", tls="a)\r\nZ: b")
            written = complete_headers(
                read_headers(b"From: a@b\r\n\r\n"), evolve(ORIGIN, trace=trace, show_client_address=True)
            )
            self.assertEqual(names(read_headers(written)), ["Received", "Message-ID", "Date", "From"])
            self.assertIn(b"from unknown ([IPv6:1.2.3.4Y:z]) by", read_headers(written).fields[0].value)

    def test_folded(self) -> None:
        """Its lines are short."""
        block = complete_headers(read_headers(b""), ORIGIN)
        self.assertTrue(all(len(line) <= 78 for line in block.split(b"\r\n")))


class MissingTests(SynchronousTestCase):
    """What is added."""

    def test_date_and_message_id(self) -> None:
        """They are made when missing, from the time and the submission's id at the sender's domain."""
        block = completed(b"From: a@b\r\n\r\n")
        self.assertEqual(names(block), ["Received", "Message-ID", "Date", "From"])
        self.assertEqual(block.fields[1].value, b"<cq0abc@example.org>")
        self.assertEqual(block.fields[2].value, b"Thu, 29 Feb 2024 12:34:56 +0000")

    def test_message_id_without_domain(self) -> None:
        """For an address literal, or nobody's domain, it is ours."""
        for domain in ("[192.0.2.1]", ""):
            block = completed(b"From: a@b\r\n\r\n", evolve(ORIGIN, sender_domain=domain))
            self.assertEqual(block.fields[1].value, b"<cq0abc@mail.example.com>")

    def test_present_stay(self) -> None:
        """What is there stays as it is, in any case, once or twice."""
        fields = b"DATE: x\r\nmessage-id:y\r\nDate:  z\r\n\tz\r\nFrom: a@b\r\n"
        written = complete_headers(read_headers(fields + b"\r\n"), ORIGIN)
        self.assertTrue(written.endswith(b"+0000\r\n" + fields + b"\r\n"))

    def test_mime_version(self) -> None:
        """It is added to what has a content type or encoding, and only there."""
        self.assertEqual(completed(b"Content-Type: text/html\r\n\r\n").named("MIME-Version")[0].value, b"1.0")
        self.assertTrue(completed(b"content-transfer-encoding: 8bit\r\n\r\n").has("MIME-Version"))
        self.assertFalse(completed(b"From: a@b\r\n\r\n").has("MIME-Version"))
        block = completed(b"Mime-Version: 1.0\r\nContent-Type: text/html\r\n\r\n")
        self.assertEqual(len(block.named("MIME-Version")), 1)


class RemovedTests(SynchronousTestCase):
    """What is taken away."""

    def test_removed(self) -> None:
        """Bcc, Return-Path and all fields for us go: any case, repeated, folded, known or not."""
        content = (
            b"Return-Path: <x@y>\r\nFrom: a@b\r\nBCC: secret@x,\r\n\tsecret@y\r\nbcc : z\r\nResent-Bcc: q\r\n"
            b"X-SMTPeter-Foo :\r\n 1\r\nx-smtpeter-tags: a\r\nX-SMTPETER-TAGS: b\r\nX-Smtpeter: stays\r\n"
            b"Date: d\r\nMessage-ID: m\r\n\r\nBcc: body\r\n"
        )
        block = completed(content)
        self.assertEqual(names(block), ["Received", "From", "X-Smtpeter", "Date", "Message-ID"])
        self.assertNotIn(b"secret", block.content)

    def test_more_fields(self) -> None:
        """Fields of others may be put behind Received."""
        written = complete_headers(read_headers(b"Date: d\r\nMessage-ID: m\r\n\r\n"), ORIGIN, b"Feedback-ID: f\r\n")
        self.assertEqual(names(read_headers(written)), ["Received", "Feedback-ID", "Date", "Message-ID"])
