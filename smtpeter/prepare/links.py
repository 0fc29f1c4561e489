"""
Finds the links of an HTML document that are to lead through us, and writes them anew in their places.

Links are C{href} of C{a} and C{area} with C{http} or C{https}. What stands in comments (conditional ones too) is no
link here. A link stays as it is when its address is in doubt, when it is kept on purpose, and with C{preventscam} when
its visible text is an address: a reader who compares the two would be warned of a fraud.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from html import unescape
from itertools import chain, pairwise
from typing import NamedTuple

from smtpeter.mime.charsets import Charset
from smtpeter.prepare.references import decode_references, encode_references
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.tokenizer import Tag
from smtpeter.tracking.tokens import BrowserURL, Mark, NotTrackable, browser_url

LINK_TAGS = frozenset((b"a", b"area"))
HTTP = re.compile(r"[\x00-\x20]*h[\t\n\r]*t[\t\n\r]*t[\t\n\r]*p", re.IGNORECASE)
"""What an address of C{http} or C{https} begins with, as browsers read it."""
_INNER_MARKUP = re.compile(rb"<!--(?:[^-]|-(?!->))*+(?:-->|\Z)|<[A-Za-z/!?][^>]*+(?:>|\Z)")
_BREAK = re.compile(rb"(?i)<(?:br|p|div|td|tr|table|li|h[1-6])(?=[\s/>])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]+")
_AROUND = "<>()[]\u00ab\u00bb\u2039\u203a\u201c\u201d\"' \u00a0"
_SHOWN_ADDRESS = re.compile(
    r"(?:https?:|ftp:|www\.)\S+"
    r"|[\w-]+(?:\.[\w-]+)*\.(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)\.?(?::\d+)?(?:[/?#]\S*)?"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:[/?#]\S*)?",
    re.IGNORECASE,
)
_MAX_SHOWN = 2000
_LIST_ADDRESS = re.compile(r"<([^<>]*)>")


class Link(NamedTuple):
    """
    A link that can be followed through us. A tuple, since a message has a hundred of them.

    @ivar start: where the value of its C{href} stands, without quotes.
    """

    start: int
    end: int
    url: BrowserURL


def find_links(
    html: bytes,
    charset: Charset,
    *,
    tags: Iterable[Tag],
    preventscam: bool = False,
    kept: Collection[str] = (),
    base: str = "",
) -> Iterator[Link]:
    """
    The links in the order of the document.

    @param tags: of the document, at least the start tags with a name in C{LINK_TAGS}; with C{preventscam} their end
        tags too.
    @param kept: addresses, without fragments, that stay as they are.
    @param base: our own tracking base; what is below it stays as well.
    """
    own = base + "/"
    links = (tag for tag in tags if tag.name in LINK_TAGS)
    for tag, following in pairwise(chain(links, (None,))):
        if tag is None or tag.is_end:
            continue
        link = _read(html, tag, charset)
        if link is None:
            continue
        # No address of another host is ours, and mostly none is kept.
        if (kept or link.url.authority in own) and _is_kept(link.url.url, kept, own):
            continue
        end = len(html) if following is None else following.start
        if not (preventscam and tag.name == b"a" and is_address(html[tag.end : end], charset)):
            yield link


def _is_kept(url: str, kept: Collection[str], own: str) -> bool:
    return url in kept or (len(own) > 1 and url.startswith(own))


def _read(html: bytes, tag: Tag, charset: Charset) -> Link | None:
    place = tag.value(b"href")
    if place is None:
        return None
    value = charset.decode(html[slice(*place)])
    text = "" if value is None else decode_references(value)
    if text[:4] != "http" and not HTTP.match(text):
        return None
    try:
        return Link(*place, browser_url(text, charset.codec))
    except NotTrackable:
        return None


def is_address(content: bytes, charset: Charset) -> bool:
    """Whether all that the reader sees of a link is an address."""
    text = unescape(charset.text(_INNER_MARKUP.sub(b"", _BREAK.sub(b" ", content))))
    shown = _INVISIBLE.sub("", text).strip().strip(_AROUND).rstrip(".,;:!")
    return len(shown) <= _MAX_SHOWN and _SHOWN_ADDRESS.fullmatch(shown) is not None


def kept_addresses(list_unsubscribe: Iterable[str]) -> frozenset[str]:
    """The addresses in List-Unsubscribe fields (RFC 2369, 3.2; RFC 8058), as L{find_links} compares them."""
    kept = set()
    for value in list_unsubscribe:
        for address in _LIST_ADDRESS.findall("".join(value.split())):
            try:
                kept.add(browser_url(address).url)
            except NotTrackable:
                continue
    return frozenset(kept)


def link_splice(link: Link, mark: Mark, base: str) -> Splice:
    """
    What makes a link lead through us.

    @param mark: made for the address of the link.
    @param base: the tracking base.
    """
    tail = mark.tail if link.url.fragment is None else f"{mark.tail}#{link.url.fragment}"
    before = _encoded_base(base) + mark.head.encode("ascii")
    return Splice(link.start, link.end, (before, mark.seal, encode_references(tail)))


@lru_cache(maxsize=256)
def _encoded_base(base: str) -> bytes:
    """The base in front of what a mark begins with, which is a slash and base64 and so needs no references."""
    return encode_references(base)
