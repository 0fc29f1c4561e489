"""
Replies with enhanced status codes (RFC 5321, 4.2; RFC 2034; RFC 3463), and those whose text is fixed.
"""

import re
from textwrap import wrap

from attrs import field, frozen

MAX_TEXT = 480
"""Characters of text in a line: with code and line end it stays under 512 octets (RFC 5321, 4.5.3.1.5)."""

_UNPRINTABLE = re.compile(r"[^ -~]+")


@frozen
class Reply:
    """
    A reply. Its text is made printable ASCII and is broken into lines when it is long.

    @ivar enhanced: empty for those few replies that carry no enhanced status code.
    @ivar text: a line end in it begins another line of the reply.
    @ivar is_last: whether the connection is closed after it.
    """

    code: int
    enhanced: str
    text: str
    is_last: bool = False
    _encoded: bytes = field(init=False, eq=False, repr=False)

    @_encoded.default
    def _encode(self) -> bytes:
        text = self.text
        if len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
            lines = [_UNPRINTABLE.sub(" ", line) for line in text.splitlines()]
            return self._encode_lines([part for line in lines for part in wrap(line, MAX_TEXT)] or [""])
        return b"%d %s\r\n" % (self.code, f"{self.enhanced} {text}".strip().encode("ascii"))

    @property
    def is_error(self) -> bool:
        """Whether it tells of a fault that will not go away by itself."""
        return self.code >= 500

    def encode(self) -> bytes:
        """The reply as sent."""
        return self._encoded

    def _encode_lines(self, lines: list[str]) -> bytes:
        last = len(lines) - 1
        return "".join(
            f"{self.code}{' ' if at == last else '-'}{f'{self.enhanced} {line}'.strip()}\r\n"
            for at, line in enumerate(lines)
        ).encode("ascii")


class Rejected(Exception):
    """
    A command is answered with a refusal.

    @ivar reply: which.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


OK = Reply(250, "2.0.0", "Ok")
BYE = Reply(221, "2.0.0", "Bye", is_last=True)
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
LOGGED_IN = Reply(235, "2.7.0", "Authentication successful")
SENDER_OK = Reply(250, "2.1.0", "Ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Ok")
CANNOT_VERIFY = Reply(252, "2.5.2", "Cannot verify; send a message to try the address")
HELP = Reply(214, "2.0.0", "Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT (RFC 5321)")
SEND_DATA = Reply(354, "", "End data with <CR><LF>.<CR><LF>")

SHUTTING_DOWN = Reply(421, "4.3.2", "The server is shutting down; try again later", is_last=True)
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "Too many connections; try again later", is_last=True)
TOO_SLOW = Reply(421, "4.4.2", "Timeout; try again", is_last=True)
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors", is_last=True)
TOO_MANY_FAILURES = Reply(421, "4.7.0", "Too many failed logins; try again later", is_last=True)
TOO_MUCH_JUNK = Reply(421, "4.7.0", "Too many commands without mail", is_last=True)
FAULT = Reply(421, "4.3.0", "A fault of ours; try again later", is_last=True)

CANNOT_STORE = Reply(451, "4.3.0", "The message cannot be stored now; try again later")
CANNOT_LOOK_UP = Reply(451, "4.3.0", "The address cannot be checked now; try again later")
NO_SPACE = Reply(452, "4.3.1", "No space is left; try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients; send the others in another message")
NO_TLS = Reply(454, "4.7.0", "TLS is not available")
CANNOT_LOG_IN = Reply(454, "4.7.0", "The login cannot be checked now; try again later")

NOT_CRLF = Reply(500, "5.5.2", "A command ends with CR LF and contains neither")
NOT_ASCII = Reply(500, "5.5.2", "The command contains characters that do not belong there")
LINE_TOO_LONG = Reply(500, "5.5.6", "The line is too long")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognized")
NO_ARGUMENT = Reply(501, "5.5.4", "The command takes no argument")
NEEDS_ARGUMENT = Reply(501, "5.5.4", "The command needs an argument")
BAD_BASE64 = Reply(501, "5.5.2", "The response is not base64")
BAD_RESPONSE = Reply(501, "5.5.2", "The response does not have the form of the mechanism")
LOGIN_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
EHLO_FIRST = Reply(503, "5.5.1", "Send EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
RECIPIENT_FIRST = Reply(503, "5.5.1", "No recipient was accepted")
NESTED_MAIL = Reply(503, "5.5.1", "One sender per message")
TLS_ALREADY = Reply(503, "5.5.1", "TLS is already in use")
AUTH_ALREADY = Reply(503, "5.5.1", "Already authenticated")
AUTH_IN_MAIL = Reply(503, "5.5.1", "No authentication within a mail transaction")
DATA_AHEAD = Reply(503, "5.5.0", "Content was sent ahead of the reply to DATA", is_last=True)
UNKNOWN_MECHANISM = Reply(504, "5.5.4", "Authentication mechanism not recognized")
NEEDS_TLS = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
NEEDS_LOGIN = Reply(530, "5.7.0", "Authentication required")
WRONG_LOGIN = Reply(535, "5.7.8", "User name or password is wrong")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required for authentication: issue STARTTLS first")
BARE_NEWLINE = Reply(550, "5.6.0", "The message contains a bare CR or LF")
TOO_LARGE = Reply(552, "5.3.4", "The message is too large")
TALKED_EARLY = Reply(554, "5.5.0", "You spoke before the greeting", is_last=True)
TLS_AHEAD = Reply(554, "5.5.0", "Commands were sent ahead of the TLS handshake", is_last=True)
NOT_HTTP = Reply(554, "5.5.0", "This is a mail server", is_last=True)
