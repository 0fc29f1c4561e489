"""The fields by which a reader leaves a list: List-Unsubscribe (RFC 2369) and List-Unsubscribe-Post (RFC 8058)."""

import re
from urllib.parse import quote

from smtpeter.mime.faults import Faults
from smtpeter.mime.mailboxes import read_address
from smtpeter.mime.words import fold_field
from smtpeter.model.address import AddressError, lookup_domain
from smtpeter.model.composition import Unsubscribe

MAX_URL = 900
"""Octets: a URL cannot be folded, and a line has 998."""

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[^\s/?#:@\\<>\"]+)(?P<port>:[0-9]{1,5})?(?P<rest>[/?#].*)?", re.I)
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"
_MAX_ADDRESS = 320


def unsubscribe_fields(unsubscribe: Unsubscribe, faults: Faults) -> bytes:
    """Whole fields, each with its line end; none when there is no way to leave."""
    ways = []
    if url := _url(unsubscribe.url, faults):
        ways.append(f"<{url}>")
    if email := _email(unsubscribe.email, faults):
        ways.append(f"<mailto:{email}>")
    if unsubscribe.is_oneclick and not unsubscribe.url:
        faults.add("unsubscribe.oneclick", "needs an https url (RFC 8058)")
    elif unsubscribe.is_oneclick and url and not url.startswith("https:"):
        faults.add("unsubscribe.url", "must be https for one-click (RFC 8058)")
    if not ways:
        return b""
    fields = fold_field("List-Unsubscribe", [*(f"{way}," for way in ways[:-1]), ways[-1]])
    return fields + (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if unsubscribe.is_oneclick else b"")


def _url(text: str, faults: Faults) -> str:
    """A URL in ASCII, international names and characters encoded; empty when there is none."""
    if not text or not faults.allows_line("unsubscribe.url", text, MAX_URL):
        return ""
    match = _URL.fullmatch(text)
    try:
        url = "" if match is None else _ascii_url(match)
    except AddressError as error:
        faults.add("unsubscribe.url", f"cannot be used: {error}")
        return ""
    if not url or len(url) > MAX_URL:
        problem = f"is longer than {MAX_URL} octets" if url else "is no http or https URL"
        faults.add("unsubscribe.url", problem)
        return ""
    return url


def _ascii_url(match: re.Match[str]) -> str:
    """C{=?} begins an encoded word, which some programs decode anywhere; escapes mean the same in these places."""
    host = match["host"] if match["host"].isascii() else lookup_domain(match["host"])
    path, mark, query = quote(match["rest"] or "", safe=_KEPT).partition("?")
    if mark and path.endswith("="):
        path = path[:-1] + "%3D"
    return f"{match['scheme'].lower()}://{host}{match['port'] or ''}{path}{mark}{query.replace('=?', '=%3F')}"


def _email(text: str, faults: Faults) -> str:
    """An address as a mailto URL has it (RFC 6068, 2)."""
    if not text or not faults.allows_line("unsubscribe.email", text, _MAX_ADDRESS):
        return ""
    try:
        local, _, domain = read_address(text).rpartition("@")
    except AddressError as error:
        faults.add("unsubscribe.email", f"is no address: {error}")
        return ""
    return f"{quote(local, safe='!$*+-._~')}@{quote(domain, safe='-.:')}"
