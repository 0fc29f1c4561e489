"""What the server must survive: early talkers and nonsense."""

from base64 import b64encode
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.smtpd.support import PLAIN, SETTINGS, Site

MAIL = b"MAIL FROM:<a@b.example>\r\n"
RCPT = b"RCPT TO:<c@d.example>\r\n"


class EarlyTalkers(SynchronousTestCase):
    def test_before_the_greeting(self) -> None:
        """Bytes that are readable at accept are 554 and close, in clear and in TLS."""
        for is_encrypted in (False, True):
            site = Site()
            client = site.connect(is_encrypted)
            answer = client.say(b"EHLO x\r\n")
            site.clock.advance(1)
            self.assertEqual((answer + client.hear())[:9], b"554 5.5.0")
            self.assertTrue(client.is_closed)

    def test_between_the_turns(self) -> None:
        """The greeting leaves in the second turn of the reactor: in between it reads what was there at accept."""
        site = Site()
        client = site.connect()
        [call] = [each for each in site.clock.getDelayedCalls() if each.getTime() == 0]
        first_turn: Any = call
        do = first_turn.func
        call.cancel()
        do()
        self.assertEqual(client.hear(), b"")
        self.assertEqual(client.say(b"x")[:9], b"554 5.5.0")

    def test_delay(self) -> None:
        """With a delay the greeting comes after it, and who speaks before is turned away."""
        site = Site(settings=evolve(SETTINGS, greeting_delay=3))
        polite, rude = site.connect(), site.connect()
        site.clock.advance(2.9)
        self.assertEqual(polite.hear(), b"")
        self.assertEqual(rude.say(b"EHLO x\r\n")[:9], b"554 5.5.0")
        site.clock.advance(0.1)
        self.assertEqual((polite.hear()[:4], rude.hear()), (b"220 ", b""))

    def test_http(self) -> None:
        """An HTTP request line is 554 and close; its header fields are not looked at."""
        for line in (b"GET / HTTP/1.1", b"POST /mail HTTP/1.1", b"CONNECT x:25 HTTP/1.1"):
            client = Site().greeted()
            answer = client.say(line + b"\r\nHost: mail.example.com\r\n\r\nEHLO x\r\n")
            self.assertEqual((answer, client.is_closed), (b"554 5.5.0 This is a mail server\r\n", True))

    def test_http_of_any_form(self) -> None:
        """So it is with a request line of any length, in any segments, and with a bare newline."""
        long_line = b"POST /" + b"x" * 20_000 + b" HTTP/1.1\r\nMAIL FROM:<>\r\n"
        lines = (b"GET / HTTP/1.0\n\n", b"POST /" + b"x" * 5000 + b" HTTP/1.1\r\nMAIL FROM:<>\r\n", long_line)
        for line, size in ((line, size) for line in lines for size in (7, 1000, 30_000)):
            client, answer = Site().ready(), b""
            for at in range(0, len(line), size):
                answer += client.say(line[at : at + size])
            self.assertEqual((answer, client.is_closed), (b"554 5.5.0 This is a mail server\r\n", True))


class Nonsense(SynchronousTestCase):
    def test_auth(self) -> None:
        """Bad base64, an asterisk, 20 kB and malformed responses are 501 or 500, and the session lives on."""
        for line, code in (
            (b"!!!!", b"501 5.5.2"),
            (b"YQ", b"501 5.5.2"),
            (b"YQ==YQ==", b"501 5.5.2"),
            (b"\xff\xfe", b"501 5.5.2"),
            (PLAIN[:8] + b"!" + PLAIN[8:], b"501 5.5.2"),
            (b"*", b"501 5.7.0"),
            (b64encode(b"no-nul"), b"501 5.5.2"),
            (b"", b"501 5.5.2"),
            (b"x" * 20_000, b"500 5.5.6"),
        ):
            client = Site().ready(is_encrypted=True)
            client.say(b"AUTH PLAIN\r\n")
            self.assertEqual(client.say(line + b"\r\n")[:9], code, line[:20])
            self.assertEqual(client.say(b"NOOP\r\n"), b"250 2.0.0 Ok\r\n")
            self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"235 2.7.0")

    def test_initial_response(self) -> None:
        """The same as an initial response."""
        bad = b"501 5.5.2"
        for word, code in ((b"!!!!", bad), (b"=", bad), (b"*", b"501 5.7.0"), (b"x" * 20_000, b"500 5.5.6")):
            client = Site().ready(is_encrypted=True)
            self.assertEqual(client.say(b"AUTH PLAIN " + word + b"\r\n")[:9], code, word[:20])
            self.assertEqual(client.say(b"AUTH PLAIN " + PLAIN + b"\r\n")[:9], b"235 2.7.0")

    def test_commands(self) -> None:
        """NUL, 8-bit, bare newlines and long lines in a command are 500, and the session lives on."""
        client = Site().ready()
        long_lines = (b"X" * 100_000, b"NOOP " + b"x" * 5000)
        for line in (b"NO\0OP", b"\xff\xfe\xfd", b"EHLO \xc3\xa9", b"NOOP\nNOOP", b"NOOP \rx", *long_lines):
            answer = client.say(line + b"\r\n")
            self.assertEqual(answer[:4], b"500 ", line[:20])
            self.assertTrue(client.say(b"NOOP\r\n").endswith(b"250 2.0.0 Ok\r\n"))

    def test_long_line_in_pieces(self) -> None:
        """A line without end costs no memory, and is answered once."""
        client = Site().ready()
        for _ in range(50):
            self.assertEqual(client.say(b"x" * 10_000), b"")
        self.assertEqual(client.say(b"\r\nNOOP\r\n"), b"500 5.5.6 The line is too long\r\n250 2.0.0 Ok\r\n")
