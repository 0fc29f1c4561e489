"""
Command lines taken apart: verb and argument, paths and ESMTP parameters (RFC 5321, 4.1; pure).
"""

import re
from collections.abc import Collection

from smtpeter.model.address import AddressError, parse_address
from smtpeter.smtpd.replies import LINE_TOO_LONG, NOT_ASCII, NOT_HTTP, Rejected, Reply

MAX_COMMAND = 4096
"""Octets of any command but AUTH: 512 (RFC 5321, 4.5.3.1.4) and what the parameters add, with room to spare."""

MAX_PATH = 320
"""Characters of a reverse-path that is not ours to send on."""

_HTTP = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PRI) |\S+ \S+ HTTP/\d", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

# The local part may be quoted and then contain anything, also > and a blank (RFC 5321, 4.1.2).
_LOCAL_AND_DOMAIN = r'(?:"(?:[^"\\]|\\.)*"|[^\s<>"])*'
_SOURCE_ROUTE = r'(?:@[^\s<>"@,:]+(?:,@[^\s<>"@,:]+)*:)?'
_PATH = re.compile(rf"<{_SOURCE_ROUTE}(?P<address>{_LOCAL_AND_DOMAIN})>(?: +(?P<rest>.*))?", re.DOTALL)
_LENIENT = re.compile(r'[^\s<>"\x00-\x1f\x7f]+@[^\s<>"@\x00-\x1f\x7f]+')
_PARAMETER = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[^= \x00-\x1f\x7f][^ \x00-\x1f\x7f]*))?")

BAD_SYNTAX = "5.5.4"


def bad_argument(text: str) -> Rejected:
    """A refusal of an argument's form."""
    return Rejected(Reply(501, BAD_SYNTAX, text))


def is_http(line: bytes) -> bool:
    """Whether a browser, or what was led here by one, takes us for a web server."""
    return _HTTP.match(line) is not None


def read_command(line: bytes) -> tuple[str, str]:
    """
    Take a line apart.

    @return: the verb in upper case, and its argument without blanks around it; characters beyond ASCII only as
        RFC 6531 has them, in the arguments of MAIL, RCPT and VRFY.
    @raise Rejected: the line is no command, or is one of HTTP.
    """
    if is_http(line):
        raise Rejected(NOT_HTTP)
    if len(line) > MAX_COMMAND and line[:5].upper() != b"AUTH ":
        raise Rejected(LINE_TOO_LONG)
    if _CONTROL.search(line):
        raise Rejected(NOT_ASCII)
    try:
        verb, _, argument = line.decode().rstrip(" ").partition(" ")
    except UnicodeDecodeError:
        raise Rejected(NOT_ASCII) from None
    verb = verb.upper()
    if not line.isascii() and verb not in ("MAIL", "RCPT", "VRFY"):
        raise Rejected(NOT_ASCII)
    return verb, argument.lstrip(" ")


def read_path(argument: str, keyword: str) -> tuple[str, dict[str, str | None]]:
    """
    Take the argument of MAIL or RCPT apart. A source route is ignored (RFC 5321, appendix C); a blank behind the colon
    is forgiven, since many send it.

    @param keyword: C{FROM:} or C{TO:}.
    @return: the address as it stands, not checked, and the parameters by keyword in upper case.
    @raise Rejected: it has another form.
    """
    if argument[: len(keyword)].upper() != keyword:
        raise bad_argument(f"The command takes {keyword}<address>")
    match = _PATH.fullmatch(argument[len(keyword) :].lstrip(" "))
    if match is None:
        raise bad_argument(f"The command takes {keyword}<address>, in angle brackets")
    return match["address"], _read_parameters(match["rest"] or "")


def _read_parameters(text: str) -> dict[str, str | None]:
    parameters: dict[str, str | None] = {}
    for word in text.split():
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise bad_argument("A parameter is not of the form KEYWORD=value")
        keyword = match["keyword"].upper()
        if keyword in parameters:
            raise bad_argument(f"{keyword} stands twice")
        parameters[keyword] = match["value"]
    return parameters


def check_known(parameters: Collection[str], known: Collection[str]) -> None:
    """@raise Rejected: a parameter is not known here (RFC 5321, 4.1.1.11)."""
    for keyword in parameters:
        if keyword not in known:
            raise Rejected(Reply(555, "5.5.4", f"The parameter {keyword[:40]} is not known here"))


def read_address(text: str, allow_utf8: bool, enhanced: str) -> str:
    """
    Check an address of an envelope.

    @param enhanced: the status code when it is none: that of a sender or of a recipient.
    @raise Rejected: it is none, or needs SMTPUTF8, which was not declared (RFC 6531, 3.5).
    """
    if not allow_utf8 and not text.isascii():
        raise Rejected(Reply(553, "5.6.7", "The address is not ASCII: declare SMTPUTF8 with MAIL"))
    try:
        return parse_address(text, allow_utf8)
    except AddressError as error:
        raise Rejected(Reply(553, enhanced, _sentence(str(error)))) from None


def read_foreign_path(text: str, allow_utf8: bool) -> str:
    """
    Check the reverse-path of mail that comes back. Others write addresses that we would not send to (long local parts,
    dots in a row); it is recorded, and nothing is sent there.

    @raise Rejected: it is none by any reading, or needs SMTPUTF8.
    """
    try:
        return read_address(text, allow_utf8, "5.1.7")
    except Rejected as rejected:
        if rejected.reply.enhanced != "5.6.7" and len(text) <= MAX_PATH and _LENIENT.fullmatch(text):
            return text
        raise


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
