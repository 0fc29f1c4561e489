"""
The tags of an HTML document and where each attribute stands in its bytes.

It reads bytes of any charset in which markup is ASCII, and follows the tokenization of the HTML standard (13.2.5) so
far that a browser sees the same tags: comments (a conditional comment is one), C{style}, C{script}, C{title} and the
like, which hold no markup, quoted and unquoted values. Everything is found with regular expressions that never
backtrack, so the time is linear in the size whatever the bytes are. What follows an unfinished comment, tag or value
is, as in a browser, no markup any more.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from attrs import define, field

MAX_ATTRIBUTES = 1000
"""A tag with more names and gaps ends the reading: the regular expression keeps a place for each."""

_SPACE = rb"\t\n\f\r "
_VALUE = rb"""(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^%b>"'][^%b>]*+|(?=>)|\Z)""" % (_SPACE, _SPACE)
# Most attributes, at twice the speed of what follows, which reads all.
_SIMPLE = rb"""(?:[%b]++[A-Za-z][A-Za-z0-9:_-]*+="[^"]*+"){0,99}+""" % _SPACE
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
# It finds something, at the end of the bytes too, wherever what is passed ends: so nothing is sought twice.
_MARKUP = rb"(?:<(?:(/?)([A-Za-z][^%b/>]*)%b%b(>)?|(!--)|[!?/][^>]*+(>)?)|\Z)" % (_SPACE, _SIMPLE, _PARTS)
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
_TEXT = rb"[^<]++|<(?![A-Za-z/!?])"
_OTHER_TAGS = rb"""<(?!(?i:/?(?:%b))[%b/>])/?[A-Za-z][A-Za-z0-9]*+
    (?:[%b]++[A-Za-z][A-Za-z0-9:_-]*+(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[A-Za-z0-9#%%]++)(?=[%b/>]))?){0,99}+[%b]*+/?>
""".replace(b"\n    ", b"").strip()
"""Tags that can be read in one way only and have another name than those that are sought."""
_OTHER_ENDS = rb"</(?!(?i:%b)>)[A-Za-z][A-Za-z0-9]*+>"

_TAG, _COMMENT, _DECLARATION = 3, 4, 5
"""The last group of C{_MARKUP} that took part; of what is unfinished it is another."""
_QUOTES = (None, None, b'"', b"'", b"")

_Found = tuple[bytes, int, int, bool, tuple[int, int] | None]
"""Of a tag: name, start, end, whether it is an end tag, content."""


# Not frozen, since that doubles the time it takes to make one.
@define
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


@define
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
        return attributes(self._html, self.start + 1 + self.is_end + len(self.name), self.end)

    def attribute(self, name: bytes) -> Attribute | None:
        """The attribute that counts of that lower-case name."""
        begin = self.start + 1 + self.is_end + len(self.name)
        for found in _ATTRIBUTE.finditer(self._html, begin, self.end - 1):
            if found[1].lower() == name:
                return _attribute(found)
        return None


@define(eq=False)
class Outline:
    """
    All start tags of a document, in their order, as columns: an object for each would take longer than finding it.

    @ivar names: in lower case.
    @ivar name_ends: where the name of each ends.
    @ivar ends: behind the C{>} of each.
    @ivar contents: by place in the columns, what those hold that hold no markup (L{Tag.content}).
    @ivar tags: the tags of the names that were asked for, end tags among them.
    """

    names: list[bytes] = field(factory=list)
    name_ends: list[int] = field(factory=list)
    ends: list[int] = field(factory=list)
    contents: dict[int, tuple[int, int]] = field(factory=dict)
    tags: list[Tag] = field(factory=list)


def attributes(html: bytes, name_end: int, end: int) -> tuple[Attribute, ...]:
    """
    The attributes of a tag.

    @param name_end: where its name ends.
    @param end: behind its C{>}.
    """
    return tuple(map(_attribute, _ATTRIBUTE.finditer(html, name_end, end - 1)))


def tags(html: bytes, names: Collection[bytes] | None = None, has_ends: bool = True) -> Iterator[Tag]:
    """
    Find start tags and end tags in the order of the document.

    @param names: lower-case names of the tags wanted; all when C{None}.
    @param has_ends: whether end tags are wanted.
    """
    pattern = _pattern(None if names is None else frozenset(names), False)
    for name, start, end, is_end, content in _found(html, pattern):
        if (names is None or name in names) and (has_ends or not is_end):
            yield Tag(name, start, end, is_end, content, html)


def outline(html: bytes, names: Collection[bytes]) -> Outline:
    """
    Find all start tags at once.

    @param names: lower-case names of the tags that are wanted as such too, and of the only end tags that are.
    """
    result, pattern = Outline(), _pattern(frozenset(names), True)
    position: int | None = 0
    while position is not None:
        position = _extend(result, html, position, pattern, names)
    return result


def _extend(
    result: Outline, html: bytes, position: int, pattern: re.Pattern[bytes], names: Collection[bytes]
) -> int | None:
    """Add what there is up to the next thing that holds no markup; where to go on, C{None} at the end."""
    add_name, add_name_end, add_end = result.names.append, result.name_ends.append, result.ends.append
    for match in pattern.finditer(html, position):
        if match.lastindex != _TAG:
            if match.lastindex == _DECLARATION:
                continue
            return _behind(html, match)
        slash, name = match.group(1, 2)
        name, end = name.lower(), match.end()
        is_raw = not slash and name in _ENDING
        content = _content(html, end, name) if is_raw else None
        if name in names:
            result.tags.append(Tag(name, match.start(1) - 1, end, slash == b"/", content, html))
        if slash:
            continue
        if content is not None:
            result.contents[len(result.names)] = content
        add_name(name)
        add_name_end(match.end(2))
        add_end(end)
        if is_raw:
            return None if content is None else content[1]
    return None


def _found(html: bytes, pattern: re.Pattern[bytes]) -> Iterator[_Found]:
    """Tags that the pattern does not pass over."""
    position: int | None = 0
    while position is not None:
        matches, position = pattern.finditer(html, position), None
        for match in matches:
            if match.lastindex != _TAG:
                if match.lastindex == _DECLARATION:
                    continue
                position = _behind(html, match)
                break
            slash, name = match.group(1, 2)
            name = name.lower()
            if slash or name not in _ENDING:
                yield name, match.start(1) - 1, match.end(), slash == b"/", None
                continue
            content = _content(html, match.end(), name)
            yield name, match.start(1) - 1, match.end(), False, content
            position = content[1] if content is not None else None
            break


@lru_cache(maxsize=16)
def _pattern(names: frozenset[bytes] | None, has_all_starts: bool) -> re.Pattern[bytes]:
    """
    What finds the next markup, and passes many things at once that are none or not wanted.

    @param names: of the tags that are wanted; all when C{None}.
    @param has_all_starts: whether all start tags are.
    """
    if names is None:
        passed = _TEXT
    elif has_all_starts:
        passed = rb"%b|%b" % (_TEXT, _OTHER_ENDS % b"|".join(sorted(names)))
    else:
        stops = b"|".join(sorted(names | _ENDING))
        passed = rb"%b|%b" % (_TEXT, _OTHER_TAGS % (stops, _SPACE, _SPACE, _SPACE, _SPACE))
    return re.compile(rb"(?:%b)*+%b" % (passed, _MARKUP))


def _behind(html: bytes, match: re.Match[bytes]) -> int | None:
    """Where to go on behind a comment; C{None} where it has no end, or something else is unfinished."""
    if match.lastindex != _COMMENT:
        return None
    position = match.end()
    for empty in (b">", b"->"):
        if html.startswith(empty, position):
            return position + len(empty)
    found = _COMMENT_END.search(html, position)
    return None if found is None else found.end()


def _content(html: bytes, position: int, name: bytes) -> tuple[int, int] | None:
    """What an element holds that holds no markup, up to its end tag; C{None} when nothing ends it."""
    end = _RAW.get(name)
    if end is None:
        return None
    found = end.search(html, position)
    return position, len(html) if found is None else found.start()


def _attribute(found: re.Match[bytes]) -> Attribute:
    group = found.lastindex or 1
    start, end = (found.end(1), found.end(1)) if group == 1 else found.span(group)
    return Attribute(found.group(1).lower(), found.start(1), start, end, _QUOTES[group])
