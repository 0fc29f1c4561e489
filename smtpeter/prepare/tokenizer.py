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

from attrs import define, field, frozen

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
_OTHER_TAGS = rb"""<(?!(?i:%b|/(?:%b))[%b/>])/?[A-Za-z][A-Za-z0-9]*+
    (?:[%b]++[A-Za-z][A-Za-z0-9:_-]*+(?:=(?:"[^"<>]*+"|'[^'<>]*+'|[A-Za-z0-9#%%]++)(?=[%b/>]))?){0,99}+[%b]*+/?>
""".replace(b"\n    ", b"").strip()
"""Tags that can be read in one way only and have another name than those that are sought."""
_OTHER_ENDS = rb"</(?!(?i:%b)>)[A-Za-z][A-Za-z0-9]*+>"

_TAG, _COMMENT, _DECLARATION = 3, 4, 5
"""The last group of C{_MARKUP} that took part; of what is unfinished it is another."""
_PLAIN_NAME, _PLAIN, _OTHER_END, _OUTLINE_COMMENT, _OUTLINE_DECLARATION = 4, 5, 6, 7, 8
"""The same of an outline's pattern; C{_TAG} is what needs a second look."""
_PASSED_OVER = (_OTHER_END, _OUTLINE_DECLARATION)
_QUOTES = (None, None, b'"', b"'", b"")


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

    def value(self, name: bytes) -> tuple[int, int] | None:
        """Where the value of that attribute stands: the same, in half the time where attributes are simple."""
        simple = _simple(name).match(self._html, self.start + 1 + self.is_end + len(self.name))
        if simple is not None:
            return simple.span(1)
        found = self.attribute(name)
        return None if found is None else (found.value_start, found.value_end)


@define(eq=False)
class Outline:
    """
    The start tags of a document as columns: an object for each would take longer than finding it.

    @ivar name_ends: where the name of each ends.
    @ivar ends: behind the C{>} of each.
    @ivar sheets: of each C{style} element, where its name ends, and what it holds.
    @ivar tags: the tags that were asked for as such.
    """

    name_ends: list[int] = field(factory=list)
    ends: list[int] = field(factory=list)
    sheets: list[tuple[int, tuple[int, int]]] = field(factory=list)
    tags: list[Tag] = field(factory=list)


@frozen(kw_only=True)
class Outlined:
    """
    What an outline is to have; all names are in lower case.

    @ivar left_out: elements that have no place in its columns.
    @ivar starts: start tags that are wanted as such too.
    @ivar ends: end tags that are.
    """

    left_out: frozenset[bytes] = frozenset()
    starts: frozenset[bytes] = frozenset()
    ends: frozenset[bytes] = frozenset()


def attributes(html: bytes, name_end: int, end: int) -> tuple[Attribute, ...]:
    """
    The attributes of a tag.

    @param name_end: where its name ends.
    @param end: behind its C{>}.
    """
    return tuple(map(_attribute, _ATTRIBUTE.finditer(html, name_end, end - 1)))


def tags(html: bytes, names: Collection[bytes] | None = None, ends: Collection[bytes] | None = None) -> Iterator[Tag]:
    """
    Find start tags and end tags in the order of the document.

    @param names: lower-case names of the tags wanted; all when C{None}.
    @param ends: of these, the names of the end tags wanted; all when C{None}.
    """
    starts = None if names is None else frozenset(names)
    wanted = starts if ends is None else frozenset(ends)
    for tag in _found(html, _pattern(starts, wanted)):
        chosen = wanted if tag.is_end else starts
        if chosen is None or tag.name in chosen:
            yield tag


def outline(html: bytes, wanted: Outlined) -> Outline:
    """Find all start tags at once."""
    result, pattern = Outline(), _outline_pattern(wanted)
    position: int | None = 0
    while position is not None:
        position = _extend(result, html, position, pattern, wanted)
    return result


def _extend(result: Outline, html: bytes, position: int, pattern: re.Pattern[bytes], wanted: Outlined) -> int | None:
    """Add what there is up to the next thing that holds no markup; where to go on, C{None} at the end."""
    add_name_end, add_end = result.name_ends.append, result.ends.append
    for match in pattern.finditer(html, position):
        kind = match.lastindex
        if kind == _PLAIN:
            add_name_end(match.end(_PLAIN_NAME))
            add_end(match.end())
        elif kind == _TAG:
            tag = _tag(html, match)
            _add(result, tag, match.end(2), wanted)
            if tag.name in _ENDING and not tag.is_end:
                return None if tag.content is None else tag.content[1]
        elif kind == _OUTLINE_COMMENT:
            return _behind_comment(html, match.end())
        elif kind not in _PASSED_OVER:
            return None
    return None


def _add(result: Outline, tag: Tag, name_end: int, wanted: Outlined) -> None:
    if tag.name in (wanted.ends if tag.is_end else wanted.starts):
        result.tags.append(tag)
    if tag.is_end:
        return
    if tag.name == b"style":
        result.sheets.append((name_end, tag.content or (tag.end, tag.end)))
    if tag.name not in wanted.left_out:
        result.name_ends.append(name_end)
        result.ends.append(tag.end)


def _tag(html: bytes, match: re.Match[bytes]) -> Tag:
    slash, name = match.group(1, 2)
    name, end = name.lower(), match.end()
    content = _content(html, end, name) if name in _ENDING and not slash else None
    return Tag(name, match.start(1) - 1, end, slash == b"/", content, html)


@lru_cache(maxsize=16)
def _outline_pattern(wanted: Outlined) -> re.Pattern[bytes]:
    """As L{_pattern}, with tags that are only to be counted apart from those that need a second look."""
    special = b"|".join(sorted(wanted.left_out | wanted.starts | wanted.ends | _ENDING))
    passed = rb"%b|%b" % (_TEXT, _OTHER_ENDS % b"|".join(sorted(wanted.ends)))
    kinds = (
        rb"(/?)((?i:%b)(?=[%b/>]))%b%b(>)?" % (special, _SPACE, _SIMPLE, _PARTS),
        rb"([A-Za-z][^%b/>]*)%b%b(>)?" % (_SPACE, _SIMPLE, _PARTS),
        rb"/[A-Za-z][^%b/>]*%b(>)?" % (_SPACE, _PARTS),
        rb"(!--)",
        rb"[!?/][^>]*+(>)?",
    )
    return re.compile(rb"(?:%b)*+(?:<(?:%b)|\Z)" % (passed, b"|".join(kinds)))


def _found(html: bytes, pattern: re.Pattern[bytes]) -> Iterator[Tag]:
    """Tags that the pattern does not pass over."""
    position: int | None = 0
    while position is not None:
        matches, position = pattern.finditer(html, position), None
        for match in matches:
            if match.lastindex == _TAG:
                tag = _tag(html, match)
                yield tag
                if tag.name in _ENDING and not tag.is_end:
                    position = None if tag.content is None else tag.content[1]
                    break
            elif match.lastindex != _DECLARATION:
                position = _behind_comment(html, match.end()) if match.lastindex == _COMMENT else None
                break


@lru_cache(maxsize=16)
def _pattern(starts: frozenset[bytes] | None, ends: frozenset[bytes] | None) -> re.Pattern[bytes]:
    """
    What finds the next markup, and passes many things at once that are none or not wanted.

    @param starts: names of the start tags that are wanted; all when C{None}.
    @param ends: of the end tags, likewise.
    """
    if starts is None or ends is None:
        passed = _TEXT
    else:
        stops = [b"|".join(sorted(names)) for names in (starts | _ENDING, ends)]
        passed = rb"%b|%b" % (_TEXT, _OTHER_TAGS % (*stops, _SPACE, _SPACE, _SPACE, _SPACE))
    return re.compile(rb"(?:%b)*+%b" % (passed, _MARKUP))


def _behind_comment(html: bytes, position: int) -> int | None:
    """Where the comment ends whose C{<!--} ends at C{position}; C{None} when it has no end."""
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


@lru_cache(maxsize=16)
def _simple(name: bytes) -> re.Pattern[bytes]:
    """Finds the value of the first attribute of that name if it and those in front are of the plainest kind."""
    first = rb"(?:[%b]++(?!(?i:%b)=)[A-Za-z][A-Za-z0-9:_-]*+=\"[^\"]*+\")*+" % (_SPACE, name)
    return re.compile(rb"%b[%b]++%b=\"([^\"]*+)\"" % (first, _SPACE, name))


def _attribute(found: re.Match[bytes]) -> Attribute:
    group = found.lastindex or 1
    start, end = (found.end(1), found.end(1)) if group == 1 else found.span(group)
    return Attribute(found.group(1).lower(), found.start(1), start, end, _QUOTES[group])
