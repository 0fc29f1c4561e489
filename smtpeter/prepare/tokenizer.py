"""
The tags of an HTML document and where each attribute stands in its bytes.

It reads bytes of any charset in which markup is ASCII, and follows the tokenization of the HTML standard (13.2.5) so
far that a browser sees the same tags: comments (a conditional comment is one), C{style}, C{script}, C{title} and the
like, which hold no markup, quoted and unquoted values. Everything is found with regular expressions that never
backtrack, so the time is linear in the size whatever the bytes are. What follows an unfinished comment, tag or value
is, as in a browser, no markup any more.
"""

import re
from collections.abc import Collection, Generator, Iterator
from functools import lru_cache

from attrs import field, frozen

MAX_ATTRIBUTES = 1000
"""A tag with more names and gaps ends the reading: the regular expression keeps a place for each."""

_SPACE = rb"\t\n\f\r "
_VALUE = rb"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^%b>"'][^%b>]*+|(?=>)|\Z)""" % (_SPACE, _SPACE)
# Every byte but ">" starts either a gap or a name, and each continues in one way only: nothing is tried twice.
_PARTS = rb"(?:[%b/]++|[^%b/>][^%b/>=]*+(?:[%b]*+=[%b]*+%b|(?![%b]*+=))){0,%d}" % (
    _SPACE,
    _SPACE,
    _SPACE,
    _SPACE,
    _SPACE,
    _VALUE,
    _SPACE,
    MAX_ATTRIBUTES,
)
_MARKUP = re.compile(rb"<(?:(/?)([A-Za-z][^%b/>]*+)%b(>)?|(!--)|[!?/][^>]*+(>)?)" % (_SPACE, _PARTS))
_ATTRIBUTE = re.compile(
    rb"""([^%b/>][^%b/>=]*+)(?:[%b]*+=[%b]*+(?:"([^"]*+)"|'([^']*+)'|([^%b>"']?[^%b>]*+)))?"""
    % (_SPACE, _SPACE, _SPACE, _SPACE, _SPACE, _SPACE)
)
_COMMENT_END = re.compile(rb"--!?>")
_RAW = {
    name: re.compile(rb"(?i)</%b(?=[%b/>])" % (name, _SPACE))
    for name in (b"style", b"script", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
_ENDING = {*_RAW, b"plaintext"}
_PASSED = rb"""
    (?: [^<]++
      | <(?![A-Za-z/!?])
      | <(?!(?i:/?(?:%b))[%b/>])/?[A-Za-z][A-Za-z0-9]*+
        (?: [%b]++[A-Za-z][A-Za-z0-9:_-]*+(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[A-Za-z0-9\#%%]++)(?=[%b/>]))? ){0,99}+
        [%b]*+/?>
    )*+
"""
"""Text, and tags that can be read in one way only and have another name than those that are sought."""

_TAG, _COMMENT, _DECLARATION = 3, 4, 5
"""The last group of C{_MARKUP} that took part; of what is unfinished it is another."""
_QUOTES = (None, None, b'"', b"'", b"")


@frozen
class Attribute:
    """
    An attribute of a tag; offsets count from the start of the document.

    @ivar name: in lower case.
    @ivar value_start: where the value begins, behind its quote; the end of the name when there is no value.
    @ivar quote: C{b'"'}, C{b"'"}, C{b""} for an unquoted value, C{None} when the attribute has no value.
    """

    name: bytes
    name_start: int
    value_start: int
    value_end: int
    quote: bytes | None


@frozen
class Tag:
    """
    A start tag or end tag; C{html[start:end]} are its bytes, from C{<} to C{>}.

    @ivar name: in lower case.
    @ivar content: what a start tag of C{style}, C{script}, C{title}, C{textarea}, … holds, which is no markup; up to
        its end tag. C{None} for all other elements.
    """

    name: bytes
    start: int
    end: int
    is_end: bool
    content: tuple[int, int] | None
    _html: bytes = field(repr=False, eq=False)

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """All attributes as they stand, read anew at each call. Of several with one name a browser takes the first."""
        return tuple(map(_attribute, self._found()))

    def attribute(self, name: bytes) -> Attribute | None:
        """The attribute that counts of that lower-case name."""
        for found in self._found():
            if found[1].lower() == name:
                return _attribute(found)
        return None

    def _found(self) -> Iterator[re.Match[bytes]]:
        begin = self.start + 1 + self.is_end + len(self.name)
        return _ATTRIBUTE.finditer(self._html, begin, self.end - 1)


def tags(html: bytes, names: Collection[bytes] | None = None, has_ends: bool = True) -> Iterator[Tag]:
    """
    Find start tags and end tags in the order of the document.

    @param names: lower-case names of the tags wanted; all when C{None}.
    @param has_ends: whether end tags are wanted.
    """
    position: int | None = 0
    while position is not None:
        position = yield from _run(html, position, names, has_ends)


def _run(
    html: bytes, position: int, names: Collection[bytes] | None, has_ends: bool
) -> Generator[Tag, None, int | None]:
    """Tags up to the next thing that holds no markup; returns where to go on, C{None} at the end."""
    for match in _MARKUP.finditer(html, position) if names is None else _sought(html, position, frozenset(names)):
        found = match.lastindex
        if found == _COMMENT:
            return _after_comment(html, match.end())
        if found == _DECLARATION:
            continue
        if found != _TAG:
            return None
        is_end = bool(match[1])
        if is_end and not has_ends:
            continue
        name = match[2].lower()
        is_wanted = names is None or name in names
        if not is_wanted and name not in _ENDING:
            continue
        raw = None if is_end else _RAW.get(name)
        content = None if raw is None else _content(html, match.end(), raw)
        if is_wanted:
            yield Tag(name, match.start(), match.end(), is_end, content, html)
        if content is not None:
            return content[1]
        if name == b"plaintext" and not is_end:
            return None
    return None


def _sought(html: bytes, position: int, names: frozenset[bytes]) -> Iterator[re.Match[bytes]]:
    """What C{_MARKUP} finds, but for plain tags of other names, of which many are passed at once."""
    passed = _passed(names)
    while match := _MARKUP.match(html, _end(passed.match(html, position))):
        yield match
        position = match.end()


@lru_cache(maxsize=16)
def _passed(names: frozenset[bytes]) -> re.Pattern[bytes]:
    stops = b"|".join(sorted(names | _ENDING))
    # In a class of verbose syntax white space counts, so the bytes are written as escapes.
    space = rb"\t\n\f\r\x20"
    return re.compile(_PASSED % (stops, space, space, space, space), re.VERBOSE)


def _end(match: re.Match[bytes] | None) -> int:
    return match.end() if match else 0


def _after_comment(html: bytes, position: int) -> int | None:
    """Where the comment ends whose C{<!--} ends at C{position}; C{None} when it has no end."""
    for empty in (b">", b"->"):
        if html.startswith(empty, position):
            return position + len(empty)
    found = _COMMENT_END.search(html, position)
    return None if found is None else found.end()


def _content(html: bytes, position: int, end: re.Pattern[bytes]) -> tuple[int, int]:
    found = end.search(html, position)
    return position, len(html) if found is None else found.start()


def _attribute(found: re.Match[bytes]) -> Attribute:
    group = found.lastindex or 1
    start, end = (found.end(1), found.end(1)) if group == 1 else found.span(group)
    return Attribute(found.group(1).lower(), found.start(1), start, end, _QUOTES[group])
