"""
Dialogues in the manner of mail programs that cannot run beside these tests, byte by byte.

The comment above each says what it rests on: a public source of the program, which leaves nothing open; logs that
people have published with reports about mail servers, which show some of its lines; or knowledge of its habits alone.
"""

from base64 import b64encode

from tests.smtpd.replay import EHLO_CLEAR, EHLO_TLS, HANG_UP, TLS, Dialogue
from tests.smtpd.support import PASSWORD, PLAIN

NAME = b64encode(b"sender")
WORD = b64encode(PASSWORD.encode())
BODY = b"From: <me@example.com>\r\nTo: <you@example.org>\r\nSubject: Hello\r\n\r\nHello\r\n..\r\n"
CONTENT = BODY.replace(b"\r\n..", b"\r\n.")

# Outlook for Windows. Published logs (its own, of 2016; of mail servers, of 2023 and 2024) show the bare name of the
# computer in EHLO, AUTH LOGIN without initial response, and a blank behind the colon of MAIL. The empty line before the
# final dot is knowledge. Here over implicit TLS.
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

# The same over STARTTLS, with RSET after AUTH and again in the middle of a transaction, as its account test is known to
# do.
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

# Outlook's app, which sends from machines of Microsoft: a published server log of 2024 shows its EHLO on port 465. The
# two blanks behind AUTH PLAIN are those of Windows Mail, for which mail servers made room; AUTH=<> behind MAIL was seen
# in a log of 2020 with addresses of Outlook.
OUTLOOK_APP: Dialogue = [
    (b"EHLO contoso.com\r\n", EHLO_TLS),
    (b"AUTH PLAIN  " + PLAIN + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com> SIZE=13343 AUTH=<>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY + b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Apple Mail, from macOS 11 or 12 on: Received fields of published mail (2021 to 2026) and a log of its own (2022) show
# this name in EHLO whatever the computer is called, and that log shows AUTH PLAIN with initial response. That there are
# no parameters, and RSET and NOOP on the kept connection, is knowledge.
APPLE_MAIL: Dialogue = [
    (b"EHLO smtpclient.apple\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO smtpclient.apple\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + PLAIN + b"\r\n", (b"235 2.7.0",)),
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

# The same program as it looks whether an account works: that log again, on port 465.
APPLE_MAIL_CHECK: Dialogue = [
    (b"EHLO smtpclient.apple\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + PLAIN + b"\r\n", (b"235 2.7.0",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Older Apple Mail: reports of 2006 and 2013 show an address literal in EHLO, once misspelled. That the response of AUTH
# PLAIN waits for 334 is knowledge.
OLDER_APPLE_MAIL: Dialogue = [
    (b"EHLO [1N?IPv6:::1]\r\n", EHLO_CLEAR),
    (b"EHLO [10.0.1.5]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO [10.0.1.5]\r\n", EHLO_TLS),
    (b"AUTH PLAIN\r\n", (b"334 ",)),
    (PLAIN + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY + b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# iOS Mail: Received fields of mail from iPhones (2022 and 2025) show the same name in EHLO. The authzid that equals the
# authcid, and small segments on a mobile network that end within a command and within the end of data, are knowledge.
IOS: Dialogue = [
    (b"EHLO smtpclient.apple\r\n", EHLO_TLS),
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

# Older iOS Mail: an IPv6 literal in EHLO, which reports of 2013 name for it and for Apple Mail.
OLDER_IOS: Dialogue = [(b"EHLO [IPv6:2001:db8:85a3::8a2e:370:7334]\r\n", EHLO_TLS), *IOS[1:]]

# Android's own Email program, from its public source: the local address as a literal in EHLO, for IPv6 with a capital V
# and a zone, which is no valid one; AUTH PLAIN with initial response; blanks behind the colons; no dot is doubled; an
# empty line before the final dot; no QUIT.
ANDROID: Dialogue = [
    (b"EHLO [IPV6:fe80::1234%wlan0]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO [IPV6:fe80::1234%wlan0]\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + PLAIN + b"\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM: <me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO: <you@example.org>\r\n", (b"250 2.1.5",)),
    (b"RCPT TO: <she@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b"\r\n.\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (HANG_UP, ()),
]

# Thunderbird for Android and K-9 Mail, from their public source: one name in EHLO for everybody, MAIL and all RCPT sent
# before the first answer, each in a segment of its own; it goes without waiting for the answer to QUIT.
THUNDERBIRD_FOR_ANDROID: Dialogue = [
    (b"EHLO ehlo.thunderbird.net\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO ehlo.thunderbird.net\r\n", EHLO_TLS),
    (b"AUTH PLAIN " + PLAIN + b"\r\n", (b"235 2.7.0",)),
    (
        b"MAIL FROM:<me@example.com> BODY=8BITMIME\r\nRCPT TO:<you@example.org>\r\nRCPT TO:<she@example.org>\r\n",
        (b"250 2.1.0", b"250 2.1.5", b"250 2.1.5"),
    ),
    (b"DATA\r\n", (b"354 ",)),
    (BODY, ()),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# No program in particular: verbs and keywords in other cases, AUTH LOGIN with initial response, which .NET sends, EHLO
# again after AUTH.
ODD_CASES: Dialogue = [
    (b"ehlo localhost.localdomain\r\n", EHLO_TLS),
    (b"auth login " + NAME + b"\r\n", (b"334 UGFzc3dvcmQ6",)),
    (WORD + b"\r\n", (b"235 2.7.0",)),
    (b"EHLO localhost.localdomain\r\n", EHLO_TLS),
    (b"mail from:<me@example.com> body=8bitmime\r\n", (b"250 2.1.0",)),
    (b"Rcpt To:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"data\r\n", (b"354 ",)),
    (BODY, ()),
    (b"\r\n.\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"quit\r\n", (b"221 2.0.0",)),
]
