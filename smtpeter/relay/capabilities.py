"""What a server offers in its answer to EHLO (RFC 5321, 4.1.1.1). Keywords are read in any case."""

import re

from attrs import frozen

from smtpeter.model.outcome import Reply

_AUTH_WITH_EQUALS = re.compile(r"AUTH=", re.IGNORECASE)


@frozen(kw_only=True)
class Capabilities:
    """The extensions that matter to us."""

    pipelining: bool = False
    eightbit: bool = False
    utf8: bool = False
    dsn: bool = False
    starttls: bool = False
    size: bool = False
    max_size: int | None = None
    """Octets; C{None} when there is no fixed limit."""
    auth: frozenset[str] = frozenset()
    """Mechanisms in upper case."""


def read_capabilities(reply: Reply) -> Capabilities:
    """Read a positive answer to EHLO; its first line is a greeting."""
    offered: dict[str, list[str]] = {}
    for line in reply.text.split("\n")[1:]:
        # Old servers write AUTH=LOGIN.
        words = _AUTH_WITH_EQUALS.sub("AUTH ", line).upper().split()
        if words:
            offered.setdefault(words[0], []).extend(words[1:])
    return Capabilities(
        pipelining="PIPELINING" in offered,
        eightbit="8BITMIME" in offered,
        utf8="SMTPUTF8" in offered,
        dsn="DSN" in offered,
        starttls="STARTTLS" in offered,
        size="SIZE" in offered,
        max_size=_max_size(offered.get("SIZE", [])),
        auth=frozenset(offered.get("AUTH", [])),
    )


def _max_size(parameters: list[str]) -> int | None:
    """RFC 1870, 4: no number, or 0, is no fixed limit."""
    text = parameters[0] if parameters else ""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= 20 else None
