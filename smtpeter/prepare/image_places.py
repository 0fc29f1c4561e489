"""
Where an HTML document names embedded content (C{cid:}, RFC 2392), so that another address can be written there.

Places are the values of attributes that are addresses (C{src}, C{background}, …), lists of them (C{srcset}) or style
sheets (C{style}), and what C{style} elements hold; also in conditional comments, where Outlook finds its own. What is
named anywhere else, or in another way, is told too: that content must stay.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote_to_bytes

from attrs import field, frozen

from smtpeter.prepare.tokenizer import Tag, attributes, tags

_MENTION = re.compile(rb"(?i)cid:([^\s\"'<>()\\;,&]+)")
_CONDITION = re.compile(rb"<!--\[if [^\]<>]{0,200}\]>")
_CONDITION_END = b"<![endif]-->"

_ADDRESSES = frozenset(
    (b"src", b"background", b"poster", b"href", b"xlink:href", b"data", b"dynsrc", b"lowsrc", b"o:href")
)
_LISTS = frozenset((b"srcset", b"imagesrcset"))
_STYLES = frozenset((b"style",))
_SPACE = b" \t\r\n\f"
_MAX_SPACE = 100
_BEFORE_IN_LIST = frozenset((b"", b" ", b"\t", b"\r", b"\n", b"\f", b","))
_BEFORE_IN_STYLE = frozenset((b" ", b"\t", b"\r", b"\n", b"\f", b",", b";", b"(", b'"', b"'"))
_END_IN_LIST = re.compile(rb"[ \t\r\n\f,]|\Z")
_END_IN_STYLE = re.compile(rb"[ \t\r\n\f,;)\"']|&(?:quot|apos|#0{0,9}3[49]|#[xX]0{0,9}2[27]);|\Z")


@frozen(kw_only=True)
class Named:
    """
    What a document names.

    @ivar places: start, end and content id, in order; C{html[start:end]} is an address that begins with C{cid:}.
    @ivar elsewhere: content ids that are named where no other address can be written.
    """

    places: tuple[tuple[int, int, str], ...] = ()
    elsewhere: frozenset[str] = field(default=frozenset())


def find_named(html: bytes) -> Named:
    """
    What is named.

    @param html: in a charset whose markup is ASCII.
    """
    mentions = list(_MENTION.finditer(html))
    if not mentions:
        return Named()
    values = {start: (end, kind) for start, end, kind in _values(html, [each.start() for each in mentions])}
    starts = sorted(values)
    places: list[tuple[int, int, str]] = []
    elsewhere: set[str] = set()
    for mention in mentions:
        start = mention.start()
        index = bisect_right(starts, start) - 1
        begin = starts[index] if index >= 0 else 0
        value_end, kind = values.get(begin, (0, b""))
        if mention.end() <= value_end and _is_address(kind, html, begin, mention.span(), value_end):
            end, cid = _whole(html, start, value_end) if kind in _ADDRESSES else (mention.end(), _decoded(mention[1]))
            places.append((start, end, cid))
        else:
            elsewhere.add(_decoded(mention[1]))
    return Named(places=tuple(places), elsewhere=frozenset(elsewhere))


def mentioned(octets: bytes) -> frozenset[str]:
    """The content ids that a text names which is not changed, wherever and in whichever charset they stand there."""
    return frozenset(_decoded(each[1]) for each in _MENTION.finditer(octets.replace(b"\0", b"")))


def _decoded(raw: bytes | str) -> str:
    return unquote_to_bytes(raw).decode("utf-8", "replace")


def _whole(html: bytes, start: int, value_end: int) -> tuple[int, str]:
    """The end and the name of the one address that a value is, whatever characters it has."""
    raw = html[start:value_end].rstrip(_SPACE)
    return start + len(raw), _decoded(unescape(raw[len("cid:") :].decode("utf-8", "replace")))


def _is_address(kind: bytes, html: bytes, begin: int, span: tuple[int, int], value_end: int) -> bool:
    """Whether an address stands here in a value. No more is looked at than makes it one, since there may be many."""
    start, end = span
    if kind in _ADDRESSES:
        return start - begin <= _MAX_SPACE and not html[begin:start].strip(_SPACE)
    before = html[max(begin, start - 1) : start]
    if kind in _STYLES:
        return before in _BEFORE_IN_STYLE and _END_IN_STYLE.match(html, end, value_end) is not None
    return before in _BEFORE_IN_LIST and _END_IN_LIST.match(html, end, value_end) is not None


def _values(html: bytes, mentions: list[int]) -> Iterator[tuple[int, int, bytes]]:
    """Values in which something may be named: start, end and the name of the attribute, C{style} for elements."""
    covered: list[tuple[int, int]] = []
    for tag in tags(html):
        covered.append((tag.start, tag.end if tag.content is None else tag.content[1]))
        yield from _values_of(html, tag, 0, mentions)
    for start, end in _conditional(html, covered):
        for tag in tags(html[start:end]):
            yield from _values_of(html, tag, start, mentions)


def _values_of(html: bytes, tag: Tag, offset: int, mentions: list[int]) -> Iterator[tuple[int, int, bytes]]:
    if tag.is_end:
        return
    begin, end = offset + tag.start, offset + tag.end
    if _has(mentions, begin, end):
        for one in attributes(html, begin + 1 + len(tag.name), end):
            if one.name in _ADDRESSES or one.name in _LISTS or one.name in _STYLES:
                yield one.value_start, one.value_end, one.name
    if tag.name == b"style" and tag.content is not None:
        yield offset + tag.content[0], offset + tag.content[1], b"style"


def _has(mentions: list[int], start: int, end: int) -> bool:
    return bisect_right(mentions, end) > bisect_right(mentions, start)


def _conditional(html: bytes, covered: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What stands in conditional comments; C{covered} are the tags, in which there are none."""
    starts, position = [start for start, _ in covered], 0
    while found := _CONDITION.search(html, position):
        position = found.end()
        index = bisect_right(starts, found.start()) - 1
        if index >= 0 and found.start() < covered[index][1]:
            continue
        end = html.find(_CONDITION_END, position)
        if end < 0:
            return
        yield position, end
        position = end
