"""
Links that lead through us: the token, and the way back from it to the address.

A link keeps its path and query in sight (C{/<token>/news?id=1}) when they are written as browsers send them and no
gateway is likely to rewrite them; all other addresses go whole into the token (C{/c/<token>}). The MAC covers scheme,
authority, path, query and the tracking host, so a redirect reads no table and leads nowhere but where the sender
wanted. Parameters that gateways append are passed on. A fragment stays with the browser (RFC 9110, 10.2.2).
"""

import re
from functools import lru_cache

from attrs import frozen

from smtpeter.model.identity import ID_BYTES
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.marks import Mark
from smtpeter.tracking.seal import (
    MAC_BYTES,
    Forged,
    Kind,
    behind_length,
    check,
    open_seal,
    plain_host,
    raw_id,
    read_base64,
    seal_over,
    write_base64,
)
from smtpeter.tracking.urls import BrowserURL, browser_url

MAX_VISIBLE = 1000
"""A longer path and query goes whole into the token, in characters."""

MAX_LINKS = 1 << 24

_HTTPS = 1
_EMPTY_PATH = 2
_HEAD_BYTES = 9
_BODY_AT = _HEAD_BYTES + ID_BYTES + MAC_BYTES
_NEEDLESS = r"2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E"
_ESCAPE = rf"%(?!{_NEEDLESS})[0-9A-F]{{2}}"
_PLAIN = r"[A-Za-z0-9._~,;:@=&+$!*()-]"
# No two slashes in a row and no escape that servers treat specially (NUL, slash, backslash).
_VISIBLE = re.compile(rf"(?:/(?!/)|{_PLAIN}++|(?!%00|%2F|%5C){_ESCAPE})*+(?:\?(?:[/?]|{_PLAIN}++|{_ESCAPE})*+)?")
_WHOLE = re.compile(rb"/c/([A-Za-z0-9_-]+)")
_PATH = re.compile(rb"/([A-Za-z0-9_-]+)(?=/)")
_UNSAFE = re.compile(rb'[^!-~]|["<>\\^`{|}]')


@frozen(kw_only=True)
class Click:
    """
    A link that was followed.

    @ivar url: the address as the sender gave it, without its fragment, in a browser's form.
    @ivar destination: where to redirect to: C{url} with a path, and what gateways appended. ASCII.
    """

    message_id: str
    link_number: int
    url: str
    destination: str


def click_mark(keys: MacKeys, host: str, link_number: int, url: BrowserURL) -> Mark:
    """
    The path of a link behind the tracking base, for any message; the fragment is not in it.

    @param host: the tracking host on which alone it will work.
    @raise ValueError: the link number is over C{MAX_LINKS}.
    """
    if not 0 <= link_number < MAX_LINKS:
        raise ValueError("too many links")
    target = url.target[1:] if url.is_path_empty else url.target
    kind, before, hidden, shown = Kind.CLICK, "/", url.authority, target
    if not _is_visible(url):
        kind, before, hidden, shown = Kind.CLICK_WHOLE, "/c/", url.authority + target, ""
    flags = _HTTPS * (url.scheme == "https") | _EMPTY_PATH * url.is_path_empty
    head = bytes((kind, keys.current, flags)) + ((link_number << 24) + len(target)).to_bytes(6)
    encoded, covered = _place(hidden, host)
    covered = b"".join((behind_length(head), covered, behind_length(shown.encode())))
    return Mark(before + write_base64(head), seal_over(keys, kind, keys.current, covered), encoded + shown)


@lru_cache(maxsize=256)
def _place(hidden: str, host: str) -> tuple[str, bytes]:
    """The body of a token in base64, and what is covered of it and the host; kept, as links lead to few places."""
    body = hidden.encode()
    return write_base64(body), behind_length(body) + behind_length(plain_host(host).encode())


def make_click(keys: MacKeys, host: str, message_id: str, link_number: int, url: str) -> str:
    """
    The path of one message's link behind the tracking base, its slash included.

    @raise NotTrackable: C{url} is none that can be followed safely.
    """
    return click_mark(keys, host, link_number, browser_url(url)).write(raw_id(message_id))


def _is_visible(url: BrowserURL) -> bool:
    """What is common is visible: the set of its characters is smaller, and it is shorter."""
    if url.is_common:
        return True
    return url.is_verbatim and len(url.target) <= MAX_VISIBLE and _VISIBLE.fullmatch(url.target) is not None


def read_click(keys: MacKeys, host: str, path_and_query: bytes) -> Click:
    """
    Where a link leads.

    @param host: the host that was asked for it.
    @param path_and_query: of the request, behind the path of the tracking base.
    @raise Forged: it is no link of ours on this host.
    """
    whole = _WHOLE.match(path_and_query)
    if whole is not None:
        return _read_whole(keys, host, whole[1].decode("ascii"), path_and_query[whole.end() :])
    found = _PATH.match(path_and_query)
    if found is None:
        raise Forged("no link")
    return _read_visible(keys, host, found[1].decode("ascii"), path_and_query[found.end() :])


@frozen
class _Token:
    raw: bytes

    @property
    def body(self) -> bytes:
        return self.raw[_BODY_AT:]

    @property
    def scheme(self) -> str:
        return "https" if self.raw[2] & _HTTPS else "http"

    @property
    def link_number(self) -> int:
        return int.from_bytes(self.raw[3:6], "big")

    @property
    def length(self) -> int:
        return int.from_bytes(self.raw[6:9], "big")

    def check(self, keys: MacKeys, kind: Kind, host: str, target: bytes) -> str:
        raw = self.raw
        if len(raw) <= _BODY_AT:
            raise Forged("no token of a link")
        covered = (raw[:_HEAD_BYTES], self.body, plain_host(host).encode(), target)
        seal = open_seal(keys, kind, raw[1], covered)
        return check(seal.raw, raw[_HEAD_BYTES : _HEAD_BYTES + ID_BYTES], raw[_HEAD_BYTES + ID_BYTES : _BODY_AT])


def _read_visible(keys: MacKeys, host: str, text: str, rest: bytes) -> Click:
    token = _Token(read_base64(text))
    target, appended = rest[: token.length], rest[token.length :]
    message_id = token.check(keys, Kind.CLICK, host, target)
    url = f"{token.scheme}://{(token.body + target).decode('ascii')}"
    extra = _parameters(appended, url)
    if extra[:1] == "&" and "?" not in url:
        extra = "?" + extra[1:]
    return Click(message_id=message_id, link_number=token.link_number, url=url, destination=url + extra)


def _read_whole(keys: MacKeys, host: str, text: str, appended: bytes) -> Click:
    token = _Token(read_base64(text))
    message_id = token.check(keys, Kind.CLICK_WHOLE, host, b"")
    url = f"{token.scheme}://{token.body.decode('ascii')}"
    destination = url
    if token.raw[2] & _EMPTY_PATH:
        authority, mark, query = url.partition("?")
        destination = f"{authority}/{mark}{query}"
    extra = _parameters(appended, "")
    if extra:
        extra = ("&" if "?" in destination else "?") + extra[1:]
    return Click(message_id=message_id, link_number=token.link_number, url=url, destination=destination + extra)


def _parameters(appended: bytes, url: str) -> str:
    """
    What a gateway put behind the address.

    @raise Forged: it is more than parameters, and could lead to another page.
    """
    if appended and appended[:1] not in (b"?", b"&") and not ("?" in url and url[-1] in "?&"):
        raise Forged("the path was changed")
    return _UNSAFE.sub(lambda found: b"%%%02X" % found.group()[0], appended).decode("ascii")
