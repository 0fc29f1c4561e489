"""Who may send what from where."""

from base64 import b64encode

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.boundaries.accounts import LoginDirectory
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.model.account import Login, Standing
from smtpeter.model.message import Trace
from smtpeter.model.options import Features
from smtpeter.smtpd.clerk import LOGIN_SECONDS
from smtpeter.smtpd.dialogue import MAX_HELO
from tests.smtpd.support import BOUNCE, PASSWORD, PLAIN, Site, make_login

NEEDS_TLS = b"530 5.7.0 Must issue a STARTTLS command first\r\n"
NEEDS_LOGIN = b"530 5.7.0 Authentication required\r\n"
WRONG = b"535 5.7.8 User name or password is wrong\r\n"
RETURN = BOUNCE.encode()


def encode(text: str) -> bytes:
    return b64encode(text.encode())


@define(eq=False)
class RememberingDirectory:
    """Knows for three seconds what it was told last, as the stored directory does."""

    _directory: LoginDirectory
    _clock: IReactorTime
    _known: dict[str, tuple[float, Login | None]] = field(factory=dict)

    async def find_login(self, username: str) -> Login | None:
        """Of now, or of up to three seconds ago."""
        at, login = self._known.get(username, (-10.0, None))
        if self._clock.seconds() - at >= 3:
            login = await self._directory.find_login(username)
            self._known[username] = (self._clock.seconds(), login)
        return login


class Relaying(SynchronousTestCase):
    def test_in_clear(self) -> None:
        """Without TLS nothing is relayed: MAIL is accepted, RCPT is not, DATA has no recipient."""
        site = Site()
        client = site.ready()
        answer = client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n")
        self.assertEqual(answer, b"250 2.1.0 Ok\r\n" + NEEDS_TLS + b"503 5.5.1 No recipient was accepted\r\n")

    def test_in_tls(self) -> None:
        """In TLS nothing is relayed without AUTH."""
        client = Site().ready(is_encrypted=True)
        answer = client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n")
        self.assertEqual(answer, b"250 2.1.0 Ok\r\n" + NEEDS_LOGIN + b"503 5.5.1 No recipient was accepted\r\n")

    def test_after_starttls(self) -> None:
        """STARTTLS, EHLO and AUTH are the way to relay."""
        site = Site()
        client = site.ready()
        client.start_tls()
        answer = client.say(b"EHLO client.example\r\n")
        self.assertIn(b"AUTH PLAIN LOGIN", answer)
        client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")
        client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@example.org>\r\nDATA\r\n")
        self.assertEqual(client.say(b"\r\nHi\r\n.\r\n"), b"250 2.0.0 Ok: queued as id000000000000000001\r\n")

    def test_a_draft_says_everything(self) -> None:
        """Intake gets account, login, features, envelope and trace."""
        site = Site()
        client = site.logged_in()
        client.say(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<you@Example.ORG>\r\nDATA\r\n")
        client.say(b"Subject: x\r\n\r\n..Hi\r\n.\r\n")
        [draft] = site.intake.drafts
        self.assertEqual((draft.account_id, draft.login_id, draft.features), (3, 7, Features(trackclicks=True)))
        self.assertEqual((draft.reverse_path, draft.recipients[0].address), ("me@example.com", "you@example.org"))
        self.assertEqual(draft.content, b"Subject: x\r\n\r\n.Hi\r\n")
        tls = "TLSv1.3 TLS_AES_256_GCM_SHA384"
        self.assertEqual(draft.trace, Trace(protocol="ESMTPSA", helo="client.example", peer="192.0.2.1", tls=tls))

    def test_keywords_of_the_trace(self) -> None:
        """The trace tells of TLS, of HELO and of SMTPUTF8 (RFC 3848, RFC 6531)."""
        site = Site()
        for is_encrypted, helo, parameter, keyword in (
            (False, b"EHLO", b"", "ESMTP"),
            (True, b"EHLO", b"", "ESMTPS"),
            (True, b"EHLO", b" SMTPUTF8", "UTF8SMTPS"),
            (False, b"HELO", b"", "SMTP"),
            (True, b"HELO", b"", "SMTP"),
        ):
            client = site.greeted(is_encrypted)
            client.say(helo + b" x\r\nMAIL FROM:<>" + parameter + b"\r\nRCPT TO:<" + RETURN + b">\r\nDATA\r\n")
            self.assertTrue(client.say(b"x\r\n.\r\n").startswith(b"250"))
            self.assertEqual(site.intake.returns[-1][3].protocol, keyword)

    def test_long_name(self) -> None:
        """Of what a client calls itself so much is kept as a host name may have."""
        site = Site()
        client = site.greeted()
        client.say(b"EHLO " + b"x" * 3000 + b"\r\nMAIL FROM:<>\r\nRCPT TO:<" + RETURN + b">\r\nDATA\r\n")
        client.say(b"x\r\n.\r\n")
        self.assertEqual(site.intake.returns[0][3].helo, "x" * MAX_HELO)

    def test_sender_path(self) -> None:
        """The reverse-path of who has logged in must be an address that can be sent to."""
        client = Site().logged_in()
        for path in (b"dots..@docomo.example", b"x" * 90 + b"@long.example"):
            self.assertEqual(client.say(b"MAIL FROM:<" + path + b">\r\n")[:9], b"553 5.1.7")


class Authentication(SynchronousTestCase):
    def test_not_in_clear(self) -> None:
        """Before TLS, AUTH is neither advertised nor evaluated, however it is written."""
        site = Site()
        client = site.greeted()
        self.assertNotIn(b"AUTH", client.say(b"EHLO x\r\n"))
        for command in (b"AUTH PLAIN " + PLAIN, b"AUTH LOGIN", b"AUTH", b"auth nonsense !"):
            self.assertTrue(client.say(command + b"\r\n").startswith(b"538 5.7.11 "))
        self.assertEqual(site.directory.asked, [])

    def test_plain(self) -> None:
        """PLAIN works with and without initial response."""
        client = Site().ready(is_encrypted=True)
        self.assertEqual(client.say(b"auth plain\r\n"), b"334 \r\n")
        self.assertEqual(client.say(PLAIN + b"\r\n"), b"235 2.7.0 Authentication successful\r\n")

    def test_login(self) -> None:
        """LOGIN works with and without initial response."""
        for command in (b"AUTH LOGIN\r\n" + encode("sender") + b"\r\n", b"AUTH LOGIN " + encode("sender") + b"\r\n"):
            client = Site().ready(is_encrypted=True)
            self.assertTrue(client.say(command).endswith(b"334 UGFzc3dvcmQ6\r\n"))
            self.assertEqual(client.say(encode(PASSWORD) + b"\r\n")[:9], b"235 2.7.0")

    def test_empty_initial_response(self) -> None:
        """An equals sign is an empty initial response, no bad base64; none of the mechanisms takes it."""
        client = Site().ready(is_encrypted=True)
        for mechanism in (b"PLAIN", b"LOGIN"):
            answer = client.say(b"AUTH " + mechanism + b" =\r\n")
            self.assertEqual(answer, b"501 5.5.2 The response does not have the form of the mechanism\r\n")

    def test_long_initial_response(self) -> None:
        """An initial response may be longer than any other command: it is looked at."""
        client = Site().ready(is_encrypted=True)
        response = encode("\0sender\0" + "x" * 7000)
        self.assertEqual(client.say(b"AUTH PLAIN " + response + b"\r\n"), WRONG)

    def test_login_prompt(self) -> None:
        """LOGIN asks for the user name in the words that clients compare."""
        self.assertEqual(Site().ready(is_encrypted=True).say(b"AUTH LOGIN\r\n"), b"334 VXNlcm5hbWU6\r\n")

    def test_spaces_count(self) -> None:
        """The password without its spaces is wrong."""
        client = Site().ready(is_encrypted=True)
        response = encode("\0sender\0" + PASSWORD.replace(" ", ""))
        self.assertEqual(client.say(b"AUTH PLAIN " + response + b"\r\n"), WRONG)

    def test_unknown_user(self) -> None:
        """An unknown user name is answered like a wrong password."""
        client = Site().ready(is_encrypted=True)
        for text in ("\0nobody\0" + PASSWORD, "\0sender\0wrong", "\0sender\0"):
            self.assertEqual(client.say(b"AUTH PLAIN " + encode(text) + b"\r\n"), WRONG)

    def test_other_identity(self) -> None:
        """PLAIN with an authzid that differs from the authcid is refused, with an equal one it is not."""
        client = Site().ready(is_encrypted=True)
        self.assertEqual(client.say(b"AUTH PLAIN " + encode("admin\0sender\0" + PASSWORD) + b"\r\n"), WRONG)
        answer = client.say(b"AUTH PLAIN " + encode("sender\0sender\0" + PASSWORD) + b"\r\n")
        self.assertEqual(answer[:9], b"235 2.7.0")

    def test_unknown_mechanism(self) -> None:
        """Other mechanisms are 504, AUTH without any is 501."""
        client = Site().ready(is_encrypted=True)
        self.assertEqual(client.say(b"AUTH CRAM-MD5\r\n")[:9], b"504 5.5.4")
        self.assertEqual(client.say(b"AUTH\r\n")[:9], b"501 5.5.4")

    def test_twice(self) -> None:
        """A second AUTH is 503, and so is one within a transaction."""
        client = Site().logged_in()
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n"), b"503 5.5.1 Already authenticated\r\n")
        client = Site().ready(is_encrypted=True)
        answer = client.say(b"MAIL FROM:<a@example.com>\r\nAUTH PLAIN " + PLAIN + b"\r\n")
        self.assertEqual(answer.splitlines()[1][:9], b"503 5.5.1")

    def test_ehlo_after_tls(self) -> None:
        """A login does not stand for the EHLO that TLS asks for anew: MAIL is 503 until it comes."""
        client = Site().ready()
        client.start_tls()
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"235 2.7.0")
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example>\r\n"), b"503 5.5.1 Send EHLO first\r\n")
        client.say(b"EHLO x\r\n")
        self.assertEqual(client.say(b"MAIL FROM:<a@b.example>\r\n")[:9], b"250 2.1.0")

    def test_another_ehlo(self) -> None:
        """Another EHLO after AUTH resets the transaction and leaves the login."""
        client = Site().logged_in()
        answer = client.say(
            b"MAIL FROM:<a@b.example>\r\nEHLO again\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
        )
        self.assertTrue(answer.endswith(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"))

    def test_storage_busy(self) -> None:
        """When logins cannot be read, AUTH fails for now, and it is no failed login."""
        site = Site()
        site.directory.is_busy = True
        client = site.ready(is_encrypted=True)
        for _ in range(7):
            self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"454 4.7.0")
        site.directory.is_busy = False
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"235 2.7.0")

    def test_fault_of_ours(self) -> None:
        """A fault in the directory is logged, and is 421 to the client."""
        site = Site()
        site.directory.logins["sender"] = evolve(make_login(), secret=None)  # type: ignore[arg-type]
        client = site.ready(is_encrypted=True)
        self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"421 4.3.0")
        self.assertTrue(client.is_closed)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)


class Permission(SynchronousTestCase):
    TEXT = b"550 5.7.1 You do not have permission to send email, please contact postmaster@example.com\r\n"

    def test_pending_and_suspended(self) -> None:
        """An account that may not send can log in, and then hears whom to ask."""
        for standing in (Standing.PENDING, Standing.SUSPENDED):
            site = Site()
            site.directory.put(make_login(standing))
            client = site.logged_in()
            self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n"), self.TEXT)

    def test_suspended_in_session(self) -> None:
        """Who is suspended during a session may not send any more within seconds, and again once resumed."""
        site = Site(wrap_directory=RememberingDirectory)
        client = site.logged_in()
        site.directory.put(make_login(Standing.SUSPENDED))
        site.clock.advance(LOGIN_SECONDS)
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n"), self.TEXT)
        site.directory.put(make_login())
        site.clock.advance(LOGIN_SECONDS)
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n"), b"250 2.1.0 Ok\r\n")

    def test_removed_in_session(self) -> None:
        """A login that is removed during a session is none any more within seconds."""
        site = Site()
        client = site.logged_in()
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\nRSET\r\n"), b"250 2.1.0 Ok\r\n250 2.0.0 Ok\r\n")
        site.directory.logins.clear()
        site.clock.advance(LOGIN_SECONDS)
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n"), NEEDS_LOGIN)

    def test_not_read_for_every_message(self) -> None:
        """A login is read again once in a while, not for every message."""
        site = Site()
        client = site.logged_in()
        site.clock.advance(LOGIN_SECONDS)
        asked = len(site.directory.asked)
        for _ in range(5):
            client.say(b"MAIL FROM:<me@example.com>\r\nRSET\r\n")
        self.assertEqual(len(site.directory.asked), asked + 1)
        site.clock.advance(LOGIN_SECONDS)
        client.say(b"MAIL FROM:<me@example.com>\r\nRSET\r\n" * 5)
        self.assertEqual(len(site.directory.asked), asked + 2)

    def test_storage_busy_in_session(self) -> None:
        """When the login cannot be read again, MAIL fails for now."""
        site = Site()
        client = site.logged_in()
        site.directory.is_busy = True
        site.clock.advance(LOGIN_SECONDS)
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n")[:4], b"454 ")
        site.directory.is_busy = False
        self.assertEqual(client.say(b"MAIL FROM:<me@example.com>\r\n"), b"250 2.1.0 Ok\r\n")


class Returns(SynchronousTestCase):
    def test_without_login(self) -> None:
        """In clear and in TLS, mail for a return address of ours is taken without AUTH."""
        for is_encrypted in (False, True):
            site = Site()
            client = site.ready(is_encrypted)
            answer = client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + RETURN + b">\r\nDATA\r\n")
            self.assertEqual(answer[:28], b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n")
            self.assertEqual(client.say(b"x\r\n.\r\n"), b"250 2.0.0 Ok: queued as id000000000000000001\r\n")
            [(addresses, reverse_path, content, _)] = site.intake.returns
            self.assertEqual((addresses[0].message_id, reverse_path, content), ("message1", "", b"x\r\n"))
            self.assertEqual(site.intake.drafts, [])

    def test_any_reverse_path(self) -> None:
        """The reverse-path of what comes back may be any."""
        client = Site().ready()
        for path in (b"", b"a@b.example", b"dots..@docomo.example", b"x" * 90 + b"@long.example"):
            self.assertEqual(client.say(b"MAIL FROM:<" + path + b">\r\nRSET\r\n")[:9], b"250 2.1.0")

    def test_role_addresses(self) -> None:
        """Role addresses of served domains are taken; those of others are not."""
        site = Site()
        site.intake.welcome("abuse@served.example", None)
        answer = site.ready().say(
            b"MAIL FROM:<>\r\nRCPT TO:<abuse@served.example>\r\nRCPT TO:<abuse@other.example>\r\n"
        )
        self.assertEqual(answer, b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" + NEEDS_TLS)

    def test_postmaster(self) -> None:
        """Postmaster without a domain is ours."""
        site = Site()
        site.intake.welcome("Postmaster@mail.example.com", None)
        self.assertEqual(site.ready().say(b"MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n")[-14:], b"250 2.1.5 Ok\r\n")

    def test_busy(self) -> None:
        """When it cannot be told whether an address is ours, the client is to try again."""
        site = Site()
        site.intake.lookup_failure = StorageBusy()
        answer = site.ready().say(b"MAIL FROM:<>\r\nRCPT TO:<" + RETURN + b">\r\n")
        self.assertEqual(answer.splitlines()[1][:9], b"451 4.3.0")

    def test_of_a_smart_host_client(self) -> None:
        """A return from somebody who has logged in is a return: it is not relayed, and the From check never sees it."""
        site = Site()
        client = site.logged_in()
        client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + RETURN + b">\r\nDATA\r\n")
        self.assertEqual(client.say(b"x\r\n.\r\n")[:9], b"250 2.0.0")
        self.assertEqual((len(site.intake.returns), site.intake.drafts), (1, []))

    def test_role_address_with_login(self) -> None:
        """Who has logged in writes to a postmaster like to anybody: that mail is relayed."""
        site = Site(may_be_return=lambda address: True)
        site.intake.welcome("postmaster@served.example", None)
        client = site.logged_in()
        client.say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<postmaster@served.example>\r\nDATA\r\n")
        client.say(b"x\r\n.\r\n")
        self.assertEqual((site.intake.returns, len(site.intake.drafts)), ([], 1))

    def test_senders_ask_only_when_it_may_be_one(self) -> None:
        """For who has logged in, only addresses that look like returns are looked up."""
        site = Site()
        site.logged_in().say(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<x@bounces.example.com>\r\n")
        self.assertEqual(site.intake.asked, ["x@bounces.example.com"])

    def test_a_fault_of_ours_is_no_bounce(self) -> None:
        """A fault while an address is looked up is 421, never a refusal."""
        site = Site()
        site.intake.lookup_failure = ZeroDivisionError()
        client = site.ready()
        self.assertEqual(client.say(b"MAIL FROM:<>\r\nRCPT TO:<x@y.example>\r\n").splitlines()[1][:9], b"421 4.3.0")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_answers_in_order(self) -> None:
        """While an address is looked up, no command behind it is looked at."""
        site = Site()
        site.intake.lookup_gate = gate = Deferred[None]()
        client = site.ready()
        group = b"MAIL FROM:<>\r\nRCPT TO:<" + RETURN + b">\r\nRCPT TO:<x@y.example>\r\nDATA\r\n"
        self.assertEqual(client.say(group), b"250 2.1.0 Ok\r\n")
        gate.callback(None)
        self.assertEqual(client.hear(), b"250 2.1.5 Ok\r\n" + NEEDS_TLS + b"354 End data with <CR><LF>.<CR><LF>\r\n")
