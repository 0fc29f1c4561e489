"""
E-mail addresses in envelopes (RFC 5321, 4.1.2; RFC 6531 with SMTPUTF8).

Our own reader, since the parsers at hand take what SMTP forbids (C{email.utils}) or refuse what it allows (quoted
local parts, address literals).
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import idna

MAX_LOCAL_PART = 64
MAX_DOMAIN = 255
MAX_PATH = 254
REMEMBERED = 4096
"""Addresses and domains whose checks are remembered: the same come again and again."""

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff"
_DOT_STRING = rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*"
_QUOTED = r'"(?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9_\-\u0080-\U0010ffff]*[A-Za-z0-9\u0080-\U0010ffff])?"
_ADDRESS = re.compile(rf"(?P<local>{_DOT_STRING}|{_QUOTED})@(?P<domain>{_LABEL}(?:\.{_LABEL})*|\[[^\[\]\\\s]+\])")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\uff20\ufe6b\ud800-\udfff]"
)
"""Controls, spaces, invisible and direction characters, and the at signs that only look like one."""


class AddressError(ValueError):
    """The text is no address; the message says why, for a person."""


@lru_cache(maxsize=REMEMBERED)
def parse_address(text: str, allow_utf8: bool = True) -> str:
    """
    Check a pure address: C{local@domain}, no angle brackets, no display name.

    @return: the address with its local part as it was and its domain in lower case.
    @raise AddressError: it is none, or it is not ASCII and C{allow_utf8} is false.
    """
    if _CONTROL.search(text):
        raise AddressError("the address contains a control character or an invisible one")
    if not allow_utf8 and not text.isascii():
        raise AddressError("the address is not ASCII: declare SMTPUTF8")
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise AddressError("the address is not of the form local@domain")
    local, domain = match["local"], match["domain"]
    if len(local.encode()) > MAX_LOCAL_PART:
        raise AddressError(f"the part before the @ is longer than {MAX_LOCAL_PART} octets")
    if len(domain.encode()) > MAX_DOMAIN or len(text.encode()) > MAX_PATH:
        raise AddressError(f"the address is longer than {MAX_PATH} octets")
    lookup_domain(domain)
    return f"{local}@{domain if domain.startswith('[') else domain.lower()}"


def domain_of(address: str) -> str:
    """The part after the last C{@}, in lower case; empty when there is none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


@lru_cache(maxsize=REMEMBERED)
def lookup_domain(domain: str) -> str:
    """
    The form in which a domain is looked up: A-labels (RFC 5891) in lower case, no trailing dot; an address literal
    stays as it is.

    @raise AddressError: no such domain can exist.
    """
    if domain.startswith("["):
        literal_address(domain)
        return domain.lower()
    name = domain.lower().rstrip(".")
    if not name.isascii():
        try:
            # Python's own codec is of 2003 and would send mail for faß.example to fass.example.
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except idna.IDNAError:
            raise AddressError(f"{domain} is not a valid international domain name") from None
    if not name or any(not label or len(label) > 63 for label in name.split(".")) or len(name) > 253:
        raise AddressError(f"{domain} is not a valid domain name")
    return name


def literal_address(domain: str) -> str:
    """
    The IP address in an address literal such as C{[192.0.2.1]} or C{[IPv6:2001:db8::1]} (RFC 5321, 4.1.3).

    @raise AddressError: it holds none.
    """
    inner = domain[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            return str(IPv6Address(inner[5:]))
        return str(IPv4Address(inner))
    except (AddressValueError, ValueError):
        raise AddressError(f"{domain} is not a valid address literal") from None
