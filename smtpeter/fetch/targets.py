"""
Decides which URLs are asked (pure).

Read by a grammar of our own, stricter than RFC 3986 and C{urllib}: what two readers could understand differently, such
as C{http://good@evil/}, C{http://127.1/} or C{http://0x7f000001/}, is refused, and not guessed at. A name that passes
is looked up and judged again by its addresses.
"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote, urljoin

import idna
from attrs import frozen

from smtpeter.boundaries.fetch import FetchRefused
from smtpeter.model.ip import is_public

MAX_URL = 8192
"""Characters."""
MAX_NAME = 253
"""Characters of a host name (RFC 1035, 2.3.4)."""

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.ASCII | re.IGNORECASE,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>[0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_AS_THEY_ARE = "!#$%&'()*+,/:;=?@[]~"
"""Kept in path and query: what may stand there, and what is percent-encoded already."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_OTHER_PROTOCOLS = frozenset(
    (1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080)
)
"""Ports of other protocols that could take a request for something else (fetch.spec.whatwg.org, "bad port")."""


@frozen(kw_only=True)
class Target:
    """A URL that may be asked, as far as its text tells."""

    scheme: str
    host: str
    """A name in A-labels and lower case, or an IP address in canonical form without brackets."""
    port: int
    path: str
    """Path and query, percent-encoded."""

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, so that nothing has to be looked up."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    @property
    def url(self) -> str:
        """The whole of it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_target(url: str, allow_private: bool = False) -> Target:
    """
    Read a URL.

    @param allow_private: whether addresses of private networks, and names without a dot, may be asked.
    @raise FetchRefused: it is not one that is asked.
    """
    if len(url) > MAX_URL:
        raise FetchRefused(f"the URL is longer than {MAX_URL} characters")
    if _CONTROL.search(url):
        raise FetchRefused("the URL contains a control character")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise FetchRefused("the URL is not of the form http://host/path or https://host/path")
    scheme = parts["scheme"].lower()
    host, port = _authority(parts["authority"])
    port = _DEFAULT_PORTS[scheme] if port is None else port
    _check_port(port)
    host = _address(host[1:-1]) if host.startswith("[") else _name(host)
    target = Target(scheme=scheme, host=host, port=port, path=_path(parts["path"], parts["query"]))
    if not allow_private:
        _check_public(target)
    return target


def redirected(target: Target, location: str, allow_private: bool = False) -> Target:
    """
    Where a redirect leads.

    @raise FetchRefused: to a URL that is not asked, or from https to http.
    """
    try:
        url = urljoin(target.url, location)
    except ValueError:
        raise FetchRefused("a redirect leads to no URL") from None
    try:
        found = read_target(url, allow_private)
    except FetchRefused as error:
        raise FetchRefused(f"a redirect is not followed: {error}") from None
    if target.scheme == "https" and found.scheme == "http":
        raise FetchRefused("a redirect is not followed: it leads from https to http")
    return found


def check_addresses(host: str, addresses: tuple[str, ...], allow_private: bool = False) -> None:
    """
    Judge what a name leads to: one address that is not public spoils them all.

    @raise FetchRefused: it does not lead to the public network only.
    """
    is_allowed = _is_ip if allow_private else is_public
    if not all(map(is_allowed, addresses)):
        raise FetchRefused(f"{host} leads to an address that is not public")


def _is_ip(text: str) -> bool:
    """Whether it is an IP address: anything else would be looked up once more on the way."""
    try:
        return str(ip_address(text)) != ""
    except ValueError:
        return False


def _authority(text: str) -> tuple[str, int | None]:
    if "@" in text:
        raise FetchRefused("the URL contains a user name or a password")
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise FetchRefused("the URL has no valid host and port")
    return parts["host"], int(parts["port"]) if parts["port"] else None


def _check_port(port: int) -> None:
    if port not in (80, 443) and not (1024 <= port <= 65535 and port not in _OTHER_PROTOCOLS):
        raise FetchRefused(f"port {port} is not one that is asked: 80, 443, or one of 1024 and above for HTTP")


def _address(text: str) -> str:
    """An IPv6 address in canonical form."""
    try:
        return str(IPv6Address(text))
    except ValueError:
        raise FetchRefused("the URL has no valid IPv6 address between its brackets") from None


def _name(text: str) -> str:
    """A host name in A-labels, or an IPv4 address; what looks like a number must be one, written as usual."""
    if len(text) > MAX_NAME:
        raise FetchRefused(f"the host name of the URL is longer than {MAX_NAME} characters")
    name = text.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            raise FetchRefused("the URL has no valid international host name") from None
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _plain_ipv4(text)
    if not all(map(_LABEL.fullmatch, labels)):
        raise FetchRefused("the URL has no valid host name")
    return name


def _plain_ipv4(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise FetchRefused("the host looks like a number and is no IP address in its usual form") from None


def _path(path: str | None, query: str | None) -> str:
    try:
        return quote((path or "/") + (query or ""), safe=_AS_THEY_ARE)
    except UnicodeError:
        raise FetchRefused("the URL contains half a character") from None


def _check_public(target: Target) -> None:
    if target.is_address:
        if not is_public(target.host):
            raise FetchRefused(f"{target.host} is not a public address")
    elif "." not in target.host:
        raise FetchRefused(f"{target.host} is not a name of the public network")
