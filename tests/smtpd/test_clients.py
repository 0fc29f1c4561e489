"""
Dialogues in the manner of mail programs, byte by byte.

Each is a list of what the client sends and of how the server's answer must begin, line by line; C{TLS} is the
handshake. They were written from what is known of the programs, not recorded from them: each reproduces the habits
that the comment above it names, and proves no more than that a program with these habits is served.
"""

from base64 import b64encode

from twisted.trial.unittest import SynchronousTestCase

from tests.smtpd.support import PASSWORD, PLAIN, Site

TLS = b"<handshake>"
NAME = b64encode(b"sender")
WORD = b64encode(PASSWORD.encode())
BODY = b"From: <me@example.com>\r\nTo: <you@example.org>\r\nSubject: Hello\r\n\r\nHello\r\n..\r\n"

EHLO = (b"250-mail.example.com", b"250-PIPELINING", b"250-SIZE", b"250-8BITMIME", b"250-SMTPUTF8")
EHLO_CLEAR = (*EHLO, b"250-ENHANCEDSTATUSCODES", b"250-DSN", b"250 STARTTLS")
EHLO_TLS = (*EHLO, b"250-ENHANCEDSTATUSCODES", b"250-DSN", b"250 AUTH PLAIN LOGIN")

Dialogue = list[tuple[bytes, tuple[bytes, ...]]]

# Thunderbird: the local address as a literal in EHLO, AUTH PLAIN with initial response, BODY=8BITMIME before SIZE; with
# the option "return receipt of delivery" RET and ENVID, NOTIFY and ORCPT. A second message on the kept connection.
THUNDERBIRD: Dialogue = [
    (b"EHLO [192.168.1.23]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO [192.168.1.23]\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + PLAIN + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=433\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=433 RET=FULL ENVID=abc@example.com\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;you@example.org\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY + b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Outlook for Windows: the computer's bare name in EHLO, AUTH LOGIN without initial response, a blank behind the colon
# of MAIL and RCPT, an empty line before the final dot; here over implicit TLS.
OUTLOOK: Dialogue = [
    (b"EHLO DESKTOPPC01\r\n", EHLO_TLS),
    (b"AUTH LOGIN\r\n", (b"334 VXNlcm5hbWU6",)),
    (NAME + b"\r\n", (b"334 UGFzc3dvcmQ6",)),
    (WORD + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM: <me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO: <you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b"\r\n.\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# The same over STARTTLS, with RSET after AUTH and again in the middle of a transaction, as its account test does.
OUTLOOK_TEST: Dialogue = [
    (b"EHLO DESKTOPPC01\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO DESKTOPPC01\r\n", EHLO_TLS),
    (b"AUTH LOGIN\r\n", (b"334 VXNlcm5hbWU6",)),
    (NAME + b"\r\n", (b"334 UGFzc3dvcmQ6",)),
    (WORD + b"\r\n", (b"235 2.7.0",)),
    (b"RSET\r\n", (b"250 2.0.0",)),
    (b"MAIL FROM: <me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RSET\r\n", (b"250 2.0.0",)),
    (b"MAIL FROM: <me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO: <you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY + b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Apple Mail: the local IPv4 address as a literal in EHLO, AUTH PLAIN whose response waits for 334, no parameters,
# several recipients, the connection kept: RSET after the message, NOOP later.
APPLE_MAIL: Dialogue = [
    (b"EHLO [10.0.1.5]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO [10.0.1.5]\r\n", EHLO_TLS),
    (b"AUTH PLAIN\r\n", (b"334 ",)),
    (b64encode(b"\0sender\0" + PASSWORD.encode()) + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"RCPT TO:<she@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"RSET\r\n", (b"250 2.0.0",)),
    (b"NOOP\r\n", (b"250 2.0.0",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# iOS Mail on a mobile network: an IPv6 literal in EHLO, AUTH PLAIN with authzid equal to authcid, small segments that
# end within a command and within the end of data.
IOS: Dialogue = [
    (b"EHLO [IPv6:2001:db8:85a3::8a2e:370:7334]\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + b64encode(b"sender\0sender\0" + PASSWORD.encode()) + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FR", ()),
    (b"OM:<me@example.com> SIZE=433\r", ()),
    (b"\nRCPT TO:<you@example.org>\r\n", (b"250 2.1.0", b"250 2.1.5")),
    (b"DATA\r\n", (b"354 ",)),
    (BODY[:31], ()),
    (BODY[31:] + b"\r", ()),
    (b"\n.", ()),
    (b"\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Android's mail program and its relatives: a literal with a zone in the first EHLO, which is no valid one, a fixed name
# in the second, verbs and keywords in other cases, AUTH LOGIN with initial response, EHLO again after AUTH.
ANDROID: Dialogue = [
    (b"EHLO [fe80::1234%wlan0]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"ehlo localhost.localdomain\r\n", EHLO_TLS),
    (b"AUTH LOGIN " + NAME + b"\r\n", (b"334 UGFzc3dvcmQ6",)),
    (WORD + b"\r\n", (b"235 2.7.0",)),
    (b"EHLO localhost.localdomain\r\n", EHLO_TLS),
    (b"mail from:<me@example.com> body=8bitmime\r\n", (b"250 2.1.0",)),
    (b"Rcpt To:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"data\r\n", (b"354 ",)),
    (BODY, ()),
    (b"\r\n.\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"quit\r\n", (b"221 2.0.0",)),
]

# JavaMail, which many programs and applications contain: C{localhost} in EHLO where the name is not known, AUTH LOGIN
# in three turns before PLAIN would be tried, one turn for each command, the end of data in a write of its own.
JAVAMAIL: Dialogue = [
    (b"EHLO localhost\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO localhost\r\n", EHLO_TLS),
    (b"AUTH LOGIN\r\n", (b"334 VXNlcm5hbWU6",)),
    (NAME + b"\r\n", (b"334 UGFzc3dvcmQ6",)),
    (WORD + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b"\r\n.\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"NOOP\r\n", (b"250 2.0.0",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]


class MailPrograms(SynchronousTestCase):
    def replay(self, dialogue: Dialogue, is_encrypted: bool = False) -> list[bytes]:
        """Say what stands there; the contents that were accepted."""
        site = Site()
        client = site.greeted(is_encrypted)
        for octets, begins in dialogue:
            if octets == TLS:
                client.protocol.handshakeCompleted()
                continue
            lines = client.say(octets).split(b"\r\n")
            self.assertEqual(lines.pop(), b"", octets)
            self.assertEqual([line[: len(begin)] for line, begin in zip(lines, begins, strict=True)], list(begins))
        self.assertTrue(client.is_closed)
        return [draft.content for draft in site.intake.drafts]

    CONTENT = BODY.replace(b"\r\n..", b"\r\n.")

    def test_thunderbird(self) -> None:
        """In the manner of Thunderbird: two messages, the second with a request for notices."""
        self.assertEqual(self.replay(THUNDERBIRD), [self.CONTENT, self.CONTENT])

    def test_outlook(self) -> None:
        """In the manner of Outlook: over implicit TLS."""
        self.assertEqual(self.replay(OUTLOOK, is_encrypted=True), [self.CONTENT + b"\r\n"])

    def test_outlook_with_resets(self) -> None:
        """In the manner of Outlook: RSET, and begin again."""
        self.assertEqual(self.replay(OUTLOOK_TEST), [self.CONTENT])

    def test_apple_mail(self) -> None:
        """In the manner of Apple Mail: to two recipients."""
        self.assertEqual(self.replay(APPLE_MAIL), [self.CONTENT])

    def test_ios(self) -> None:
        """In the manner of iOS Mail: in small segments."""
        self.assertEqual(self.replay(IOS, is_encrypted=True), [self.CONTENT + b"\r\n"])

    def test_android(self) -> None:
        """In the manner of Android's program: commands in any case."""
        self.assertEqual(self.replay(ANDROID), [self.CONTENT + b"\r\n"])

    def test_javamail(self) -> None:
        """In the manner of JavaMail: one command at a time."""
        self.assertEqual(self.replay(JAVAMAIL), [self.CONTENT + b"\r\n"])
