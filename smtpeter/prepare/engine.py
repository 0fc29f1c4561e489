"""
premailer, hardened: from a numbered copy to the attributes of its elements and the rest of its style sheets.

premailer chooses the C{style} elements that count (C{media} other than C{all} or C{screen} and
C{data-premailer="ignore"} are left alone) and is the frame in which the rest runs. Replaced are
 - everything that could load something: it raises, and cssutils, which fetches C{@import}, is not asked at all
 - the parsing, which dropped what cssutils does not know (C{@font-face}, new colours, hacks for mail programs)
 - matching and merging, which broke at a colon in a selector, let a C{style} attribute win against C{!important}, lost
   the order of C{margin} and C{margin-left}, and shared one cache between selectors and declarations, so that
   C{style="p"} beside a rule for C{p} ended it
 - the choice of HTML attributes (L{smtpeter.prepare.cascade}), which gave C{width="auto"} and aligned tables.

A rule that matches no element stays in its style sheet, since mail programs add elements and classes of their own; what
stays gets C{!important} where an inlined declaration would win against it otherwise.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import NoReturn

from attrs import define, field, frozen
from lxml import etree
from premailer import Premailer

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.cascade import STYLED_BY_ATTRIBUTE, Block, merged, presentation, style_text
from smtpeter.prepare.compiled import Rule, Sheet, compile_sheet
from smtpeter.prepare.numbering import NUMBER, SHEET, UNSTYLED
from smtpeter.prepare.selectors import Document, Selector
from smtpeter.prepare.trees import parsed

MAX_RESULT = 8 * 1024 * 1024
"""Characters of attribute values that one document may get."""
UNMATCHED = "Some HTML elements could not be told apart, so the style sheets were kept beside the inlined styles."
NOT_LOADED = "A style sheet at another address (link or @import) is never loaded, so its rules were not inlined."

_MAX_SHEETS = 200
_MAX_SHEET_CHARACTERS = 4 * 1024 * 1024
_MAX_SELECTORS = 4000  # of 9 KB each
_READ = frozenset({"style", *STYLED_BY_ATTRIBUTE})
_NUMBERS = re.compile(rf'{NUMBER}="([0-9]{{1,7}})"')


class HardenedPremailer(Premailer):  # type: ignore[misc]
    """
    Chooses the style sheets of a tree and loads nothing.

    @ivar chosen: after L{transform}, the numbers of the sheets to inline, in the order of the document.
    """

    def __init__(self) -> None:
        super().__init__(
            allow_network=False,
            allow_loading_external_files=False,
            disable_leftover_css=True,
            keep_style_tags=True,
            strip_important=False,
            align_floating_images=False,
            cache_css_parsing=False,
        )
        self.chosen: list[int] = []

    def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> tuple[list[object], list[object]]:
        """Note which sheet it is, by the number that stands in place of its text."""
        if css_body:
            self.chosen.append(int(css_body))
        return [], []

    def _parse_css_string(self, css_body: str, validate: bool = True) -> NoReturn:
        raise InliningFailed("The CSS parser that can load files is not used.")

    def _load_external(self, url: str) -> NoReturn:
        raise InliningFailed("Style sheets at other addresses are not loaded.")

    def _load_external_url(self, url: str) -> NoReturn:
        raise InliningFailed("Style sheets at other addresses are not loaded.")


@frozen(eq=False)
class Match:
    """A selector of a rule with the elements that it applies to."""

    rank: tuple[tuple[int, int, int], int]
    block: Block
    elements: Sequence[etree._Element]


@define(eq=False)
class Engine:
    """Inlines one document at a time; style sheets that it has seen lately are not compiled again."""

    _sheets: OrderedDict[str, Sheet] = field(init=False, factory=OrderedDict)

    def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to attributes.

        @raise InliningFailed: the document has no elements, or its styles would grow beyond L{MAX_RESULT}.
        """
        root = parsed(request.html)
        present = _mark_sheets(root, len(request.style_sheets))
        premailer = HardenedPremailer()
        premailer.transform(root)
        sheets = {index: self._sheet(request.style_sheets[index]) for index in premailer.chosen}
        return _Inlining(root, sheets, request).result(len(present) == len(request.style_sheets))

    def _sheet(self, text: str) -> Sheet:
        sheet = self._sheets.pop(text, None) or compile_sheet(text)
        self._sheets[text] = sheet
        while self._is_full():
            self._sheets.popitem(last=False)
        return sheet

    def _is_full(self) -> bool:
        return (
            len(self._sheets) > _MAX_SHEETS
            or sum(map(len, self._sheets)) > _MAX_SHEET_CHARACTERS
            or sum(len(sheet.selectors) for sheet in self._sheets.values()) > _MAX_SELECTORS
        )


@define(eq=False)
class _Inlining:
    """One document and its style sheets on their way to a result."""

    _root: etree._Element
    _sheets: dict[int, Sheet]
    _request: InlineRequest
    _elements: dict[etree._Element, int] = field(init=False, factory=dict)
    _matched: set[Selector] = field(init=False, factory=set)
    _families: set[str] = field(init=False, factory=set)

    def result(self, has_all_sheets: bool) -> InlineResult:
        is_whole = self._find_elements() and has_all_sheets
        matches = sorted(self._matches(), key=attrgetter("rank"))
        warnings = _not_loaded(self._root, tuple(self._sheets.values())) + (() if is_whole else (UNMATCHED,))
        remaining = self._remaining() if is_whole else self._request.style_sheets
        return InlineResult(attributes=self._attributes(matches), remaining=remaining, warnings=warnings)

    def _find_elements(self) -> bool:
        """Read the numbers back. Whether each was found once."""
        found: dict[str, etree._Element] = {}
        doubtful: set[str] = set()
        for element in self._root.iter(etree.Element):
            number = element.get(NUMBER)
            if number is None:
                continue
            if number in found:
                doubtful.add(number)
            found[number] = element
        expected = set(_NUMBERS.findall(self._request.html))
        self._elements = {found[number]: int(number) for number in expected & found.keys() - doubtful}
        return not doubtful and expected == found.keys()

    def _matches(self) -> Iterator[Match]:
        """What applies, and to which elements. A selector that matches others too, which the parser made up, stays."""
        document = Document(self._root)
        rules = [part for sheet in self._sheets.values() for part in sheet.parts if isinstance(part, Rule)]
        for place, rule in enumerate(rules):
            for selector in rule.selectors:
                elements = [one for one in selector.matches(document) if one.tag not in UNSTYLED]
                known = [one for one in elements if one in self._elements]
                if known:
                    self._families |= rule.families
                    yield Match((selector.specificity, place), rule.block, known)
                if known and len(known) == len(elements):
                    self._matched.add(selector)

    def _attributes(self, matches: Sequence[Match]) -> dict[int, dict[str, str]]:
        applied: dict[etree._Element, list[int]] = {}
        for index, match in enumerate(matches):
            for element in match.elements:
                applied.setdefault(element, []).append(index)
        known: dict[tuple[object, ...], tuple[dict[str, str], int]] = {}
        result: dict[int, dict[str, str]] = {}
        size = 0
        for element, indices in applied.items():
            tag = str(element.tag)
            present = tuple([item for item in element.items() if item[0] in _READ])
            key = (tag, tuple(indices), present)
            found = known.get(key)
            if found is None:
                changes = _changes(tag, [matches[index].block for index in indices], dict(present))
                found = known[key] = (changes, sum(map(len, changes.values())))
            size += found[1]
            if size > MAX_RESULT:
                raise InliningFailed("The inlined styles would grow too large.")
            if found[0]:
                result[self._elements[element]] = found[0]
        return result

    def _remaining(self) -> tuple[str, ...]:
        matched, families = frozenset(self._matched), frozenset(self._families)
        return tuple(
            self._sheets[index].remaining(matched & self._sheets[index].selectors, families)
            if index in self._sheets
            else text
            for index, text in enumerate(self._request.style_sheets)
        )


def _changes(tag: str, blocks: Sequence[Block], present: dict[str, str]) -> dict[str, str]:
    """The attributes of an element that differ from what it has."""
    style = present.get("style", "")
    values = merged(blocks, [block for block in blocks if block.important], style)
    wanted = {"style": style_text(values, style), **presentation(tag, values, present)} if values else {}
    return {name: value for name, value in wanted.items() if present.get(name) != value}


def _mark_sheets(root: etree._Element, count: int) -> set[str]:
    """Put the number of each style sheet in place of its text; those that have none are emptied. The numbers found."""
    numbers = {str(index) for index in range(count)}
    found: set[str] = set()
    for element in root.iter("style"):
        number = element.get(SHEET)
        element.text = number if number in numbers - found else None
        found |= numbers & {number}
    return found


def _not_loaded(root: etree._Element, sheets: Sequence[Sheet]) -> tuple[str, ...]:
    has_links = any("stylesheet" in link.get("rel", "").lower().split() for link in root.iter("link"))
    has_imports = any(sheet.has_imports for sheet in sheets)
    return (NOT_LOADED,) if has_links or has_imports else ()
