"""What the server must survive: streams that are meant to smuggle."""

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.smtpd.support import BOUNCE, SETTINGS, Site
from tests.smtpd.test_framing import FALSE_ENDS

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"


class StartTLS(SynchronousTestCase):
    def test_bytes_behind(self) -> None:
        """Bytes behind STARTTLS in the same segment are never executed: the connection is closed without TLS."""
        site = Site()
        client = site.ready()
        answer = client.say(b"STARTTLS\r\nMAIL FROM:<x@evil.example>\r\n")
        self.assertEqual((answer[:9], client.is_closed), (b"554 5.5.0", True))
        self.assertEqual(client.transport.tls_contexts, [])

    def test_part_of_a_line_behind(self) -> None:
        """Even one byte behind STARTTLS is not taken into TLS."""
        client = Site().ready()
        self.assertEqual(client.say(b"STARTTLS\r\nM")[:9], b"554 5.5.0")

    def test_behind_a_slow_command(self) -> None:
        """Bytes that came behind STARTTLS while an earlier command was in work are not executed either."""
        site = Site()
        site.intake.lookup_gate = gate = Deferred[None]()
        client = site.ready()
        client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + BOUNCE.encode() + b">\r\nSTARTTLS\r\n")
        client.say(b"NOOP\r\n")
        gate.callback(None)
        self.assertEqual(client.hear().splitlines()[-1][:9], b"554 5.5.0")

    def test_state_is_reset(self) -> None:
        """TLS resets everything: MAIL without a new EHLO is 503, and the transaction is gone."""
        client = Site().ready()
        client.say(b"MAIL FROM:<>\r\nRCPT TO:<" + BOUNCE.encode() + b">\r\n")
        client.start_tls()
        self.assertEqual(client.say(b"DATA\r\n"), b"503 5.5.1 Send MAIL first\r\n")
        self.assertEqual(client.say(b"MAIL FROM:<>\r\n"), b"503 5.5.1 Send EHLO first\r\n")
        self.assertNotIn(b"STARTTLS", client.say(b"EHLO x\r\n"))
        self.assertEqual(client.say(b"MAIL FROM:<>\r\n")[:9], b"250 2.1.0")

    def test_answered_before_the_handshake(self) -> None:
        """220 leaves in clear, then the handshake begins; a second STARTTLS is 503."""
        client = Site().ready()
        client.start_tls()
        self.assertEqual(len(client.transport.tls_contexts), 1)
        self.assertEqual(client.say(b"STARTTLS\r\n"), b"503 5.5.1 TLS is already in use\r\n")

    def test_not_available(self) -> None:
        """Where there is no certificate, STARTTLS is 454."""
        site = Site()
        site.premises.tls_context = None
        self.assertEqual(site.ready().say(b"STARTTLS\r\n")[:9], b"454 4.7.0")


class EndOfData(SynchronousTestCase):
    def test_false_ends(self) -> None:
        """Nothing but CRLF.CRLF ends a message, in whatever segments: what follows is content, not commands."""
        for false_end in FALSE_ENDS:
            for size in (1, 1000):
                site = Site()
                client = site.in_data()
                stream = b"one" + false_end + b"MAIL FROM:<x@evil.example>\r\n"
                for at in range(0, len(stream), size):
                    self.assertEqual(client.say(stream[at : at + size]), b"", false_end)
                self.assertEqual(client.say(b".\r\n")[:9], b"250 2.0.0")
                self.assertIn(b"MAIL FROM:<x@evil.example>", site.intake.drafts[0].content)

    def test_bare_newlines_become_whole(self) -> None:
        """A bare LF or CR in data is stored as CRLF."""
        site = Site()
        self.assertEqual(site.in_data().say(b"a\nb\rc\r\n\n.\n\r\n.\r\n")[:9], b"250 2.0.0")
        self.assertEqual(site.intake.drafts[0].content, b"a\r\nb\r\nc\r\n\r\n.\r\n\r\n")

    def test_bare_newlines_rejected(self) -> None:
        """With the setting "reject" they are 550 after the final dot, and the session lives on."""
        site = Site(settings=evolve(SETTINGS, bare_newline="reject"))
        for body in (b"a\nb\r\n.\r\n", b"a\rb\r\n.\r\n"):
            client = site.in_data()
            self.assertEqual(client.say(body), b"550 5.6.0 The message contains a bare CR or LF\r\n")
            client.say(MAIL + RCPT + b"DATA\r\n")
            self.assertEqual(client.say(b"a\r\n.\r\n")[:9], b"250 2.0.0")
        self.assertEqual(len(site.intake.drafts), 2)

    def test_long_line(self) -> None:
        """A data line of any length is swallowed to the final dot; the rest of a body never runs as commands."""
        site = Site()
        client = site.in_data()
        self.assertEqual(client.say(b"x" * 20_000), b"")
        self.assertEqual(client.say(b"\r\nMAIL FROM:<x@evil.example>\r\nQUIT\r\n"), b"")
        self.assertEqual(client.say(b".\r\n")[:9], b"250 2.0.0")
        self.assertEqual(len(site.intake.drafts[0].content), 20_000 + 36)

    def test_far_too_large(self) -> None:
        """A message that is far too large is 552 after the final dot, was never held, and the session lives on."""
        site = Site(settings=evolve(SETTINGS, max_message_size=10_000, max_held_bytes=20_000))
        client = site.in_data()
        for _ in range(100):
            self.assertEqual(client.say(b"QUIT\r\n" + b"x" * 5_000), b"")
        self.assertEqual(client.say(b"\r\n.\r\n")[:9], b"552 5.3.4")
        self.assertEqual(client.say(MAIL)[:9], b"250 2.1.0")
        self.assertEqual(site.intake.drafts, [])

    def test_overload(self) -> None:
        """When there is no memory for a message, it is swallowed and 452 4.3.1, and the next one is taken."""
        site = Site(settings=evolve(SETTINGS, max_held_bytes=1000))
        hog, client = site.in_data(), site.in_data()
        hog.say(b"x" * 990)
        self.assertEqual(client.say(b"QUIT\r\nQUIT\r\n.\r\n")[:9], b"452 4.3.1")
        hog.hang_up()
        client.say(MAIL + RCPT + b"DATA\r\n")
        self.assertEqual(client.say(b"QUIT\r\n.\r\n")[:9], b"250 2.0.0")

    def test_room_is_held_until_stored(self) -> None:
        """A message takes its room until intake has answered."""
        site = Site(settings=evolve(SETTINGS, max_held_bytes=1000))
        site.intake.gate = gate = Deferred[None]()
        site.in_data().say(b"x" * 900 + b"\r\n.\r\n")
        self.assertFalse(site.premises.room.take(200))
        gate.callback(None)
        self.assertTrue(site.premises.room.take(1000))


class Pipelining(SynchronousTestCase):
    def test_body_with_data(self) -> None:
        """A body in the same write as DATA is a violation: 503 and close, and nothing is stored."""
        site = Site()
        client = site.logged_in()
        answer = client.say(MAIL + RCPT + b"DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n")
        self.assertEqual(answer.splitlines()[-1][:9], b"503 5.5.0")
        self.assertTrue(client.is_closed)
        self.assertEqual(site.intake.drafts, [])

    def test_body_without_recipient(self) -> None:
        """A body behind a DATA that is refused does not run as commands."""
        client = Site().logged_in()
        answer = client.say(b"DATA\r\n" + MAIL + RCPT)
        self.assertEqual((answer[:9], answer.count(b"\r\n"), client.is_closed), (b"503 5.5.0", 1, True))

    def test_order(self) -> None:
        """A group is answered in order, command for command."""
        client = Site().logged_in()
        answer = client.say(b"NOOP\r\n" + MAIL + b"BOGUS\r\n" + RCPT + b"VRFY x\r\nDATA\r\n")
        self.assertEqual([line[:3] for line in answer.splitlines()], [b"250", b"250", b"500", b"250", b"252", b"354"])

    def test_reading_pauses(self) -> None:
        """While a command is in work, no more than so much is read ahead; then reading goes on."""
        site = Site()
        site.intake.gate = gate = Deferred[None]()
        client = site.in_data()
        client.say(b"x\r\n.\r\n")
        client.say(b"X" * 60_000)
        self.assertEqual(client.transport.producerState, "producing")
        client.say(b"X" * 60_000)
        self.assertEqual(client.transport.producerState, "paused")
        gate.callback(None)
        self.assertEqual(client.transport.producerState, "producing")
