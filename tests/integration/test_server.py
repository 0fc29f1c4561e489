"""The same as a real server: hostile messages hold nobody up, and what could not be done is told."""

import re
import smtplib
import ssl

from twisted.trial.unittest import SynchronousTestCase

from tests.support.installation import Installation
from tests.support.newsletters import message
from tests.support.poison import css_work
from tests.support.sink import Sink

HTML = b"<style>p{color:red}</style><p>x</p>\r\n"
OTHER = b"From: a@shop.example\r\nTo: b@y.example\r\nSubject: other\r\n\r\nx\r\n"


def session(it: Installation, login: tuple[str, str]) -> smtplib.SMTP:
    """A client that has logged in."""
    client = smtplib.SMTP("localhost", it.smtp_port, timeout=60)
    client.starttls(context=ssl.create_default_context(cafile=str(it.certificate)))
    client.login(*login)
    return client


def from_shop(content: bytes) -> bytes:
    """The message with a sender whose domain is approved."""
    return re.sub(rb"(?m)^From: [^\r]*", b"From: a@shop.example", content, count=1)


class ServerTests(SynchronousTestCase):
    """From outside."""

    def test_poison(self) -> None:
        """
        While style sheets that take for ever are inlined, another client is answered and its mail is delivered; then
        the message goes out un-inlined, which C{message show} tells.
        """
        with Sink() as sink, Installation(sink.port, processing="timeout = 5") as it:
            login = it.sender("shop.example", "--inlinecss")
            with session(it, login) as client, session(it, login) as other:
                client.sendmail("a@shop.example", ["poison@y.example"], css_work())
                self.assertEqual(other.noop()[0], 250)
                other.sendmail("a@shop.example", ["other@y.example"], OTHER)
                first, second = sink.wait_for(2)
            self.assertEqual((first.recipients, second.recipients), (("other@y.example",), ("poison@y.example",)))
            self.assertIn(b":nth-child(1n+0) ~ p:not(.c0) b { margin-left: 0px }", second.content)
            told = self.shown(it, "poison@y.example")
            self.assertIn("style sheets were not inlined: The CSS engine took longer than 5 seconds", told)
            self.assertNotIn("warnings", self.shown(it, "other@y.example"))
            it.stop()

    def test_warnings(self) -> None:
        """What preparing could not do, and what intake did not understand, stands in what C{message show} shows."""
        broken = message(HTML, "utf-8", "8bit").replace(b": 8bit", b": base64")
        mail = from_shop(b"X-SMTPeter-TrackOpens: perhaps\r\n" + broken)
        with Sink() as sink, Installation(sink.port) as it:
            with session(it, it.sender("shop.example", "--inlinecss")) as client:
                client.sendmail("a@shop.example", ["b@y.example"], mail)
            (arrived,) = sink.wait_for(1)
            self.assertTrue(arrived.content.endswith(HTML))
            told = self.shown(it, "b@y.example")
            self.assertIn("an HTML part was left as it is: its base64 encoding is broken", told)
            self.assertRegex(told, r"(?m)^warnings .*perhaps")
            (delivery,) = it.wait_events("delivery")
            self.assertIn("base64", it.cli("message", "show", delivery["message_id"])["events"][-1]["data"]["warnings"])

    def test_no_eightbit(self) -> None:
        """A next hop without 8BITMIME gets the seven-bit form, and DKIM of that; with it, the form as it is."""
        mail = from_shop(message("<p>Größe</p>\r\n".encode(), "utf-8", "8bit"))
        for extensions, is_seven_bit in ((("PIPELINING",), True), (("PIPELINING", "8BITMIME"), False)):
            with Sink(extensions=extensions) as sink, Installation(sink.port) as it:
                with session(it, it.sender("shop.example", "--trackopens")) as client:
                    client.sendmail("a@shop.example", ["b@y.example"], mail)
                (arrived,) = sink.wait_for(1)
                self.assertEqual(arrived.content.isascii(), is_seven_bit)
                self.assertEqual("BODY=8BITMIME" in arrived.mail_parameters, not is_seven_bit)
                record = it.cli("domain", "show", "shop.example")
                self.assertTrue(self.verifies(arrived.content, record), record)

    def verifies(self, content: bytes, records: object) -> bool:
        """Whether somebody else's verifier accepts it, with the key that is to be published."""
        import dkim

        found = re.search(r"v=DKIM1[^'\"]*", str(records))
        assert found is not None, records
        return bool(dkim.verify(content, dnsfunc=lambda name, timeout=5: found[0].encode()))

    def test_no_utf8(self) -> None:
        """A header that needs SMTPUTF8 fails with 5.6.7 at a next hop without it, and the sender is told."""
        mail = "From: a@shop.example\r\nTo: b@y.example\r\nSubject: Größe\r\n\r\nx\r\n".encode()
        with Sink(extensions=("PIPELINING", "8BITMIME")) as sink, Installation(sink.port) as it:
            with session(it, it.sender("shop.example")) as client:
                client.sendmail("a@shop.example", ["b@y.example"], mail, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
            (failure,) = it.wait_events("failure")
            self.assertEqual(failure["data"]["status"], "5.6.7")
            (notice,) = sink.wait_for(1)
            self.assertEqual((notice.reverse_path, notice.recipients), ("", ("a@shop.example",)))

    def test_no_envelope_address(self) -> None:
        """With trackbounces and no envelope address the bounce address is used, and failures must come back to it."""
        with Sink() as sink, Installation(sink.port) as it:
            with session(it, it.sender("shop.example", "--trackbounces")) as client:
                client.sendmail("", ["b@y.example"], OTHER, rcpt_options=["NOTIFY=NEVER"])
                client.sendmail("", ["c@y.example"], b"Auto-Submitted: auto-replied\r\n" + OTHER)
            arrived = {one.recipients[0]: one for one in sink.wait_for(2)}
            self.assertTrue(arrived["b@y.example"].reverse_path.endswith("@bounces.localhost"))
            self.assertEqual(arrived["b@y.example"].rcpt_parameters, ("NOTIFY=FAILURE",))
            self.assertEqual(arrived["c@y.example"].reverse_path, "")

    def shown(self, it: Installation, recipient: str) -> str:
        """What C{message show} says to a person of the delivered message to that address."""
        it.wait_events("delivery")
        (id,) = {event["message_id"] for event in it.events() if event["data"]["recipient"] == recipient}
        done = it.run("message", "show", id)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout
