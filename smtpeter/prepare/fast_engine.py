"""
css-inline: from a numbered copy to the attributes of its elements and the rest of its style sheets, as
L{smtpeter.prepare.engine} does it, with half the memory, and faster where style sheets are large.

css-inline parses the document and matches the selectors. What it does otherwise than promised it is not asked for: it
gets no style sheet of the author but one in which each selector sets a property of its own, C{s0}, C{s1}, …, and so
tells which apply where. Their order, C{!important}, HTML attributes and what stays behind are decided as for the other
engine. C{style} attributes go by another name in its copy, since it refuses a document for one that it cannot read.
Nothing is loaded: that is switched off, and in the style sheet that it gets there is no address.

It reads HTML as browsers do, so some documents have other elements here; docs/configuration.md tells which.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import accumulate
from weakref import WeakKeyDictionary

from attrs import define, field
from css_inline import CSSInliner
from cssselect import Selector as Parsed
from cssselect import SelectorError
from cssselect.parser import Attrib, Class, CombinedSelector, Element, Function, Hash, Negation, Pseudo, Tree

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.cascade import STYLED_BY_ATTRIBUTE
from smtpeter.prepare.numbering import NUMBER, SHEET, UNSTYLED
from smtpeter.prepare.rulebook import NO_ELEMENTS, NOT_LOADED, UNMATCHED, Kind, Library, Present, Rulebook
from smtpeter.prepare.tokenizer import tags

MAX_DEPTH = 2000
"""Elements in one another; at some 15 000 css-inline overflows its stack."""
TOO_DEEP = "The elements of the HTML are nested too deep for css-inline."
REFUSED = "css-inline cannot work with this HTML and its style sheets."

_STYLE = "data-smtpeter-style"
_STYLE_NAME = re.compile(r"style(?=[ \t\r\n\f=/>])(?<=[ \t\r\n\f\"'/]style)(?<!</style)")
_ANY_STYLE_NAME = re.compile(_STYLE_NAME.pattern, re.IGNORECASE | re.ASCII)
_NUMBERS = re.compile(rf'{NUMBER}="([0-9]{{1,7}})"')
_SHEETS = re.compile(rf'<style {SHEET}="([0-9]{{1,7}})"', re.IGNORECASE)
_ATTRIBUTE = r'(?: =?[^ \t\r\n\f/>=]*="[^"]*")'
# What css-inline writes is regular: no text between tags has a bracket, and no value a quotation mark.
_OUTPUT = re.compile(
    r"<!--.*?-->"
    r"|<((style|script|noscript|xmp|iframe|noembed|noframes|plaintext)(?=[ >])|[A-Za-z][^ \t\r\n\f/>]*)"
    rf"({_ATTRIBUTE}*?)(?: {NUMBER}=\"([0-9]{{1,7}})\"({_ATTRIBUTE}*?))?(?: style=\"([^\"]*)\")?>(?(2).*?</\2>)",
    re.DOTALL,
)
_MARKS = re.compile(r"(?:s([0-9]+): ?1;? ?)")
_ALL_MARKS = re.compile(rf"{_MARKS.pattern}+")
_READ = {_STYLE: "style", **{name: name for name in STYLED_BY_ATTRIBUTE}}
_MAY_BE_READ = re.compile("|".join(f' {name}="' for name in sorted(_READ)))
_ONE_ATTRIBUTE = re.compile(r' (=?[^ \t\r\n\f/>=]*)="([^"]*)"')
_MAX_OPENING = 4096
"""Characters of the start tag of a style sheet that is inlined."""
_CELLS = frozenset((b"td", b"th"))
_ENDED_BY = {b"p": {b"p"}, b"li": {b"li"}, b"td": _CELLS, b"th": _CELLS, b"tr": _CELLS | {b"tr"}}
_VOID = "area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"
_VOID_NAMES = frozenset(_VOID.encode("ascii").split(b"|"))
_NESTING = re.compile(rf"<(?!(?:{_VOID})[ \t\r\n\f/>])(/?)[A-Za-z]", re.IGNORECASE)


@define(eq=False)
class FastEngine:
    """Inlines one document at a time; style sheets that it has seen lately are not compiled again."""

    library: Library = field(init=False, factory=lambda: Library(_asked))
    _inliners: "WeakKeyDictionary[Rulebook, CSSInliner]" = field(init=False, factory=WeakKeyDictionary)

    def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to attributes.

        @raise InliningFailed: css-inline cannot, or the styles would grow too large.
        """
        if not request.html.strip():
            raise InliningFailed(NO_ELEMENTS)
        expected = set(_NUMBERS.findall(request.html))
        if len(expected) > MAX_DEPTH and _climb(request.html) > MAX_DEPTH and _depth(request.html) > MAX_DEPTH:
            raise InliningFailed(TOO_DEEP)
        chosen, has_all_sheets = _chosen(request)
        book = self.library.book([request.style_sheets[index] for index in chosen])
        reading = _Reading(_written(self._inliner(book), request.html))
        is_whole = has_all_sheets and not reading.is_doubtful and reading.found.keys() == expected
        attributes = book.attributes(reading.kinds())
        remaining = list(request.style_sheets)
        if is_whole:
            for index, left in zip(chosen, book.remaining(*reading.entries()), strict=True):
                remaining[index] = left
        warnings = (NOT_LOADED,) * (reading.has_links or book.has_imports) + (UNMATCHED,) * (not is_whole)
        return InlineResult(attributes=attributes, remaining=tuple(remaining), warnings=warnings)

    def _inliner(self, book: Rulebook) -> CSSInliner:
        if book not in self._inliners:
            css = "".join(f"{entry.selector.matcher}{{s{place}:1}}" for place, entry in enumerate(book.entries))
            self._inliners[book] = CSSInliner(
                inline_style_tags=False,
                keep_style_tags=True,
                keep_link_tags=True,
                load_remote_stylesheets=False,
                extra_css=css,
            )
        return self._inliners[book]


@define(eq=False)
class _Reading:
    """
    What css-inline has written.

    @ivar found: by number, the name of an element, its attributes but for two, and what its C{style} says: which
        entries apply to it. The parser makes several elements of one where tags overlap; they are one here if alike.
    @ivar is_doubtful: whether something cannot be told.
    """

    _html: str
    found: dict[str, tuple[str, str, str]] = field(init=False, factory=dict)
    is_doubtful: bool = field(init=False, default=False)
    has_links: bool = field(init=False, default=False)
    _unlike: set[str] = field(init=False, factory=set)
    _others: set[str] = field(init=False, factory=set)
    _places: dict[str, tuple[int, ...]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        found = self.found
        for name, _, before, number, after, style in _OUTPUT.findall(self._html):
            if not name or name in UNSTYLED:
                self.has_links = self.has_links or (name == "link" and _is_sheet(before + after))
            elif not number:
                self._others.add(style)
            elif number in found and found[number] != (name, before + after, style):
                self._unlike.add(number)
            else:
                found[number] = name, before + after, style
        self._places = {
            style: self._read(style) for style in {*self._others, *[style for _, _, style in found.values()]}
        }
        self.is_doubtful = self.is_doubtful or bool(self._unlike)

    def _read(self, style: str) -> tuple[int, ...]:
        if style and not _ALL_MARKS.fullmatch(style):
            self.is_doubtful = True
            return ()
        return tuple(sorted(map(int, _MARKS.findall(style))))

    def kinds(self) -> Iterator[tuple[int, Kind]]:
        """All elements to which something applies."""
        known: dict[str, Present] = {"": ()}
        for number, (tag, attributes, style) in self.found.items():
            places = self._places[style]
            if places and number not in self._unlike:
                present = known.get(attributes)
                if present is None:
                    present = known[attributes] = _present(attributes)
                yield int(number), (tag, places, present)

    def entries(self) -> tuple[set[int], set[int]]:
        """The entries that apply to elements with a number, and those of them that apply to no other."""
        applied = {place for _, _, style in self.found.values() for place in self._places[style]}
        return applied, applied - {place for style in self._others for place in self._places[style]}


def _present(attributes: str) -> Present:
    if not _MAY_BE_READ.search(attributes):
        return ()
    # One after the other, since a value may look like an attribute.
    found = _ONE_ATTRIBUTE.findall(attributes)
    return tuple([(_READ[name], unescape(value)) for name, value in found if name in _READ])


def _is_sheet(attributes: str) -> bool:
    rel = dict(_ONE_ATTRIBUTE.findall(attributes)).get("rel", "")
    return "stylesheet" in unescape(rel).lower().split()


def _written(inliner: CSSInliner, html: str) -> str:
    """
    What css-inline makes of it.

    @raise InliningFailed: nothing.
    """
    is_plain = html.lower().count("style") == html.count("style")
    try:
        return inliner.inline((_STYLE_NAME if is_plain else _ANY_STYLE_NAME).sub(_STYLE, html))
    except ValueError:
        raise InliningFailed(REFUSED) from None
    except BaseException as reason:
        if type(reason).__name__ != "PanicException":
            raise
        raise InliningFailed(REFUSED) from None


def _chosen(request: InlineRequest) -> tuple[list[int], bool]:
    """The style sheets that count, as premailer chooses them; and whether all were found."""
    found: dict[int, dict[str, str]] = {}
    for match in _SHEETS.finditer(request.html):
        opening = request.html[match.start() : match.start() + _MAX_OPENING]
        found.setdefault(int(match[1]), _attributes(opening.encode("utf-8", "replace")))
    expected = range(len(request.style_sheets))
    chosen = [index for index in expected if index in found and _is_wanted(found[index])]
    return chosen, found.keys() >= set(expected)


def _attributes(opening: bytes) -> dict[str, str]:
    """Of the C{style} element that begins there."""
    tag = next(tags(opening, (b"style",)), None)
    if tag is None:
        return {"media": "unknown"}
    values: dict[str, str] = {}
    for one in tag.attributes:
        value = opening[one.value_start : one.value_end].decode("utf-8", "replace")
        values.setdefault(one.name.decode("utf-8", "replace"), unescape(value))
    return values


def _is_wanted(attributes: Mapping[str, str]) -> bool:
    marks = (attributes.get("data-premailer"), attributes.get("data-css-inline"))
    return attributes.get("media", "") in ("", "all", "screen") and "ignore" not in marks


def _climb(html: str) -> int:
    """
    By how much start tags outnumber end tags anywhere: so deep elements are nested at most if end tags have start tags.

    Who writes others to mislead it ends the process, which costs a new one and leaves that document alone.
    """
    heights = list(accumulate([-1 if end else 1 for end in _NESTING.findall(html)], initial=0))
    return max(height - lowest for height, lowest in zip(heights, accumulate(heights, min), strict=True))


def _depth(html: str) -> int:
    """How deep elements are nested at most, those that end each other without an end tag left out."""
    deepest = 0
    nested: list[bytes] = []
    counts: Counter[bytes] = Counter()
    for tag in tags(html.encode("utf-8", "replace")):
        if tag.is_end:
            while counts[tag.name]:
                closed = nested.pop()
                counts[closed] -= 1
                if closed == tag.name:
                    break
        elif tag.name not in _VOID_NAMES:
            while nested and nested[-1] in _ENDED_BY.get(tag.name, ()):
                counts[nested.pop()] -= 1
            nested.append(tag.name)
            counts[tag.name] += 1
            deepest = max(deepest, len(nested))
    return deepest


def _asked(parsed: Parsed) -> str:
    """
    The selector as css-inline gets it.

    @raise SelectorError: it passes over such a one.
    """
    _prepare(parsed.parsed_tree)
    return parsed.canonical()


def _prepare(tree: Tree) -> None:
    match tree:
        case Element():
            return
        case Class() | Hash() | Function() | Pseudo():
            _prepare(tree.selector)
        case Attrib() if tree.operator != "!=":
            tree.attrib = _STYLE if tree.attrib.lower() == "style" else tree.attrib
            _prepare(tree.selector)
        case CombinedSelector() | Negation():
            _prepare(tree.selector)
            _prepare(tree.subselector)
        case _:
            raise SelectorError("css-inline does not know it")
