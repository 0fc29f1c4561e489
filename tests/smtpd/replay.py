"""Dialogues as data, and saying them to a door in memory."""

from tests.smtpd.support import Site

TLS = b"<handshake>"
"""In place of octets: the handshake."""

HANG_UP = b"<gone>"
"""In place of octets: the client closes the connection."""

Dialogue = list[tuple[bytes, tuple[bytes, ...]]]
"""What the client sends in one segment, and how each line of the answer to it must begin."""

EHLO = (b"250-mail.example.com", b"250-PIPELINING", b"250-SIZE", b"250-8BITMIME", b"250-SMTPUTF8")
EHLO_CLEAR = (*EHLO, b"250-ENHANCEDSTATUSCODES", b"250-DSN", b"250 STARTTLS")
EHLO_TLS = (*EHLO, b"250-ENHANCEDSTATUSCODES", b"250-DSN", b"250 AUTH PLAIN LOGIN")


def replay(dialogue: Dialogue, is_encrypted: bool = False) -> Site:
    """
    Say what stands there, on a new connection; the connection is closed at the end.

    @param is_encrypted: over TLS from the start.
    @raise AssertionError: the answer was another one.
    """
    site = Site()
    client = site.greeted(is_encrypted)
    for octets, begins in dialogue:
        if octets == TLS:
            client.protocol.handshakeCompleted()
            continue
        if octets == HANG_UP:
            client.hang_up()
            return site
        lines = client.say(octets).split(b"\r\n")
        assert lines.pop() == b"", octets
        assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == list(begins), (octets, lines)
    assert client.is_closed
    return site
