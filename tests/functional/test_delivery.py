"""Delivery as seen from outside: refusals, deferrals, DNS, TLS, notices, the queue commands."""

import email
import email.policy
import smtplib
import ssl
import time
from email.message import EmailMessage

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.installation import Installation
from tests.support.nameserver import NameServer
from tests.support.sink import Sink

MAIL = "From: a@shop.example\r\nTo: x@y.example\r\nSubject: s\r\n\r\ntext\r\n"


def send(
    it: Installation, login: tuple[str, str], sender: str, *recipients: str, options: tuple[str, ...] = ()
) -> None:
    """Hand a mail in."""
    with session(it, *login) as client:
        client.sendmail(sender, list(recipients), MAIL, rcpt_options=options)


class OutcomeTests(SynchronousTestCase):
    """What becomes of recipients that are not simply accepted."""

    def test_outcomes(self) -> None:
        """A refused recipient yields failure and notice, a deferred one waits and goes out by retry."""
        with Sink() as sink, Installation(sink.port) as it:
            login = it.sender("shop.example")
            send(it, login, "a@shop.example", "reject@y.example", "defer@y.example", "fine@y.example")
            self.check_failure(it)
            self.check_notice(sink)
            self.check_retry(it, sink)
            it.stop()

    def check_failure(self, it: Installation) -> None:
        """The event says where and why."""
        (failure,) = it.wait_events("failure")
        data = failure["data"]
        self.assertEqual(
            (data["recipient"], data["state"], data["code"], data["status"], data["type"]),
            ("reject@y.example", "rcpt", "550", "5.1.1", "user_unknown"),
        )
        shown = it.cli("message", "show", failure["message_id"])
        self.assertIn("550 5.1.1 No such user here", str(shown))

    def check_notice(self, sink: Sink) -> None:
        """The sender gets a delivery status notification."""
        arrived = sink.wait_for(2)
        (notice,) = [one for one in arrived if one.recipients == ("a@shop.example",)]
        self.assertEqual(notice.reverse_path, "")
        message = email.message_from_bytes(notice.content, policy=email.policy.default)
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertIn("Final-Recipient: rfc822;reject@y.example", notice.content.decode().replace("; ", ";"))
        self.assertIn("Status: 5.1.1", notice.content.decode())

    def check_retry(self, it: Installation, sink: Sink) -> None:
        """The list names the destination and the reason; retry sends at once."""
        it.wait_events("deferral")
        (line,) = it.listed("queue", "list")
        self.assertEqual((line["domain"], line["messages"]), ("y.example", 1))
        self.assertIn("450 4.2.0 Try again later", line["reason"])
        sink.is_deferring = False
        it.cli("queue", "retry", "--all")
        sink.wait_for(3)
        it.wait_events("delivery", 3)
        self.assertEqual(it.listed("queue", "list"), [])

    def test_never(self) -> None:
        """NOTIFY=NEVER: no notice of the failure."""
        with Sink() as sink, Installation(sink.port) as it:
            login = it.sender("shop.example")
            send(it, login, "a@shop.example", "reject@y.example", options=("NOTIFY=NEVER",))
            it.wait_events("failure")
            time.sleep(1.5)
            self.assertEqual(sink.arrived, [])

    def test_bounce_address(self) -> None:
        """With trackbounces each recipient has a reverse-path of ours, at which return traffic is taken."""
        with Sink() as sink, Installation(sink.port) as it:
            login = it.sender("shop.example", "--trackbounces")
            send(it, login, "a@shop.example", "one@y.example", "two@y.example")
            arrived = sink.wait_for(2)
            paths = {one.reverse_path for one in arrived}
            self.assertEqual(len(paths), 2)
            self.assertTrue(all(path.endswith("@bounces.localhost") for path in paths), paths)
            self.check_return(it, paths.pop())

    def check_return(self, it: Installation, address: str) -> None:
        """A stranger may send to the bounce address, in clear, and to nothing else."""
        with smtplib.SMTP("localhost", it.smtp_port, timeout=20) as client:
            client.sendmail("", [address.upper()], "Subject: it came back\r\n\r\nx\r\n")
            forged = ("0" if address[8] != "0" else "1").join((address[:8], address[9:]))
            for other in (forged, "someone@y.example"):
                with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
                    client.sendmail("", [other], "x")
                code, text = caught.exception.recipients[other]
                self.assertEqual((code, text), (530, b"5.7.0 Must issue a STARTTLS command first"))


class SenderDomainTests(SynchronousTestCase):
    """Mail from a domain that is not approved is refused."""

    def test_refused(self) -> None:
        """The refusal says which domain and what to do; with `optional` it passes unsigned."""
        with Sink() as sink, Installation(sink.port) as it:
            login = it.sender("shop.example")
            with session(it, *login) as client, self.assertRaises(smtplib.SMTPDataError) as caught:
                client.sendmail("a@shop.example", ["b@y.example"], "From: a@bank.example\r\n\r\nx\r\n")
            self.assertEqual(caught.exception.smtp_code, 550)
            self.assertEqual(
                caught.exception.smtp_error,
                b"5.7.1 You cannot send mailings from bank.example without configuring it as sender domain",
            )
        with Sink() as sink, Installation(sink.port, extra='[submission]\nsender_domains = "optional"\n') as it:
            login = it.sender("shop.example")
            with session(it, *login) as client:
                client.sendmail("a@shop.example", ["b@y.example"], "From: a@bank.example\r\n\r\nx\r\n")
            (arrived,) = sink.wait_for(1)
            self.assertNotIn(b"DKIM-Signature", arrived.content)


class RouteOfMailTests(SynchronousTestCase):
    """The way to the destination: MX records, TLS."""

    def test_mx(self) -> None:
        """Without a route, mail goes where the MX records say; null MX and NXDOMAIN fail, SERVFAIL waits."""
        records = {
            ("y.example", "MX"): ["20 backup.y.example.", "10 mx.y.example."],
            ("mx.y.example", "A"): ["127.0.0.1"],
            ("backup.y.example", "A"): ["127.0.0.2"],
            ("alias.example", "CNAME"): ["y.example."],
            ("null.example", "MX"): ["0 ."],
            ("direct.example", "A"): ["127.0.0.1"],
        }
        with Sink() as sink, NameServer(records, failing={"broken.example"}) as names:
            relay = f"port = {sink.port}\nallow_private = true\n"
            dns = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
            with Installation(sink.port, route=False, relay=relay, extra=dns) as it:
                login = it.sender("shop.example")
                domains = (
                    "y.example",
                    "alias.example",
                    "null.example",
                    "direct.example",
                    "gone.example",
                    "broken.example",
                )
                send(it, login, "", *(f"r@{domain}" for domain in domains))
                it.wait_events("delivery", 3)
                reached = sorted(recipient for one in sink.arrived for recipient in one.recipients)
                self.assertEqual(reached, ["r@alias.example", "r@direct.example", "r@y.example"])
                failures = {one["data"]["recipient"]: one["data"] for one in it.wait_events("failure", 2)}
                self.assertEqual(failures["r@null.example"]["status"], "5.1.10")
                self.assertEqual(failures["r@gone.example"]["status"], "5.1.2")
                (deferral,) = it.wait_events("deferral")
                self.assertEqual(deferral["data"]["recipient"], "r@broken.example")

    def test_private_refused(self) -> None:
        """An MX that leads to a loopback address is refused unless the operator allows it."""
        records = {("y.example", "MX"): ["10 mx.y.example."], ("mx.y.example", "A"): ["127.0.0.1"]}
        with Sink() as sink, NameServer(records) as names:
            dns = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
            with Installation(sink.port, route=False, relay=f"port = {sink.port}\n", extra=dns) as it:
                send(it, it.sender("shop.example"), "", "r@y.example")
                (failure,) = it.wait_events("failure")
                self.assertEqual(failure["data"]["status"], "5.4.6")
                self.assertEqual(sink.connections, 0)

    def test_opportunistic_tls(self) -> None:
        """STARTTLS is used where it is offered, whatever the certificate."""
        with Installation(1, is_started=False) as certificates:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificates.certificate, certificates.certificate.with_name("key.pem"))
            with Sink(context=context) as sink, Installation(sink.port) as it:
                send(it, it.sender("shop.example"), "", "r@y.example")
                self.assertTrue(sink.wait_for(1)[0].is_tls)


class SharingTests(SynchronousTestCase):
    """Recipients of one submission at one destination."""

    def test_shared(self) -> None:
        """Without tracking the recipients share a transaction; with tracking each has a copy of its own."""
        recipients = [f"r{number}@y.example" for number in range(20)]
        with Sink() as sink, Installation(sink.port) as it:
            plain, tracked = it.sender("shop.example"), it.sender("shop.example", "--trackopens")
            send(it, plain, "a@shop.example", *recipients)
            it.wait_events("delivery", 20)
            self.assertLess(len(sink.arrived), 20)
            self.assertEqual(sorted(r for one in sink.arrived for r in one.recipients), sorted(recipients))
            sink.arrived.clear()
            message = EmailMessage()
            message["From"], message["Subject"] = "a@shop.example", "s"
            message.set_content("<html><body>hello</body></html>", subtype="html")
            with session(it, *tracked) as client:
                client.sendmail("a@shop.example", recipients, message.as_bytes())
            arrived = sink.wait_for(20)
            self.assertEqual(len({one.content for one in arrived}), 20)
