"""
Dialogues of real programs, byte by byte and segment by segment, as an SMTPeter received them.

The user name and the password are those of these tests, which the recording server knew. Where a program sent messages
they are two: one with dots at the beginning of lines, and one with letters beyond ASCII.
"""

from tests.smtpd.replay import EHLO_CLEAR, EHLO_TLS, TLS, Dialogue

# Recorded from Mozilla Thunderbird 153.8.0esr (Debian) with the settings that the documentation names: port 587,
# STARTTLS, "Normal password". Both messages were sent within five seconds, which is how long it keeps a connection;
# the second one has the option "Delivery Status Notification".
THUNDERBIRD: Dialogue = [
    (b"EHLO [127.0.0.1]\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO [127.0.0.1]\r\n", EHLO_TLS),
    (b"AUTH PLAIN AHNlbmRlcgBhYmNkIGVmZ2ggMjM0NQ==\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=354\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Message-ID: <750eb461-28d2-4f6c-9a70-1b9e2493fbfd@example.com>\r\n"
            b"Date: Sat, 28 Nov 2026 20:58:59 +0000\r\n"
            b"MIME-Version: 1.0\r\n"
            b"User-Agent: Mozilla Thunderbird\r\n"
            b"Content-Language: en-US\r\n"
            b"To: you@example.org\r\n"
            b"From: Me <me@example.com>\r\n"
            b"Subject: Hello\r\n"
            b"Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
            b"Content-Transfer-Encoding: 7bit\r\n"
            b"\r\n"
            b"Hello,\r\n"
            b"..\r\n"
            b"..dot\r\n"
            b"\r\n"
        ),
        (),
    ),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (
        b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=380 RET=FULL "
        b"ENVID=<2d68c9fa-e71d-4cd8-a1fd-7fffcd09dd3c@example.com>\r\n",
        (b"250 2.1.0",),
    ),
    (b"RCPT TO:<you@example.org> NOTIFY=SUCCESS,FAILURE,DELAY\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Message-ID: <2d68c9fa-e71d-4cd8-a1fd-7fffcd09dd3c@example.com>\r\n"
            b"Date: Sat, 28 Nov 2026 20:59:01 +0000\r\n"
            b"MIME-Version: 1.0\r\n"
            b"User-Agent: Mozilla Thunderbird\r\n"
            b"Content-Language: en-US\r\n"
            b"To: you@example.org\r\n"
            b"From: Me <me@example.com>\r\n"
            b"Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"
            b"Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n"
            b"\r\n"
            b"Gr\xc3\xbc\xc3\x9fe\r\n"
            b"and a receipt\r\n"
            b"\r\n"
        ),
        (),
    ),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# The same program and the same messages over port 465 with SSL/TLS.
THUNDERBIRD_TLS: Dialogue = [
    (b"EHLO [127.0.0.1]\r\n", EHLO_TLS),
    (b"AUTH PLAIN AHNlbmRlcgBhYmNkIGVmZ2ggMjM0NQ==\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=354\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Message-ID: <0c5c68f5-015e-43cb-8c40-ce1fb4fc6837@example.com>\r\n"
            b"Date: Sat, 28 Nov 2026 21:01:41 +0000\r\n"
            b"MIME-Version: 1.0\r\n"
            b"User-Agent: Mozilla Thunderbird\r\n"
            b"Content-Language: en-US\r\n"
            b"To: you@example.org\r\n"
            b"From: Me <me@example.com>\r\n"
            b"Subject: Hello\r\n"
            b"Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
            b"Content-Transfer-Encoding: 7bit\r\n"
            b"\r\n"
            b"Hello,\r\n"
            b"..\r\n"
            b"..dot\r\n"
            b"\r\n"
        ),
        (),
    ),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (
        b"MAIL FROM:<me@example.com> BODY=8BITMIME SIZE=380 RET=FULL "
        b"ENVID=<935ede90-b7c0-47b9-b3a2-f148988c1d31@example.com>\r\n",
        (b"250 2.1.0",),
    ),
    (b"RCPT TO:<you@example.org> NOTIFY=SUCCESS,FAILURE,DELAY\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Message-ID: <935ede90-b7c0-47b9-b3a2-f148988c1d31@example.com>\r\n"
            b"Date: Sat, 28 Nov 2026 21:01:43 +0000\r\n"
            b"MIME-Version: 1.0\r\n"
            b"User-Agent: Mozilla Thunderbird\r\n"
            b"Content-Language: en-US\r\n"
            b"To: you@example.org\r\n"
            b"From: Me <me@example.com>\r\n"
            b"Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"
            b"Content-Type: text/plain; charset=UTF-8; format=flowed\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n"
            b"\r\n"
            b"Gr\xc3\xbc\xc3\x9fe\r\n"
            b"and a receipt\r\n"
            b"\r\n"
        ),
        (),
    ),
    (b".\r\n", (b"250 2.0.0 Ok: queued as ",)),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# The same program's "Test connection to server" in the settings of the outgoing server: it does not log in.
THUNDERBIRD_TEST: Dialogue = [
    (b"EHLO we-guess.mozilla.org\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO we-guess.mozilla.org\r\n", EHLO_TLS),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]

# Recorded from JavaMail 1.6.5 (Debian, OpenJDK 17), which many applications contain: C{Transport.connect}, then
# C{sendMessage} twice. It asks by NOOP whether the kept connection is alive.
JAVAMAIL: Dialogue = [
    (b"EHLO localhost\r\n", EHLO_CLEAR),
    (b"STARTTLS\r\n", (b"220 2.0.0",)),
    (TLS, ()),
    (b"EHLO localhost\r\n", EHLO_TLS),
    (b"AUTH LOGIN\r\n", (b"334 VXNlcm5hbWU6",)),
    (b"c2VuZGVy\r\n", (b"334 UGFzc3dvcmQ6",)),
    (b"YWJjZCBlZmdoIDIzNDU=\r\n", (b"235 2.7.0",)),
    (b"MAIL FROM:<me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Date: Sat, 28 Nov 2026 21:03:45 +0000 (UTC)\r\n"
            b"From: me@example.com\r\n"
            b"To: you@example.org\r\n"
            b"Message-ID: <785447854.0.1795899825183@localhost>\r\n"
            b"Subject: Hello\r\n"
            b"MIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n"
            b"Content-Transfer-Encoding: 7bit\r\n"
            b"\r\n"
            b"Hello,\r\n"
            b"..\r\n"
            b"..dot\r\n"
            b".\r\n"
        ),
        (b"250 2.0.0 Ok: queued as ",),
    ),
    (b"NOOP\r\n", (b"250 2.0.0",)),
    (b"MAIL FROM:<me@example.com>\r\n", (b"250 2.1.0",)),
    (b"RCPT TO:<you@example.org>\r\n", (b"250 2.1.5",)),
    (b"DATA\r\n", (b"354 ",)),
    (
        (
            b"Date: Sat, 28 Nov 2026 21:03:45 +0000 (UTC)\r\n"
            b"From: me@example.com\r\n"
            b"To: you@example.org\r\n"
            b"Message-ID: <898406901.1.1795899825224@localhost>\r\n"
            b"Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
            b"MIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n"
            b"Content-Transfer-Encoding: base64\r\n"
            b"\r\n"
            b"R3LDvMOfZQo=\r\n"
            b".\r\n"
        ),
        (b"250 2.0.0 Ok: queued as ",),
    ),
    (b"QUIT\r\n", (b"221 2.0.0",)),
]
