"""What the server must survive: too many recipients, errors and failed logins."""

from base64 import b64encode

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.intake import Refused
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.smtpd.settings import Patience
from tests.smtpd.support import BOUNCE, PLAIN, SETTINGS, Site

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"
WRONG = b"AUTH PLAIN " + b64encode(b"\0sender\0wrong") + b"\r\n"
GO_ON = b"354 End data with <CR><LF>.<CR><LF>\r\n"


class Recipients(SynchronousTestCase):
    def test_too_many(self) -> None:
        """Over the limit every RCPT is 452 4.5.3, the session lives on, and the accepted ones get their mail."""
        site = Site(settings=evolve(SETTINGS, max_recipients=10))
        client = site.logged_in()
        answer = client.say(MAIL + RCPT * 60 + b"DATA\r\n")
        codes = [line[:9] for line in answer.splitlines()]
        self.assertEqual(codes[1:], [b"250 2.1.5"] * 10 + [b"452 4.5.3"] * 50 + [GO_ON[:9]])
        self.assertTrue(client.say(b"x\r\n.\r\n").endswith(b"(10 recipients)\r\n"))
        self.assertEqual(len(site.intake.drafts[0].recipients), 10)

    def test_too_many_returns(self) -> None:
        """The limit holds for who has not logged in too: what comes back has so many recipients and no more."""
        site = Site(settings=evolve(SETTINGS, max_recipients=10))
        client = site.ready()
        answer = client.say(b"MAIL FROM:<>\r\n" + b"RCPT TO:<%b>\r\n" % BOUNCE.encode() * 60 + b"DATA\r\n")
        codes = [line[:9] for line in answer.splitlines()]
        self.assertEqual(codes[1:], [b"250 2.1.5"] * 10 + [b"452 4.5.3"] * 50 + [GO_ON[:9]])
        self.assertEqual(len(site.intake.asked), 10)
        self.assertTrue(client.say(b"x\r\n.\r\n").endswith(b"(10 recipients)\r\n"))
        self.assertEqual(len(site.intake.returns[0][0]), 10)

    def test_both_kinds(self) -> None:
        """Returns and ordinary recipients of one message count together."""
        site = Site(settings=evolve(SETTINGS, max_recipients=4))
        answer = site.logged_in().say(MAIL + (RCPT + b"RCPT TO:<%b>\r\n" % BOUNCE.encode()) * 3)
        self.assertEqual((answer.count(b"250 2.1.5"), answer.count(b"452 4.5.3")), (4, 2))

    def test_default(self) -> None:
        """A thousand are taken by default."""
        answer = Site().logged_in().say(MAIL + RCPT * 1001)
        self.assertEqual((answer.count(b"250 2.1.5"), answer.count(b"452 4.5.3")), (1000, 1))

    def test_bad_ones(self) -> None:
        """Mistyped recipients of a sender do not end the session: the others get their mail."""
        client = Site().logged_in()
        answer = client.say(MAIL + b"RCPT TO:<nobody>\r\n" * 30 + RCPT + b"DATA\r\n")
        self.assertEqual((answer.count(b"553 5.1.3"), answer[-len(GO_ON) :]), (30, GO_ON))


class PatienceEnds(SynchronousTestCase):
    def test_logins(self) -> None:
        """The fifth failed login in a session is 421 4.7.0 and close."""
        client = Site().ready(is_encrypted=True)
        for _ in range(4):
            self.assertEqual(client.say(WRONG)[:9], b"535 5.7.8")
        self.assertEqual((client.say(WRONG)[:9], client.is_closed), (b"421 4.7.0", True))

    def test_errors(self) -> None:
        """The twentieth error is 421 4.7.0 and close, whatever the errors were."""
        errors = [b"BOGUS\r\n", b"MAIL x\r\n", b"RCPT TO:<a@b.example>\r\n", b"\0\r\n", b"AUTH PLAIN\r\n"]
        client = Site().ready()
        for at in range(19):
            self.assertEqual(client.say(errors[at % len(errors)])[:1], b"5")
        self.assertEqual((client.say(b"BOGUS\r\n")[:9], client.is_closed), (b"421 4.7.0", True))

    def test_relay_probes(self) -> None:
        """Refused recipients of who has not logged in are errors."""
        client = Site().ready()
        answer = client.say(b"MAIL FROM:<>\r\n" + RCPT * 30)
        self.assertEqual((answer.count(b"530 5.7.0"), answer.count(b"421 4.7.0")), (19, 1))

    def test_errors_of_a_sender(self) -> None:
        """Who has logged in has no more patience to expect for nonsense."""
        client = Site().logged_in()
        self.assertEqual(client.say(b"BOGUS\r\n" * 30).splitlines()[-1][:9], b"421 4.7.0")
        client = Site().logged_in()
        self.assertEqual(client.say(b"\0\r\n" * 30).splitlines()[-1][:9], b"421 4.7.0")

    def test_junk(self) -> None:
        """The hundredth command that brings no mail nearer is 421 4.7.0 and close."""
        for command in (b"NOOP", b"RSET", b"VRFY x", b"HELP", b"EHLO x", b"HELO x"):
            client = Site().ready()
            answer = client.say((command + b"\r\n") * 99)
            self.assertFalse(client.is_closed, command)
            self.assertNotIn(b"421", answer)
            self.assertEqual((client.say(command + b"\r\n")[:9], client.is_closed), (b"421 4.7.0", True))

    def test_mail_makes_good(self) -> None:
        """After an accepted message, errors and junk are counted anew: a long session with RSETs goes on."""
        client = Site().logged_in()
        for _ in range(8):
            client.say(b"RSET\r\n" * 60 + b"BOGUS\r\n" * 15 + MAIL + RCPT + b"DATA\r\n")
            self.assertEqual(client.say(b"x\r\n.\r\n")[:9], b"250 2.0.0")

    def test_guessing_is_not_forgiven(self) -> None:
        """Mail makes good for no failed login: who brings a bounce between guesses still has five of them."""
        client = Site().ready(is_encrypted=True)
        bounce = b"MAIL FROM:<>\r\nRCPT TO:<%b>\r\nDATA\r\n" % BOUNCE.encode()
        for _ in range(4):
            self.assertEqual(client.say(WRONG)[:9], b"535 5.7.8")
            client.say(bounce)
            self.assertEqual(client.say(b"x\r\n.\r\n")[:9], b"250 2.0.0")
        self.assertEqual((client.say(WRONG)[:9], client.is_closed), (b"421 4.7.0", True))

    def test_mail_that_is_not_taken(self) -> None:
        """A message that cannot be stored makes good for nothing."""
        site = Site()
        client = site.logged_in()
        site.intake.failure = StorageBusy()
        for _ in range(2):
            client.say(b"BOGUS\r\n" * 9 + b"NOOP\r\n" * 40 + MAIL + RCPT + b"DATA\r\n")
            self.assertEqual(client.say(b"x\r\n.\r\n")[:9], b"451 4.3.0")
        self.assertFalse(client.is_closed)
        self.assertEqual(client.say(b"BOGUS\r\n" * 2).splitlines()[-1][:9], b"421 4.7.0")

    def test_refused_returns(self) -> None:
        """Messages of who has not logged in that are refused for good are errors, those of a sender are not."""
        for is_sender in (False, True):
            site = Site()
            site.intake.failure = site.intake.return_failure = Refused(554, "5.6.0", "No.")
            client = site.logged_in() if is_sender else site.ready()
            codes = []
            for _ in range(25):
                if client.is_closed:
                    break
                client.say(MAIL + (RCPT if is_sender else b"RCPT TO:<%b>\r\n" % BOUNCE.encode()) + b"DATA\r\n")
                codes.append(client.say(b"x\r\n.\r\n")[:9])
            expected = [b"554 5.6.0"] * 25 if is_sender else [b"554 5.6.0"] * 19 + [b"421 4.7.0"]
            self.assertEqual(codes, expected)

    def test_many_failures_from_one_address(self) -> None:
        """Many failures from one address block it for a while; a right password from another still works."""
        site = Site(settings=evolve(SETTINGS, patience=Patience(address_failures=8, address_seconds=600)))
        for _ in range(8):
            site.ready(is_encrypted=True).say(WRONG)
        asked = len(site.directory.asked)
        client = site.ready(is_encrypted=True)
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"421 4.7.0")
        self.assertTrue(client.is_closed)
        self.assertEqual(len(site.directory.asked), asked)
        site.logged_in(host="198.51.100.7")
        site.clock.advance(600)
        site.logged_in()

    def test_failures_from_many_addresses(self) -> None:
        """Failures count for the address that they come from: many addresses with a few each block nobody."""
        site = Site(settings=evolve(SETTINGS, patience=Patience(address_failures=3, address_seconds=600)))
        hosts = [f"192.0.2.{number}" for number in range(1, 20)]
        for host in hosts * 2:
            site.ready(is_encrypted=True, host=host).say(WRONG)
        for host in (*hosts, "198.51.100.7"):
            site.logged_in(host=host).hang_up()

    def test_failures_in_several_sessions(self) -> None:
        """Failures in sessions of one address count together, those before and after a right password too."""
        site = Site(settings=evolve(SETTINGS, patience=Patience(address_failures=4)))
        for number in range(1, 5):
            site.logged_in(host="2001:db8::ffff").hang_up()
            site.ready(is_encrypted=True, host=f"2001:db8::{number}").say(WRONG)
        client = site.ready(is_encrypted=True, host="2001:db8::5")
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"421 4.7.0")
        site.logged_in(host="2001:db8:0:1::5")
