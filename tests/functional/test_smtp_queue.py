"""What the queue promises, from outside: notices as they were asked for, and nobody delayed by somebody else's mail."""

import email
import email.policy
import socket
import threading
import time
from email.message import EmailMessage

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.test_main_job import session
from tests.support.installation import Installation
from tests.support.nameserver import NameServer
from tests.support.sink import Delivered, Sink

MAIL = "From: a@shop.example\r\nSubject: the subject\r\n\r\nthe text\r\n"
SOON_SECONDS = 5.0


def report(notice: Delivered) -> tuple[EmailMessage, dict[str, str], str]:
    """A notice taken apart: the whole, the fields of its status part, the returned part."""
    message = email.message_from_bytes(notice.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    _, status, returned = message.iter_parts()
    lines = "\n".join(str(part) for part in status.get_payload()).splitlines()
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return message, fields, returned.as_string()


class NoticeTests(SynchronousTestCase):
    """RFC 3461 and 3464."""

    def send(
        self, it: Installation, sender: str, recipient: str, mail: tuple[str, ...] = (), rcpt: tuple[str, ...] = ()
    ) -> None:
        """Hand a mail in with these parameters."""
        with session(it, *self.login) as client:
            client.sendmail(sender, [recipient], MAIL, mail_options=mail, rcpt_options=rcpt)

    def notices(self, sink: Sink, count: int) -> dict[str, Delivered]:
        """The notices so far, by original recipient."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = [one for one in sink.arrived if one.recipients == ("a@shop.example",)]
            if len(found) >= count:
                break
            time.sleep(0.1)
        self.assertEqual(len(found), count)
        return {report(one)[1]["Final-Recipient"].partition(";")[2].strip(): one for one in found}

    def test_failures(self) -> None:
        """
        By default the headers come back, with RET=FULL all of it; ENVID and ORCPT are named; from nobody; NEVER means
        none, SUCCESS alone too, and mail from nobody gets none.
        """
        with Sink() as sink, Installation(sink.port) as it:
            self.login = it.sender("shop.example")
            self.send(it, "a@shop.example", "reject1@y.example")
            orcpt = ("NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;first+2B@x.example")
            self.send(it, "a@shop.example", "reject2@y.example", ("RET=FULL", "ENVID=QQ+3D1"), orcpt)
            self.send(it, "a@shop.example", "reject3@y.example", rcpt=("NOTIFY=NEVER",))
            self.send(it, "a@shop.example", "reject4@y.example", rcpt=("NOTIFY=SUCCESS",))
            self.send(it, "", "reject5@y.example")
            it.wait_events("failure", 5)
            notices = self.notices(sink, 2)
            for recipient in ("reject1@y.example", "reject2@y.example"):
                self.assertEqual(notices[recipient].reverse_path, "")
                self.assertIn("NOTIFY=NEVER", notices[recipient].rcpt_parameters[0])
            self.check_default(notices["reject1@y.example"])
            self.check_full(notices["reject2@y.example"])
            time.sleep(1.5)
            self.notices(sink, 2)

    def check_default(self, notice: Delivered) -> None:
        """The headers alone."""
        message, fields, returned = report(notice)
        self.assertEqual(message.get_content_type(), "multipart/report")
        self.assertEqual((fields["Action"], fields["Status"]), ("failed", "5.1.1"))
        self.assertIn("the subject", returned)
        self.assertNotIn("the text", returned)
        self.assertNotIn("Original-Envelope-Id", fields)

    def check_full(self, notice: Delivered) -> None:
        """The whole, and the client's own names for it."""
        _, fields, returned = report(notice)
        self.assertIn("the text", returned)
        self.assertEqual(fields["Original-Envelope-Id"], "QQ=1")
        self.assertEqual(fields["Original-Recipient"].replace(" ", ""), "rfc822;first+@x.example")

    def test_success(self) -> None:
        """SUCCESS is told as relayed where the next hop has no DSN, and left to it where it has."""
        for extensions, count in ((("PIPELINING", "8BITMIME"), 1), (("PIPELINING", "DSN"), 0)):
            with Sink(extensions=extensions) as sink, Installation(sink.port) as it:
                self.login = it.sender("shop.example")
                self.send(it, "a@shop.example", "fine@y.example", ("ENVID=E1",), ("NOTIFY=SUCCESS",))
                it.wait_events("delivery")
                if count:
                    _, fields, _ = report(self.notices(sink, 1)["fine@y.example"])
                    self.assertEqual((fields["Action"], fields["Original-Envelope-Id"]), ("relayed", "E1"))
                else:
                    time.sleep(1.5)
                    (only,) = sink.arrived
                    self.assertEqual(
                        (only.mail_parameters.split()[-1], only.rcpt_parameters), ("ENVID=E1", ("NOTIFY=SUCCESS",))
                    )

    def test_bounce_address(self) -> None:
        """With trackbounces the next hop is asked for FAILURE whatever the client said, who gets what it asked for."""
        with Sink() as sink, Installation(sink.port) as it:
            self.login = it.sender("shop.example", "--trackbounces")
            self.send(it, "a@shop.example", "fine@y.example", rcpt=("NOTIFY=NEVER",))
            self.send(it, "a@shop.example", "reject1@y.example", rcpt=("NOTIFY=NEVER",))
            self.send(it, "a@shop.example", "reject2@y.example")
            it.wait_events("failure", 2)
            self.notices(sink, 1)
            (fine,) = [one for one in sink.arrived if one.recipients == ("fine@y.example",)]
            self.assertEqual(fine.rcpt_parameters, ("NOTIFY=FAILURE",))
            self.assertRegex(fine.reverse_path, r"@bounces\.localhost\Z")


class Tarpit:
    """Takes connections and never says a word."""

    def __init__(self, address: str, port: int) -> None:
        self.taken: list[socket.socket] = []
        self.listener = socket.create_server((address, port), backlog=2000)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        """Accept."""
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            return

    def close(self) -> None:
        """End it."""
        self.listener.close()
        for one in self.taken:
            one.close()


class FairnessTests(SynchronousTestCase):
    """One account's flood, or dead destinations, delay nobody else."""

    def accounts(self, it: Installation) -> tuple[tuple[str, str], tuple[str, str]]:
        """A login of the account that floods, and one of another."""
        it.cli("account", "create", "other")
        flood = it.cli("login", "create", "flood", "--account", "default")
        other = it.cli("login", "create", "web", "--account", "other")
        it.cli("domain", "add", "shop.example", "--approve", "--account", "default")
        it.cli("domain", "add", "shop.example", "--approve", "--account", "other")
        return (flood["username"], flood["password"]), (other["username"], other["password"])

    def is_soon(self, sink: Sink, it: Installation, login: tuple[str, str], recipient: str) -> None:
        """A mail of the other account arrives in seconds."""
        with session(it, *login) as client:
            client.sendmail("a@shop.example", [recipient], MAIL)
        end = time.monotonic() + SOON_SECONDS
        while not [one for one in sink.arrived if recipient in one.recipients]:
            self.assertLess(time.monotonic(), end, f"{recipient} waits behind somebody else's mail")
            time.sleep(0.02)

    def test_flood(self) -> None:
        """Behind 5000 messages of one account to a slow destination another account's mail arrives at once."""
        with Sink() as sink, Installation(sink.port) as it:
            flood, other = self.accounts(it)
            sink.answer_message = slowly
            with session(it, *flood) as client:
                for number in range(5):
                    recipients = [f"r{number}-{each}@y.example" for each in range(1000)]
                    client.sendmail("a@shop.example", recipients, MAIL)
            self.is_soon(sink, it, other, "first@y.example")
            self.is_soon(sink, it, other, "second@z.example")

    def test_dead_destinations(self) -> None:
        """While one account's mail waits at 1500 destinations that never answer, another's arrives at once."""
        domains = [f"d{number}.example" for number in range(1500)]
        with Sink() as sink:
            tarpit = Tarpit("127.9.9.9", sink.port)
            self.addCleanup(tarpit.close)
            records = {(domain, "MX"): [f"10 mx.{domain}."] for domain in domains}
            records |= {(f"mx.{domain}", "A"): ["127.9.9.9"] for domain in domains}
            records |= {("y.example", "A"): ["127.0.0.1"]}
            with NameServer(records) as names:
                relay = f"port = {sink.port}\nallow_private = true\n"
                dns = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
                with Installation(sink.port, route=False, relay=relay, extra=dns) as it:
                    flood, other = self.accounts(it)
                    with session(it, *flood) as client:
                        for start in range(0, 1500, 500):
                            recipients = [f"r@{domain}" for domain in domains[start : start + 500]]
                            client.sendmail("a@shop.example", recipients, MAIL)
                    end = time.monotonic() + 60
                    while len(tarpit.taken) < 700 and time.monotonic() < end:
                        time.sleep(0.1)
                    self.assertGreaterEqual(len(tarpit.taken), 700)
                    time.sleep(1)
                    self.is_soon(sink, it, other, "first@y.example")

    def test_silent_name_servers(self) -> None:
        """While one account's mail waits for name servers that never answer, another's arrives at once."""
        domains = [f"d{number}.example" for number in range(1000)]
        with Sink() as sink, NameServer({("y.example", "A"): ["127.0.0.1"]}, silent=set(domains)) as names:
            relay = f"port = {sink.port}\nallow_private = true\n"
            dns = f'[dns]\nservers = ["127.0.0.1:{names.port}"]\n'
            with Installation(sink.port, route=False, relay=relay, extra=dns) as it:
                flood, other = self.accounts(it)
                with session(it, *flood) as client:
                    client.sendmail("a@shop.example", [f"r@{domain}" for domain in domains], MAIL)
                end = time.monotonic() + 30
                while len(set(names.questions)) < 100 and time.monotonic() < end:
                    time.sleep(0.1)
                self.assertGreaterEqual(len(set(names.questions)), 100)
                self.is_soon(sink, it, other, "first@y.example")


def slowly(delivered: Delivered) -> str:
    """A next hop that thinks about each message."""
    time.sleep(0.2)
    return "250 2.0.0 Ok"
