"""
The SMTP door from outside: bytes over real sockets against the real server, one server for many sessions.

Each promise of the table "what the server must survive", the rules of trust, the exact replies.
"""

import atexit
import os
import signal
import sqlite3
import time
from base64 import b64encode
from functools import cache

from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from tests.smtpd.test_framing import FALSE_ENDS
from tests.support.installation import Installation
from tests.support.sink import Delivered, Sink
from tests.support.wire import Wire, plain

NEEDS_TLS = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
NEEDS_LOGIN = b"530 5.7.0 Authentication required\r\n"
NO_RECIPIENT = b"503 5.5.1 No recipient was accepted\r\n"
SENDER_OK, RECIPIENT_OK, OK = b"250 2.1.0 Ok\r\n", b"250 2.1.5 Ok\r\n", b"250 2.0.0 Ok\r\n"
GO_ON = b"354 End data with <CR><LF>.<CR><LF>\r\n"
QUEUED = rb"\A250 2\.0\.0 Ok: queued as [0-9a-v]{20}\r\n\Z"
NOT_PERMITTED = b"550 5.7.1 You do not have permission to send email, please contact postmaster@localhost\r\n"
SLOW_SECONDS = 12
"""After that a change by the command line is seen in open sessions."""

EHLO = b"EHLO client.example\r\n"
HEAD = b"From: a@shop.example\r\nSubject: s\r\n\r\n"
MAIL = b"MAIL FROM:<a@shop.example>\r\n"
RCPT = b"RCPT TO:<r@y.example>\r\n"


class House:
    """A server with its next hop, made once and used by many tests."""

    def __init__(self, smtp: str = "") -> None:
        self.sink = Sink()
        self.sink.__enter__()
        self.it = Installation(self.sink.port, smtp=smtp)
        self.it.__enter__()
        atexit.register(self.close)
        self.username, self.password = self.it.sender("shop.example")
        self.tracked = self.it.sender("shop.example", "--trackbounces")

    def close(self) -> None:
        """End it."""
        self.it.__exit__()
        self.sink.__exit__()

    @property
    def token(self) -> bytes:
        """The login's AUTH PLAIN."""
        return plain(self.username, self.password)

    def clear(self, source: str = "127.0.0.1") -> Wire:
        """A session in clear, after EHLO."""
        wire = Wire(self.it.smtp_port, source, self.it.certificate)
        greeting = wire.reply()
        assert greeting == b"220 localhost ESMTP SMTPeter\r\n", greeting
        wire.say(EHLO)
        return wire

    def secure(self, source: str = "127.0.0.1") -> Wire:
        """A session after STARTTLS and another EHLO."""
        wire = self.clear(source)
        answer = wire.say(b"STARTTLS\r\n")
        assert answer == b"220 2.0.0 Ready to start TLS\r\n", answer
        wire.handshake()
        wire.say(EHLO)
        return wire

    def logged_in(self, source: str = "127.0.0.1", token: bytes = b"") -> Wire:
        """A session that may send."""
        wire = self.secure(source)
        answer = wire.say(b"AUTH PLAIN " + (token or self.token) + b"\r\n")
        assert answer == b"235 2.7.0 Authentication successful\r\n", answer
        return wire

    def in_data(self, recipient: bytes = b"r@y.example") -> Wire:
        """A session in which a content is awaited."""
        wire = self.logged_in()
        answer = wire.say(MAIL + b"RCPT TO:<" + recipient + b">\r\nDATA\r\n", 3)
        assert answer == SENDER_OK + RECIPIENT_OK + GO_ON, answer
        return wire

    def arrived(self, recipient: str, seconds: float = 20) -> Delivered:
        """The one mail that came for a recipient."""
        end = time.monotonic() + seconds
        while True:
            found = [one for one in self.sink.arrived if recipient in one.recipients]
            if found or time.monotonic() > end:
                (only,) = found
                return only
            time.sleep(0.05)

    def returns(self) -> list[tuple[str, str | None, bytes]]:
        """What came back, as it is stored: recipient, message id, content."""
        database = sqlite3.connect(self.it.config.parent / "state" / "smtpeter.db")
        try:
            return database.execute("SELECT recipient, message_id, content FROM returns ORDER BY rowid").fetchall()
        finally:
            database.close()

    def messages(self) -> int:
        """How many messages were ever accepted."""
        database = sqlite3.connect(self.it.config.parent / "state" / "smtpeter.db")
        try:
            return int(database.execute("SELECT count(*) FROM messages").fetchone()[0])
        finally:
            database.close()

    @cache  # noqa: B019 (one for each of two houses)
    def bounce(self) -> bytes:
        """A return address of ours, taken from a mail that was sent."""
        with self.logged_in(token=plain(*self.tracked)) as wire:
            wire.say(MAIL + b"RCPT TO:<tracked@y.example>\r\nDATA\r\n", 3)
            wire.say(HEAD + b"x\r\n.\r\n")
        return self.arrived("tracked@y.example").reverse_path.encode()


@cache
def house() -> House:
    """The one with default settings."""
    return House()


@cache
def small_house() -> House:
    """The one with small limits."""
    return House(
        'max_message_size = 20000\nmax_recipients = 3\nbare_newline = "reject"\ngreeting_delay = 0.2\n'
        "max_connections = 5\nmax_connections_per_address = 3\n"
    )


class HouseCase(SynchronousTestCase):
    """With the server of default settings, which no test may have harmed."""

    def make(self) -> House:
        """Which server."""
        return house()

    @override
    def setUp(self) -> None:
        self.house = self.make()

    @override
    def tearDown(self) -> None:
        """Whatever was done to it, the server lives, takes mail, and had no fault of its own."""
        with self.house.logged_in(source="127.0.0.77") as wire:
            self.assertEqual(wire.say(b"NOOP\r\n"), OK)
        self.assertNotIn("Traceback", self.house.it.log.read_text())

    def closes(self, wire: Wire, *begins: bytes) -> None:
        """The rest is these replies and the end of the connection."""
        lines = wire.rest().split(b"\r\n")
        self.assertEqual([line[: len(begin)] for line, begin in zip(lines, begins, strict=False)], list(begins))
        self.assertEqual(len(lines), len(begins) + 1)


class TrustTests(HouseCase):
    """Ports and trust."""

    EXTENSIONS = (
        b"localhost",
        b"PIPELINING",
        b"SIZE 26214400",
        b"8BITMIME",
        b"SMTPUTF8",
        b"ENHANCEDSTATUSCODES",
        b"DSN",
    )

    def test_extensions(self) -> None:
        """STARTTLS is offered before TLS, AUTH inside only, on every port."""

        def lines(*last: bytes) -> list[bytes]:
            return [*self.EXTENSIONS, *last]

        with Wire(self.house.it.smtp_port, certificate=self.house.it.certificate) as wire:
            wire.reply()
            offered = [line[4:] for line in wire.say(EHLO).splitlines()]
            self.assertEqual(offered, lines(b"STARTTLS"))
            wire.say(b"STARTTLS\r\n")
            wire.handshake()
            self.assertEqual([line[4:] for line in wire.say(EHLO).splitlines()], lines(b"AUTH PLAIN LOGIN"))
        with Wire(self.house.it.tls_port, certificate=self.house.it.certificate, is_tls=True) as wire:
            wire.reply()
            self.assertEqual([line[4:] for line in wire.say(EHLO).splitlines()], lines(b"AUTH PLAIN LOGIN"))
            self.assertEqual(wire.say(b"STARTTLS\r\n"), b"503 5.5.1 TLS is already in use\r\n")

    def test_auth_in_clear(self) -> None:
        """Before TLS nothing of AUTH is evaluated: right, wrong and broken are all 538."""
        with self.house.clear() as wire:
            for words in (b"PLAIN " + self.house.token, b"PLAIN", b"LOGIN", b"PLAIN AAAA", b"NONSENSE", b""):
                answer = wire.say(b"AUTH " + words + b"\r\n")
                self.assertEqual(answer[:11], b"538 5.7.11 ")
            self.assertEqual(wire.say(MAIL + RCPT, 2), SENDER_OK + NEEDS_TLS)

    def foreign(self) -> list[bytes]:
        """Recipients that are nobody's here, written to look otherwise."""
        bounce = self.house.bounce()
        local, _, domain = bounce.partition(b"@")
        last = b"0" if local[-1:] != b"0" else b"1"
        return [
            b"r@y.example",
            b"r%y.example@localhost",
            b"r%y.example@bounces.localhost",
            b"y.example!r@localhost",
            b'"r@y.example"@localhost',
            b'"postmaster@y.example"@localhost',
            b"@localhost:r@y.example",
            b"@localhost,@bounces.localhost:r@y.example",
            b"@y.example:" + b"r@y.example",
            b"r@[127.0.0.1]",
            b"postmaster@[127.0.0.1]",
            b"postmaster@y.example",
            b"abuse@localhost.y.example",
            b"root@localhost",
            b"webmaster@shop.example",
            b"postmaster+x@localhost",
            b"x@bounces.localhost",
            b"b-@bounces.localhost",
            local[:-1] + last + b"@" + domain,
            local[1:] + b"@" + domain,
            local + b"@y.example",
            local + b"@shop.example",
            local + b"%y.example@" + domain,
            b'"' + local + b'"@y.example',
            b"bounces.localhost!" + local + b"@y.example",
        ]

    def test_no_open_relay(self) -> None:
        """Without AUTH nothing is relayed, in clear or in TLS, to whomever, from whomever, however it is written."""
        recipients = self.foreign()
        sent = len(self.house.sink.arrived)
        senders = (b"<>", b"<a@shop.example>", b"<postmaster@localhost>", b"<r@y.example> AUTH=<>")
        for number, recipient in enumerate(recipients):
            for make, refusal in ((self.house.clear, NEEDS_TLS), (self.house.secure, NEEDS_LOGIN)):
                with make(f"127.0.1.{number + 1}") as wire:
                    self.assertEqual(wire.say(b"MAIL FROM:" + senders[number % 4] + b"\r\n"), SENDER_OK)
                    self.assertEqual(wire.say(b"RCPT TO:<" + recipient + b">\r\n"), refusal, recipient)
                    self.assertEqual(wire.say(b"DATA\r\n"), NO_RECIPIENT)
        self.assertEqual(len(self.house.sink.arrived), sent)

    def test_after_failed_auth(self) -> None:
        """A login that failed, was cancelled or was begun only opens nothing."""
        with self.house.secure("127.0.2.1") as wire:
            wrong = plain(self.house.username, self.house.password.replace(" ", ""))
            self.assertEqual(
                wire.say(b"AUTH PLAIN " + wrong + b"\r\n"), b"535 5.7.8 User name or password is wrong\r\n"
            )
            self.assertEqual(wire.say(b"AUTH LOGIN\r\n*\r\n", 2)[:9], b"334 VXNlc")
            self.assertEqual(wire.say(MAIL + RCPT + b"DATA\r\n", 3), SENDER_OK + NEEDS_LOGIN + NO_RECIPIENT)

    def test_one_foreign_recipient(self) -> None:
        """A return in a transaction does not let a stranger's other recipients through."""
        stored = len(self.house.returns())
        with self.house.secure() as wire:
            to_us = b"RCPT TO:<" + self.house.bounce() + b">\r\n"
            answer = wire.say(b"MAIL FROM:<>\r\n" + RCPT + to_us + RCPT + b"DATA\r\n", 5)
            self.assertEqual(answer, SENDER_OK + NEEDS_LOGIN + RECIPIENT_OK + NEEDS_LOGIN + GO_ON)
            self.assertRegex(wire.say(b"Subject: bounce\r\n\r\nx\r\n.\r\n"), QUEUED)
        self.assertEqual(len(self.house.returns()), stored + 1)

    def test_authentication(self) -> None:
        """PLAIN and LOGIN, with and without initial response, in any case of letters; authzid must be the authcid."""
        username, password = self.house.username, self.house.password
        name, word = b64encode(username.encode()), b64encode(password.encode())
        same = plain(username, password, username)
        dialogues = (
            [b"AUTH PLAIN " + self.house.token],
            [b"auth plain", self.house.token],
            [b"AUTH PLAIN " + same],
            [b"AUTH LOGIN", name, word],
            [b"Auth Login " + name, word],
        )
        for lines in dialogues:
            with self.house.secure() as wire:
                answer = wire.say(b"".join(line + b"\r\n" for line in lines), len(lines))
                self.assertTrue(answer.endswith(b"235 2.7.0 Authentication successful\r\n"), answer)
        with self.house.secure("127.0.2.2") as wire:
            other = plain(username, password, "somebody else")
            self.assertEqual(wire.say(b"AUTH PLAIN " + other + b"\r\n")[:10], b"535 5.7.8 ")


class ReturnTests(HouseCase):
    """Mail that comes back."""

    def take(self, wire: Wire, *recipients: bytes, sender: bytes = b"") -> bytes:
        """Hand a return in. @return: the replies."""
        commands = b"".join(b"RCPT TO:<" + recipient + b">\r\n" for recipient in recipients)
        answer = wire.say(b"MAIL FROM:<" + sender + b">\r\n" + commands + b"DATA\r\n", len(recipients) + 2)
        self.assertEqual(answer, SENDER_OK + RECIPIENT_OK * len(recipients) + GO_ON)
        return wire.say(b"Subject: it came back\r\n\r\nx\r\n.\r\n")

    def test_anybody(self) -> None:
        """In clear, in TLS and after AUTH a return is stored, with its message, and never relayed."""
        bounce = self.house.bounce()
        for number, make in enumerate((self.house.clear, self.house.secure, self.house.logged_in)):
            for sender in (b"", b"MAILER-DAEMON@y.example", b"odd..one@docomo.example"):
                if number == 2 and b".." in sender:
                    continue
                stored, sent = self.house.returns(), len(self.house.sink.arrived)
                with make() as wire:
                    self.assertRegex(self.take(wire, bounce, sender=sender), QUEUED)
                recipient, message_id, content = self.house.returns()[-1]
                self.assertEqual(len(self.house.returns()), len(stored) + 1)
                self.assertEqual((recipient, content), (bounce.decode(), b"Subject: it came back\r\n\r\nx\r\n"))
                shown = self.house.it.cli("message", "show", str(message_id))
                self.assertIn("tracked@y.example", str(shown))
                self.assertEqual(len(self.house.sink.arrived), sent)

    def test_case(self) -> None:
        """The case of a return address does not count: others change it on the way."""
        with self.house.clear() as wire:
            for address in (self.house.bounce().upper(), self.house.bounce().title()):
                self.assertRegex(self.take(wire, address), QUEUED)

    def test_wrong_mac(self) -> None:
        """A return address of which any character was changed is nobody's."""
        local, _, domain = self.house.bounce().partition(b"@")
        for at in range(len(local)):
            other = b"v" if local[at : at + 1] != b"v" else b"0"
            changed = local[:at] + other + local[at + 1 :]
            with self.house.clear(f"127.0.3.{at + 1}") as wire:
                wire.say(b"MAIL FROM:<>\r\n")
                self.assertEqual(wire.say(b"RCPT TO:<" + changed + b"@" + domain + b">\r\n"), NEEDS_TLS, changed)

    def test_role_addresses(self) -> None:
        """Postmaster, abuse and dmarc of the domains that we serve are taken from anybody, in any case of letters."""
        served = (b"Postmaster", b"postmaster@localhost", b"ABUSE@SHOP.EXAMPLE", b"dmarc@shop.example")
        with self.house.clear() as wire:
            self.assertRegex(self.take(wire, *served, sender=b"who@y.example"), rb"queued as \w{20} \(4 recipients\)")
        stored = sorted(recipient for recipient, _, _ in self.house.returns()[-3:])
        # The two spellings of one address are one return.
        self.assertEqual(stored, ["abuse@shop.example", "dmarc@shop.example", "postmaster@localhost"])

    def test_mixed(self) -> None:
        """Who has logged in may send to returns and to others at once: the one is stored, the other delivered."""
        stored = len(self.house.returns())
        with self.house.logged_in() as wire:
            to_us = b"RCPT TO:<" + self.house.bounce() + b">\r\n"
            wire.say(MAIL + to_us + b"RCPT TO:<mixed@y.example>\r\nDATA\r\n", 4)
            answer = wire.say(HEAD + b"mixed\r\n.\r\n")
        self.assertRegex(answer, rb"\A250 2\.0\.0 Ok: queued as \w{20} \(2 recipients\)\r\n\Z")
        self.assertEqual(self.house.arrived("mixed@y.example").recipients, ("mixed@y.example",))
        self.assertEqual(len(self.house.returns()), stored + 1)

    def test_exempt_from_the_from_check(self) -> None:
        """What comes back by a smart-host client may be From anybody; what is to go out may not."""
        foreign = b"From: MAILER-DAEMON@elsewhere.example\r\n\r\nx\r\n.\r\n"
        with self.house.logged_in() as wire:
            wire.say(b"MAIL FROM:<>\r\nRCPT TO:<" + self.house.bounce() + b">\r\nDATA\r\n", 3)
            self.assertRegex(wire.say(foreign), QUEUED)
            wire.say(MAIL + RCPT + b"DATA\r\n", 3)
            text = b"You cannot send mailings from elsewhere.example without configuring it as sender domain"
            self.assertEqual(wire.say(foreign), b"550 5.7.1 " + text + b"\r\n")


class PermissionTests(HouseCase):
    """Accounts that may not send, logins that are gone."""

    def login(self, account: str) -> tuple[str, str]:
        """A new login."""
        made = self.house.it.cli("login", "create", "web", "--account", account)
        return made["username"], made["password"]

    def until(self, wire: Wire, expected: bytes) -> None:
        """MAIL is answered so before long."""
        end = time.monotonic() + SLOW_SECONDS
        while (answer := wire.say(MAIL)) != expected and time.monotonic() < end:
            wire.say(b"RSET\r\n")
            time.sleep(1.5)
        self.assertEqual(answer, expected)
        wire.say(b"RSET\r\n")

    def test_standing(self) -> None:
        """A pending account logs in and is told whom to ask; approved, suspended and resumed are seen in seconds."""
        self.house.it.cli("account", "create", "later", "--pending")
        with self.house.logged_in(token=plain(*self.login("later"))) as wire:
            self.assertEqual(wire.say(MAIL), NOT_PERMITTED)
            self.assertEqual(wire.say(RCPT), b"503 5.5.1 Send MAIL first\r\n")
            for command, expected in (("approve", SENDER_OK), ("suspend", NOT_PERMITTED), ("resume", SENDER_OK)):
                self.house.it.cli("account", command, "later")
                self.until(wire, expected)

    def test_deleted_login(self) -> None:
        """A login that is deleted sends no more, in seconds, in its open session, and cannot log in again."""
        self.house.it.cli("account", "create", "gone")
        token = plain(*self.login("gone"))
        with self.house.logged_in(token=token) as wire:
            self.assertEqual(wire.say(MAIL + b"RSET\r\n", 2), SENDER_OK + OK)
            self.house.it.cli("login", "delete", "web", "--account", "gone")
            self.until(wire, NEEDS_LOGIN)
        with self.house.secure("127.0.2.3") as wire:
            self.assertEqual(wire.say(b"AUTH PLAIN " + token + b"\r\n")[:10], b"535 5.7.8 ")


class ExtensionTests(HouseCase):
    """What is advertised is honoured."""

    def test_parameters(self) -> None:
        """Known parameters are taken in any case, unknown ones are 555, wrong values 501."""
        known = (
            b"BODY=8BITMIME",
            b"body=7bit",
            b"SIZE=100",
            b"SMTPUTF8",
            b"RET=FULL",
            b"ret=hdrs ENVID=x+2By",
            b"AUTH=<>",
        )
        with self.house.logged_in() as wire:
            for words in known:
                self.assertEqual(wire.say(b"MAIL FROM:<a@shop.example> " + words + b"\r\nRSET\r\n", 2), SENDER_OK + OK)
            for words, begin in (
                (b"BODY=BINARYMIME", b"501 5.5.4"),
                (b"SIZE=x", b"501 5.5.4"),
                (b"RET=ALL", b"501 5.5.4"),
                (b"AUTH=", b"501 5.5.4"),
                (b"XFOO=1", b"555 5.5.4"),
                (b"NOTIFY=NEVER", b"555 5.5.4"),
                (b"SIZE=99999999999", b"552 5.3.4"),
            ):
                self.assertEqual(wire.say(b"MAIL FROM:<a@shop.example> " + words + b"\r\n")[:9], begin, words)
            wire.say(MAIL)
            for words, begin in (
                (b"NOTIFY=NEVER,DELAY", b"501 5.5.4"),
                (b"ORCPT=x", b"501 5.5.4"),
                (b"Y=1", b"555 5.5.4"),
            ):
                self.assertEqual(wire.say(b"RCPT TO:<r@y.example> " + words + b"\r\n")[:9], begin, words)

    def test_dsn_goes_on(self) -> None:
        """RET, ENVID, NOTIFY and ORCPT reach a next hop that knows them, verbs and keywords in any case."""
        with self.house.logged_in() as wire:
            wire.say(b"mAiL fRoM:<a@shop.example> ret=full EnvId=QQ314159 body=8bitmime\r\n")
            wire.say(b"rcpt to:<dsn@y.example> Notify=success,Delay orcpt=RFC822;first@x.example\r\ndata\r\n", 2)
            self.assertRegex(wire.say(HEAD + b"x\r\n.\r\n"), QUEUED)
        arrived = self.house.arrived("dsn@y.example")
        self.assertIn("RET=FULL ENVID=QQ314159", arrived.mail_parameters)
        self.assertIn("NOTIFY=SUCCESS,DELAY", arrived.rcpt_parameters[0])
        self.assertIn(";first@x.example", arrived.rcpt_parameters[0])

    def test_utf8(self) -> None:
        """An address beyond ASCII needs SMTPUTF8, and then reaches the next hop."""
        address = "ünï@y.example".encode()
        with self.house.logged_in() as wire:
            wire.say(MAIL)
            self.assertEqual(wire.say(b"RCPT TO:<" + address + b">\r\nRSET\r\n", 2)[:9], b"553 5.6.7")
            wire.say(b"MAIL FROM:<a@shop.example> SMTPUTF8\r\n")
            wire.say(b"RCPT TO:<" + address + b">\r\nDATA\r\n", 2)
            self.assertRegex(wire.say(HEAD + b"x\r\n.\r\n"), QUEUED)
        self.assertIn("SMTPUTF8", self.house.arrived("ünï@y.example").mail_parameters)

    def test_small_commands(self) -> None:
        """NOOP, RSET, VRFY, HELP and QUIT work, also before EHLO, and every reply has an enhanced code."""
        with Wire(self.house.it.smtp_port) as wire:
            wire.reply()
            answers = wire.say(
                b"NOOP\r\nnoop x\r\nRSET\r\nVRFY postmaster\r\nHELP\r\nEXPN x\r\nMAIL FROM:<>\r\nQUIT\r\n", 8
            )
            begins = [b"250 2.0.0", b"250 2.0.0", b"250 2.0.0", b"252 2.5.2", b"214 2.0.0", b"500 5.5.1", b"503 5.5.1"]
            self.assertEqual([line[:9] for line in answers.splitlines()], [*begins, b"221 2.0.0"])
            self.closes(wire)

    def test_queued_as(self) -> None:
        """For several recipients the reply names the first id and how many; the id is one that an operator can see."""
        with self.house.logged_in() as wire:
            wire.say(MAIL + b"RCPT TO:<q1@y.example>\r\nRCPT TO:<q2@y.example>\r\nDATA\r\n", 4)
            answer = wire.say(HEAD + b"x\r\n.\r\n").decode()
        self.assertRegex(answer, r"\A250 2\.0\.0 Ok: queued as [0-9a-v]{20} \(2 recipients\)\r\n\Z")
        self.assertIn("q1@y.example", str(self.house.it.cli("message", "show", answer.split()[5])))


class StartTLSTests(HouseCase):
    """STARTTLS with something behind it."""

    def test_injection(self) -> None:
        """Bytes behind STARTTLS in its segment are never executed: 554 and close, no TLS."""
        for behind in (b"MAIL FROM:<x@evil.example>\r\n", b"NOOP\r\n", b"R", b"\r\n", b"EHLO x\r\nSTARTTLS\r\n"):
            with self.house.clear() as wire:
                wire.send(b"STARTTLS\r\n" + behind)
                self.closes(wire, b"554 5.5.0 ")

    def test_injection_behind_commands(self) -> None:
        """So it is when STARTTLS stands in a pipelined group, and when its line comes in pieces."""
        with self.house.clear() as wire:
            wire.send(b"NOOP\r\nMAIL FROM:<>\r\nSTARTTLS\r\nNOOP\r\n")
            self.closes(wire, b"250 2.0.0", b"250 2.1.0", b"554 5.5.0 ")
        with self.house.clear() as wire:
            wire.segments(b"STARTTLS\r\nRSET\r\n", 5, 9)
            self.closes(wire, b"554 5.5.0 ")

    def test_in_the_next_segment(self) -> None:
        """Clear bytes behind the 220 break the handshake; they are no commands."""
        with self.house.clear() as wire:
            wire.say(b"STARTTLS\r\n")
            wire.send(b"MAIL FROM:<>\r\nNOOP\r\n")
            self.assertNotRegex(wire.rest(), rb"\A[2345]\d\d")

    def test_state_is_reset(self) -> None:
        """TLS forgets EHLO and MAIL: both must come again, a login does not stand for them."""
        wire = self.house.clear()
        with wire:
            wire.say(b"MAIL FROM:<>\r\nRCPT TO:<" + self.house.bounce() + b">\r\n", 2)
            wire.say(b"STARTTLS\r\n")
            wire.handshake()
            self.assertEqual(wire.say(b"DATA\r\n"), b"503 5.5.1 Send MAIL first\r\n")
            self.assertEqual(wire.say(MAIL), b"503 5.5.1 Send EHLO first\r\n")
            wire.say(b"AUTH PLAIN " + self.house.token + b"\r\n")
            self.assertEqual(wire.say(MAIL), b"503 5.5.1 Send EHLO first\r\n")
            self.assertEqual(wire.say(EHLO + MAIL, 2)[-14:], SENDER_OK)


class EndOfDataTests(HouseCase):
    """Smuggling."""

    EVIL = b"\r\nRSET\r\nMAIL FROM:<smuggled@shop.example>\r\nRCPT TO:<smuggled@y.example>\r\nDATA\r\nsmuggled\r\n"

    def test_false_ends(self) -> None:
        """Nothing but CRLF.CRLF ends a content, cut in two at every place, and octet by octet."""
        sent = 0
        with self.house.logged_in() as wire:
            for number, false_end in enumerate(FALSE_ENDS):
                for cut in range(len(false_end) + 3):
                    sent += self.smuggle(wire, number, false_end, cut)
        for number in range(len(FALSE_ENDS)):
            found = self.wait(f"f{number}@y.example", len(FALSE_ENDS[number]) + 3)
            self.assertTrue(all(b"MAIL FROM:<smuggled@shop.example>" in one.content for one in found))
        self.assertEqual([one for one in self.house.sink.arrived if "smuggled" in str(one.recipients)], [])
        self.assertEqual([one for one in self.house.sink.arrived if "smuggled" in one.reverse_path], [])

    def smuggle(self, wire: Wire, number: int, false_end: bytes, cut: int) -> int:
        """One content with a false end and commands behind it; the cut at the end is octet by octet."""
        recipient = f"f{number}@y.example".encode()
        answer = wire.say(MAIL + b"RCPT TO:<" + recipient + b">\r\nDATA\r\n", 3)
        self.assertEqual(answer, SENDER_OK + RECIPIENT_OK + GO_ON)
        before, behind = HEAD + b"one", self.EVIL.removeprefix(b"\r\n")
        content = before + false_end + behind
        start, end = len(before), len(before + false_end)
        cuts = tuple(range(start, end + 1)) if cut > len(false_end) + 1 else (min(start + cut, end),)
        wire.segments(content, *cuts, pause=0.002)
        self.assertRegex(wire.say(b".\r\n"), QUEUED, false_end)
        return 1

    def wait(self, recipient: str, count: int) -> list[Delivered]:
        """All mails for a recipient."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = [one for one in self.house.sink.arrived if recipient in one.recipients]
            if len(found) >= count:
                break
            time.sleep(0.05)
        self.assertEqual(len(found), count)
        return found

    def test_true_end(self) -> None:
        """CRLF.CRLF ends it wherever it is cut; what stands behind is the next command, not content."""
        tail = b"\r\n.\r\nNOOP\r\n"
        with self.house.logged_in() as wire:
            for cut in range(len(tail)):
                wire.say(MAIL + RCPT + b"DATA\r\n", 3)
                wire.segments(HEAD + b"x" + tail, len(HEAD) + 1 + cut)
                self.assertRegex(wire.reply(), QUEUED)
                self.assertEqual(wire.reply(), OK)

    def test_normalised(self) -> None:
        """A bare LF or CR arrives as CRLF, a doubled dot as one."""
        with self.house.in_data(b"bare@y.example") as wire:
            self.assertRegex(wire.say(HEAD + b"a\nb\rc\n.\nd\r\n..e\r\n.\r\n"), QUEUED)
        body = self.house.arrived("bare@y.example").content.partition(b"\r\n\r\n")[2]
        self.assertEqual(body, b"a\r\nb\r\nc\r\n.\r\nd\r\n.e\r\n")

    def test_long_line(self) -> None:
        """A line of a megabyte and what follows it are content, to the final dot."""
        with self.house.in_data(b"long@y.example") as wire:
            wire.send(HEAD + b"x" * 1_000_000 + self.EVIL)
            self.assertRegex(wire.say(b".\r\n"), QUEUED)
            self.assertEqual(wire.say(b"NOOP\r\n"), OK)
        body = self.house.arrived("long@y.example").content.partition(b"\r\n\r\n")[2]
        self.assertEqual(body.replace(b"\r\n", b"").count(b"x"), 1_000_000 + self.EVIL.count(b"x"))
        self.assertIn(b"MAIL FROM:<smuggled@shop.example>", body)

    def test_large_pieces(self) -> None:
        """A content of megabytes with every kind of line end arrives as it was, its line ends whole."""
        lines = [b"%d " % number + b"y" * (number % 131) for number in range(40_000)]
        ends = (b"\r\n", b"\n", b"\r")
        content = b"".join(line + ends[number % 3] for number, line in enumerate(lines)) + b"end\r\n"
        with self.house.in_data(b"large@y.example") as wire:
            self.assertRegex(wire.say(HEAD + content + b".\r\n"), QUEUED)
        body = self.house.arrived("large@y.example").content.partition(b"\r\n\r\n")[2]
        self.assertEqual(body.split(b"\r\n"), [*lines, b"end", b""])


class NonsenseTests(HouseCase):
    """Early talkers, nonsense and violations."""

    def test_pipelining(self) -> None:
        """A group in one write is answered in order."""
        with self.house.logged_in() as wire:
            bounce = b"RCPT TO:<" + self.house.bounce() + b">\r\n"
            answers = wire.say(
                b"NOOP\r\n" + MAIL + bounce + b"BOGUS\r\n" + RCPT + bounce + b"VRFY x\r\nRSET\r\nDATA\r\n", 9
            )
            codes = [b"250", b"250", b"250", b"500", b"250", b"250", b"252", b"250", b"503"]
            self.assertEqual([line[:3] for line in answers.splitlines()], codes)

    def test_body_ahead(self) -> None:
        """A body in the same write as DATA is a violation: 503, the end, and nothing is stored."""
        before = self.house.messages()
        for body in (b"x", HEAD + b"x\r\n.\r\n", HEAD + b"x" * 300_000 + b"\r\n.\r\nQUIT\r\n"):
            with self.house.logged_in() as wire:
                try:
                    wire.send(MAIL + RCPT + b"DATA\r\n" + body)
                except ConnectionError:
                    pass
                answer = wire.rest()
                self.assertTrue(answer.startswith(SENDER_OK + RECIPIENT_OK + b"503 5.5.0 "), answer)
        with self.house.logged_in() as wire:
            wire.send(b"DATA\r\n" + MAIL + RCPT)
            self.closes(wire, b"503 5.5.0 ")
        self.assertEqual(self.house.messages(), before)

    def test_early_talker(self) -> None:
        """What is readable at accept is 554 and the end, whatever it is."""
        process = self.house.it.process
        assert process is not None
        for early in (b"EHLO x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0"):
            os.killpg(process.pid, signal.SIGSTOP)
            try:
                wire = Wire(self.house.it.smtp_port)
                wire.send(early)
            finally:
                os.killpg(process.pid, signal.SIGCONT)
            with wire:
                self.closes(wire, b"554 5.5.0 ")

    def test_http(self) -> None:
        """A request of HTTP is 554 and the end; its header and body are not looked at."""
        bodies = b"Host: localhost\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\n"
        for line in (b"GET / HTTP/1.1\r\n", b"POST /" + b"x" * 20_000 + b" HTTP/1.1\r\n", b"GET / HTTP/1.0\n"):
            with self.house.clear() as wire:
                wire.send(line + bodies)
                self.closes(wire, b"554 5.5.0 ")

    def test_commands(self) -> None:
        """Bad base64, an asterisk, 20 kB of AUTH, NUL and 8-bit are 501 or 500, and the session lives on."""
        with self.house.secure("127.0.2.4") as wire:
            for octets, count in (
                (b"AUTH PLAIN !!!!\r\n", 1),
                (b"AUTH PLAIN\r\n*\r\n", 2),
                (b"AUTH PLAIN\r\n\xff\xff\r\n", 2),
                (b"AUTH PLAIN " + b"A" * 20_000 + b"\r\n", 1),
                (b"AUTH LOGIN\r\n" + b"A" * 20_000 + b"\r\n", 2),
                (b"AUTH\r\n", 1),
                (b"NO\0OP\r\n", 1),
                (b"MAIL FROM:<\xff@x.example>\r\n", 1),
                (b"\xc3\xa9HLO x\r\n", 1),
                (b"NO\nOP\r\n", 2),
                (b"x" * 100_000 + b"\r\n", 1),
            ):
                answer = wire.say(octets, count).splitlines()[-1]
                self.assertIn(answer[:4], (b"500 ", b"501 "), octets[:20])
                self.assertRegex(answer, rb"\A50[01] 5\.[57]\.[0-9] ")
            self.assertTrue(wire.say(b"NOOP\r\n").endswith(OK))

    def test_unacceptable_contents(self) -> None:
        """Too large a header, too many hops, too deep a nesting."""
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(150))
        for content, begin in (
            (HEAD[:-2] + b"X: " + b"y" * 262_144 + b"\r\n\r\nx\r\n", b"552 5.3.4 "),
            (HEAD[:-2] + b"X: y\r\n" * 50_000 + b"\r\nx\r\n", b"552 5.3.4 "),
            (b"Received: x\r\n" * 51 + HEAD + b"x\r\n", b"554 5.4.6 "),
            (b"From: a@shop.example\r\n" + deep, b"554 5.6.0 "),
        ):
            with self.house.in_data() as wire:
                self.assertEqual(wire.say(content + b".\r\n")[:10], begin)
                self.assertEqual(wire.say(MAIL), SENDER_OK)
        with self.house.in_data(b"hops@y.example") as wire:
            self.assertRegex(wire.say(b"Received: x\r\n" * 50 + HEAD + b"x\r\n.\r\n"), QUEUED)

    def test_plain_client_of_the_tls_port(self) -> None:
        """Who speaks in clear to the port of implicit TLS gets no SMTP, and harms nothing."""
        with Wire(self.house.it.tls_port) as wire:
            wire.send(EHLO)
            self.assertNotRegex(wire.rest(), rb"\A[2345]\d\d")


class PatienceTests(HouseCase):
    """Where the patience ends."""

    WRONG = b"AUTH PLAIN " + plain("nobody", "wrong") + b"\r\n"

    def test_failed_logins(self) -> None:
        """The fifth failed login of a session is 421 4.7.0 and the end."""
        with self.house.secure("127.0.4.1") as wire:
            for _ in range(4):
                self.assertEqual(wire.say(self.WRONG)[:10], b"535 5.7.8 ")
            wire.send(self.WRONG)
            self.closes(wire, b"421 4.7.0 ")

    def test_failures_of_an_address(self) -> None:
        """After many failures from an address nobody logs in from there; from another a right password works."""
        for _ in range(8):
            with self.house.secure("127.0.4.2") as wire:
                wire.send(self.WRONG * 5)
                wire.rest()
        with self.house.secure("127.0.4.2") as wire:
            wire.send(b"AUTH PLAIN " + self.house.token + b"\r\n")
            self.closes(wire, b"421 4.7.0 ")
        self.house.logged_in("127.0.4.3").link.close()

    def test_errors(self) -> None:
        """The twentieth error is 421 4.7.0 and the end."""
        with self.house.clear() as wire:
            answers = wire.say(b"BOGUS\r\n" * 19, 19)
            self.assertEqual(answers.count(b"500 5.5.1"), 19)
            wire.send(b"BOGUS\r\n")
            self.closes(wire, b"421 4.7.0 ")

    def test_junk(self) -> None:
        """The hundredth command that brings no mail is 421 4.7.0 and the end."""
        with self.house.clear() as wire:
            self.assertEqual(wire.say(b"NOOP\r\nRSET\r\nVRFY x\r\n" * 33, 99).count(b"\r\n"), 99)
            wire.send(b"NOOP\r\n")
            self.closes(wire, b"421 4.7.0 ")

    def test_mail_restores_it(self) -> None:
        """An accepted message makes good for junk: a client that resets each time may send for ever."""
        with self.house.logged_in() as wire:
            for _ in range(3):
                wire.say(b"RSET\r\n" * 60 + MAIL + RCPT + b"DATA\r\n", 63)
                self.assertRegex(wire.say(HEAD + b"x\r\n.\r\n"), QUEUED)


class HangUpTests(HouseCase):
    """Clients that go away."""

    def test_any_moment(self) -> None:
        """A client that goes at any moment, with FIN or RST, harms nobody; nothing is accepted before its final dot."""
        stream = EHLO + b"STARTTLS\r\n"
        for at in range(0, len(stream) + 1, 3):
            for is_reset in (False, True):
                wire = Wire(self.house.it.smtp_port)
                wire.send(stream[:at])
                wire.reset() if is_reset else wire.link.close()
        before = self.house.messages()
        content = HEAD + b"hang up\r\n.\r\n"
        for at in range(0, len(content) - 1, 4):
            wire = self.house.in_data(b"hang@y.example")
            wire.send(content[:at])
            wire.link.close()
        time.sleep(0.3)
        self.assertEqual(self.house.messages(), before)

    def test_after_the_end(self) -> None:
        """A client that goes right after the final dot has its mail accepted once: it is stored and delivered."""
        for number in range(10):
            wire = self.house.in_data(f"dot{number}@y.example".encode())
            wire.send(HEAD + b"x\r\n.\r\n")
            wire.link.close()
        for number in range(10):
            self.house.arrived(f"dot{number}@y.example")
        # Nothing waits for the connections that are gone, and complains later.
        time.sleep(11)


class LogTests(HouseCase):
    """What the log must not know."""

    def test_no_secrets(self) -> None:
        """The log has no password, no AUTH line, no content, whether logins succeed or fail or are malformed."""
        username, password = self.house.username, self.house.password
        secret = "correct horse battery staple"
        with self.house.secure("127.0.5.1") as wire:
            for token in (plain(username, secret), plain(secret, secret)):
                wire.say(b"AUTH PLAIN " + token + b"\r\n")
            wire.say(
                b"AUTH LOGIN\r\n" + b64encode(username.encode()) + b"\r\n" + b64encode(secret.encode()) + b"\r\n", 3
            )
            wire.say(b"AUTH PLAIN " + b64encode(secret.encode()) + b"\r\n")
            wire.say(secret.encode() + b"\r\n")
        with self.house.in_data(b"secret@y.example") as wire:
            wire.say(HEAD + secret.encode() + b"\r\n.\r\n")
        self.house.arrived("secret@y.example")
        log = self.house.it.log.read_text()
        self.assertIn("login failed from 127.0.5.1", log)
        spellings = {secret, password, password.replace(" ", "")}
        spellings |= {b64encode(spelling.encode()).decode() for spelling in spellings}
        spellings |= {token.decode() for token in (self.house.token, plain(username, secret), plain(secret, secret))}
        for spelling in (*spellings, "AUTH ", "DATA"):
            self.assertNotIn(spelling, log)


class SmallTests(HouseCase):
    """With small limits."""

    @override
    def make(self) -> House:
        return small_house()

    def test_size(self) -> None:
        """Too large is 552 at MAIL when declared, after the final dot when not; what fits to the octet is taken."""
        with self.house.logged_in() as wire:
            self.assertEqual(wire.say(b"MAIL FROM:<a@shop.example> SIZE=20001\r\n")[:10], b"552 5.3.4 ")
            self.assertEqual(wire.say(b"MAIL FROM:<a@shop.example> SIZE=20000\r\nRSET\r\n", 2), SENDER_OK + OK)
            for size, answer in ((20_000, b"250 2.0.0 "), (20_001, b"552 5.3.4 "), (50_000, b"552 5.3.4 ")):
                wire.say(MAIL + RCPT + b"DATA\r\n", 3)
                line = b".." + b"x" * 97 + b"\r\n"
                stuffed = HEAD + line * ((size - len(HEAD)) // 100)
                short = size - len(stuffed) + stuffed.count(b"\n..")
                self.assertEqual(wire.say(stuffed + b"y" * (short - 2) + b"\r\n.\r\n")[:10], answer)

    def test_never_buffered(self) -> None:
        """A message far over the limit costs no memory: it is swallowed to its final dot."""
        process = self.house.it.process
        assert process is not None
        with self.house.in_data() as wire:
            before = memory_kilobytes(process.pid)
            for _ in range(150):
                wire.send(b"QUIT\r\n" + b"x" * 1_000_000)
            self.assertLess(memory_kilobytes(process.pid) - before, 30_000)
            self.assertEqual(wire.say(b"\r\n.\r\n")[:10], b"552 5.3.4 ")
            self.assertEqual(wire.say(MAIL), SENDER_OK)

    def test_recipients(self) -> None:
        """One recipient too many is 452 4.5.3; the others still get their mail."""
        with self.house.logged_in() as wire:
            group = b"".join(b"RCPT TO:<m%d@y.example>\r\n" % number for number in range(5))
            answers = wire.say(MAIL + group + b"DATA\r\n", 7).splitlines()
            self.assertEqual([line[:9] for line in answers[1:6]], [b"250 2.1.5"] * 3 + [b"452 4.5.3"] * 2)
            self.assertRegex(wire.say(HEAD + b"x\r\n.\r\n"), rb"\(3 recipients\)")
        for number in range(3):
            self.house.arrived(f"m{number}@y.example")

    def test_bare_newlines(self) -> None:
        """With the setting "reject" a bare newline is 550 after the final dot, and the session lives on."""
        with self.house.logged_in() as wire:
            for body, answer in ((b"a\nb\r\n", b"550 5.6.0 "), (b"a\rb\r\n", b"550 5.6.0 "), (b"a\r\n", b"250 2.0.0 ")):
                wire.say(MAIL + RCPT + b"DATA\r\n", 3)
                self.assertEqual(wire.say(HEAD + body + b".\r\n")[:10], answer)

    def test_greeting_delay(self) -> None:
        """The greeting waits; who speaks before it is turned away."""
        with Wire(self.house.it.smtp_port) as polite, Wire(self.house.it.smtp_port) as rude:
            rude.send(b"EHLO x\r\n")
            self.closes(rude, b"554 5.5.0 ")
            began = time.monotonic()
            self.assertEqual(polite.reply()[:4], b"220 ")
            self.assertLess(time.monotonic() - began, 5)

    def test_connections_of_an_address(self) -> None:
        """
        One connection too many from an address is 421 4.3.2, inside TLS on that port; another address is let in, and so
        is who waits.
        """
        wires = [self.house.clear("127.0.6.1") for _ in range(3)]
        with Wire(self.house.it.smtp_port, "127.0.6.1") as late:
            self.closes(late, b"421 4.3.2 ")
        with Wire(self.house.it.tls_port, "127.0.6.1", self.house.it.certificate, is_tls=True) as late:
            self.closes(late, b"421 4.3.2 ")
        self.house.clear("127.0.6.2").link.close()
        wires.pop().link.close()
        time.sleep(0.2)
        wires.append(self.house.clear("127.0.6.1"))
        for wire in wires:
            wire.link.close()
        time.sleep(0.2)

    def test_connections_of_all(self) -> None:
        """One connection too many of all is 421 4.3.2."""
        wires = [self.house.clear(f"127.0.7.{number}") for number in range(5)]
        with Wire(self.house.it.smtp_port, "127.0.7.9") as late:
            self.closes(late, b"421 4.3.2 ")
        for wire in wires:
            wire.link.close()
        time.sleep(0.2)


class ShutdownTests(SynchronousTestCase):
    """SIGTERM while sessions are open."""

    def test_shutdown(self) -> None:
        """Idle sessions hear 421 4.3.2; a content in flight is finished; what was acknowledged is there afterwards."""
        own = House()
        self.addCleanup(own.close)
        assert own.it.process is not None
        own.sink.answer_rcpt = lambda address: "450 4.2.0 later"
        idle, begun, flying = own.clear(), own.logged_in(), own.in_data(b"flying@y.example")
        begun.say(MAIL + RCPT, 2)
        flying.send(HEAD + b"half")
        time.sleep(0.2)
        own.it.process.terminate()
        for wire in (idle, begun):
            self.assertEqual(wire.rest()[:10], b"421 4.3.2 ")
        answer = flying.say(b"\r\n.\r\n")
        self.assertRegex(answer, QUEUED)
        self.assertEqual(flying.rest()[:10], b"421 4.3.2 ")
        # The clients do not close: that holds nothing up.
        own.it.process.wait(6)
        for wire in (idle, begun, flying):
            wire.link.close()
        self.assertNotIn("Traceback", own.it.log.read_text())
        shown = str(own.it.cli("message", "show", answer.split()[5].decode()))
        self.assertIn("flying@y.example", shown)
        own.sink.answer_rcpt = None
        own.it.start()
        own.it.cli("queue", "retry", "--all")
        self.assertIn(b"half", own.arrived("flying@y.example").content)

    def test_unfinished(self) -> None:
        """A content that does not end in time is broken off with 421, and is not accepted."""
        own = House()
        self.addCleanup(own.close)
        with own.in_data() as wire:
            wire.send(HEAD + b"half")
            before = own.messages()
            own.it.stop()
            self.assertEqual(wire.rest()[:10], b"421 4.3.2 ")
            self.assertEqual(own.messages(), before)


def memory_kilobytes(pid: int) -> int:
    """What a process and its children have in memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])
