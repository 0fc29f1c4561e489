"""
What a browser asks for when a link is clicked: the URL parser of the WHATWG standard, for http and https only.

Where the standard leaves room, or where one reader of mail would go elsewhere than another, the link is refused here
and stays as its sender wrote it: an untracked link harms nobody, a wrong one does. So do C{https:/x} and C{https:x},
which are relative addresses where the page has the same scheme, as in web mail or behind C{base}.
"""

import re
import unicodedata
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

import idna

MAX_URL = 8000
"""Longer addresses are left alone, in characters."""

MAX_HOST = 254

_DEFAULT_PORTS = {"http": 80, "https": 443}
_TRIMMED = "".join(map(chr, range(0x21)))
_DROPPED = re.compile(r"[\t\n\r]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PARTS = re.compile(
    r"(?P<scheme>https?):[/\\]{2,}+(?P<authority>[^/\\?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#(?P<fragment>.*))?",
    re.IGNORECASE,
)
_PLAIN_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNWRITTEN = {"big5hkscs": bytes(range(0x81, 0xA1)), "euc_jp": b"\x8f"}
"""First bytes of characters that browsers read in these charsets but do not write (Encoding standard, 11 and 12)."""

_INCOMPLETE = frozenset(("gbk", "big5hkscs"))
"""Codecs that lack characters which browsers can write."""

_DOTS = {".": 1, "%2e": 1, "..": 2, ".%2e": 2, "%2e.": 2, "%2e%2e": 2}
_USER_SET = re.compile(rb"[^!$%&'()*+,\-.0-9A-Z_a-z~]")
_PATH_SET = re.compile(rb'[^!-~]|["#<>?^`{}]')
_QUERY_SET = re.compile(rb"[^!-~]|[\"#<>']")
_FRAGMENT_SET = re.compile(rb'[^!-~]|["<>`]')


class NotTrackable(Exception):
    """The text is no address of the web that every browser understands in one way."""


class BrowserURL(NamedTuple):
    """
    An address as a browser sends it; all ASCII. A tuple, since a message has a hundred of them.

    @ivar authority: user information when there is some, host in A-labels, port unless it is the scheme's own.
    @ivar target: path and query, as in a request; begins with a slash.
    @ivar fragment: what follows the C{#}; C{None} without one.
    @ivar is_verbatim: whether C{target} was written so, and nothing but scheme and host had to be brought into form.
    @ivar is_path_empty: whether the slash of C{target} was not written.
    @ivar is_common: whether it is of the short and simple kind that most are.
    """

    scheme: str
    authority: str
    target: str
    fragment: str | None
    is_verbatim: bool
    is_path_empty: bool
    is_common: bool = False

    @property
    def url(self) -> str:
        """Without the fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


_COMMON = re.compile(
    r"(https?)://((?:[a-z0-9_-]+\.)+[a-z]{2,63})(/(?:[A-Za-z0-9_~,;:@=&+$!*()-]++[/.]?)*+)(\?[A-Za-z0-9_~,;:@=&+$!*()/.-]*)?"
)
"""Most addresses, which are in a browser's form already."""


def browser_url(text: str, encoding: str | None = "utf-8") -> BrowserURL:
    """
    Read an address.

    @param text: an attribute's value, its entities decoded.
    @param encoding: the codec of the document, which the query is encoded in; C{None} when it is not known.
    @raise NotTrackable: it is relative, of another scheme, or in doubt.
    """
    common = _COMMON.fullmatch(text) if len(text) < MAX_HOST else None
    if common is not None:
        scheme, authority, path, query = common.groups("")
        return BrowserURL(scheme, authority, path + query, None, True, False, True)
    text = _DROPPED.sub("", text.strip(_TRIMMED))
    found = _PARTS.fullmatch(text)
    if found is None or len(text) > MAX_URL or _CONTROL.search(text):
        raise NotTrackable(text[:80])
    try:
        return _parse(found, encoding)
    except (ValueError, LookupError):
        # Unicode errors and the errors of idna are among them.
        raise NotTrackable(text[:80]) from None


def _parse(found: re.Match[str], encoding: str | None) -> BrowserURL:
    scheme = found["scheme"].lower()
    user, at, address = found["authority"].rpartition("@")
    query = found["query"] or ""
    fragment = found["fragment"]
    path = _path(found["path"]) + _query(query, encoding)
    return BrowserURL(
        scheme=scheme,
        authority=_user(user) + _address(address, _DEFAULT_PORTS[scheme]),
        target=path,
        fragment=None if fragment is None else _escape(_FRAGMENT_SET, fragment.encode()),
        is_verbatim=not at and path == found["path"] + query,
        is_path_empty=not found["path"],
    )


def _escape(pattern: re.Pattern[bytes], raw: bytes) -> str:
    return pattern.sub(lambda found: b"%%%02X" % found.group()[0], raw).decode("ascii")


def _user(text: str) -> str:
    name, _, password = text.partition(":")
    if not name and not password:
        return ""
    shown = _escape(_USER_SET, name.encode()) + (":" + _escape(_USER_SET, password.encode()) if password else "")
    return shown + "@"


def _address(text: str, default_port: int) -> str:
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, ""
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError("no port")
    shown = "" if not port or int(port) == default_port else f":{int(port)}"
    return _host(host) + shown


def _host(text: str) -> str:
    """A host in the form in which it is looked up (URL standard, 3.5)."""
    if text.startswith("["):
        return _ipv6(text)
    if len(text) > 3 * MAX_HOST:
        raise ValueError("no host")
    if "%" in text:
        text = unquote_to_bytes(text).decode()
    name = text.lower() if text.isascii() else _a_labels(text)
    if not _PLAIN_HOST.fullmatch(name) or len(name) > MAX_HOST:
        raise ValueError("no host")
    last = name.rstrip(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last) and str(IPv4Address(name)) != name:
        raise ValueError("an address in an odd form")
    return name


def _ipv6(text: str) -> str:
    try:
        address = IPv6Address(text[1:-1])
    except AddressValueError:
        raise ValueError("no IPv6 address") from None
    if address.ipv4_mapped is not None or address.scope_id or f"[{address.compressed}]" != text.lower():
        raise ValueError("an address in an odd form")
    return text.lower()


def _a_labels(text: str) -> str:
    """The non-transitional mapping of UTS 46, which takes more names than IDNA 2008 (pictures, for one)."""
    mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
    return ".".join(_a_label(label) for label in re.split("[.\u3002\uff0e\uff61]", mapped))


def _a_label(label: str) -> str:
    if label.isascii():
        return label
    if label.startswith("xn--"):
        raise ValueError("an A-label with other characters")
    is_plain = all(unicodedata.bidirectional(character) not in ("R", "AL", "AN") for character in label)
    if not is_plain or "\u200c" in label or "\u200d" in label:
        return idna.alabel(label).decode("ascii")
    if unicodedata.category(label[0]).startswith("M"):
        raise ValueError("a label that begins with a mark")
    return "xn--" + label.encode("punycode").decode("ascii")


def _path(text: str) -> str:
    path = _escape(_PATH_SET, (text or "/").replace("\\", "/").encode())
    segments = path[1:].split("/")
    if not any(segment.lower() in _DOTS for segment in segments):
        return path
    kept: list[str] = []
    for segment in segments:
        dots = _DOTS.get(segment.lower(), 0)
        if dots == 2 and kept:
            kept.pop()
        if not dots:
            kept.append(segment)
    if segments[-1].lower() in _DOTS:
        kept.append("")
    return "/" + "/".join(kept)


def _query(text: str, encoding: str | None) -> str:
    if text.isascii():
        return _escape(_QUERY_SET, text.encode())
    if encoding is None:
        raise ValueError("the charset is not known")
    return "".join(_query_character(character, encoding) for character in text)


def _query_character(character: str, encoding: str) -> str:
    """A character that the charset lacks goes as a reference (URL standard, percent-encode after encoding)."""
    try:
        raw = character.encode(encoding)
    except UnicodeEncodeError:
        if encoding in _INCOMPLETE:
            raise
        return f"%26%23{ord(character)}%3B"
    if raw[0] in _UNWRITTEN.get(encoding, b""):
        raise ValueError("browsers write it as a reference")
    return _escape(_QUERY_SET, raw)
