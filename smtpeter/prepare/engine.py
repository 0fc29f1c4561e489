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
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from attrs import define, field
from lxml import etree
from premailer import Premailer

from smtpeter.boundaries.prepare import InlineRequest, InlineResult, InliningFailed
from smtpeter.prepare.cascade import STYLED_BY_ATTRIBUTE
from smtpeter.prepare.matching import Document, matcher
from smtpeter.prepare.numbering import NUMBER, SHEET, UNSTYLED
from smtpeter.prepare.rulebook import NOT_LOADED, UNMATCHED, Kind, Library, Present, Rulebook
from smtpeter.prepare.trees import parsed

_READ = frozenset({"style", *STYLED_BY_ATTRIBUTE})
_NUMBERS = re.compile(rf'{NUMBER}="([0-9]{{1,7}})"')
_UNKNOWN = -1
_NOT_STYLED = -2


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


@define(eq=False)
class Engine:
    """Inlines one document at a time; style sheets that it has seen lately are not compiled again."""

    library: Library = field(init=False, factory=lambda: Library(matcher))

    def inline(self, request: InlineRequest) -> InlineResult:
        """
        Move rules to attributes.

        @raise InliningFailed: the document has no elements, or its styles would grow too large.
        """
        root = parsed(request.html)
        present = _mark_sheets(root, len(request.style_sheets))
        premailer = HardenedPremailer()
        premailer.transform(root)
        book = self.library.book([request.style_sheets[index] for index in premailer.chosen])
        document = Document(root)
        numbers, is_whole = _numbers(document, request.html)
        is_whole = is_whole and len(present) == len(request.style_sheets)
        applied, settled = _applied(book, document, numbers)
        attributes = book.attributes(_kinds(document, numbers, applied))
        remaining = list(request.style_sheets)
        if is_whole:
            places = {place for entries in applied.values() for place in entries}
            for index, left in zip(premailer.chosen, book.remaining(places, settled), strict=True):
                remaining[index] = left
        warnings = _not_loaded(root, book) + (() if is_whole else (UNMATCHED,))
        return InlineResult(attributes=attributes, remaining=tuple(remaining), warnings=warnings)


def _numbers(document: Document, html: str) -> tuple[list[int], bool]:
    """The number of each element, read back, or that it has none; and whether each was found once."""
    expected = set(_NUMBERS.findall(html))
    found: dict[str, int] = {}
    numbers = [_UNKNOWN] * len(document.tags)
    is_whole = True
    for place, (tag, attributes) in enumerate(zip(document.tags, document.attributes, strict=True)):
        number = attributes.get(NUMBER, "")
        if tag in UNSTYLED:
            numbers[place] = _NOT_STYLED
        elif number in found:
            numbers[found[number]] = _UNKNOWN
            is_whole = False
        elif number in expected:
            numbers[place] = int(number)
            found[number] = place
    return numbers, is_whole and expected == found.keys()


def _applied(book: Rulebook, document: Document, numbers: Sequence[int]) -> tuple[dict[int, list[int]], list[int]]:
    """
    By place of an element with a number, the entries that apply to it.

    @return: and those entries that apply to such elements only, not to any that the parser made up.
    """
    applied: dict[int, list[int]] = {}
    settled: list[int] = []
    for index, entry in enumerate(book.entries):
        has_some, has_others = False, False
        for place in entry.selector.matcher.matches(document):
            number = numbers[place]
            if number >= 0:
                has_some = True
                applied.setdefault(place, []).append(index)
            elif number == _UNKNOWN:
                has_others = True
        if has_some and not has_others:
            settled.append(index)
    return applied, settled


def _kinds(
    document: Document, numbers: Sequence[int], applied: Mapping[int, Sequence[int]]
) -> Iterator[tuple[int, Kind]]:
    for place in sorted(applied):
        attributes = document.attributes[place]
        present: Present = ()
        if not _READ.isdisjoint(attributes):
            present = tuple([item for item in attributes.items() if item[0] in _READ])
        yield numbers[place], (document.tags[place], tuple(applied[place]), present)


def _mark_sheets(root: etree._Element, count: int) -> set[str]:
    """Put the number of each style sheet in place of its text; those that have none are emptied. The numbers found."""
    numbers = {str(index) for index in range(count)}
    found: set[str] = set()
    for element in root.iter("style"):
        number = element.get(SHEET)
        element.text = number if number in numbers - found else None
        found |= numbers & {number}
    return found


def _not_loaded(root: etree._Element, book: Rulebook) -> tuple[str, ...]:
    has_links = any("stylesheet" in link.get("rel", "").lower().split() for link in root.iter("link"))
    return (NOT_LOADED,) if has_links or book.has_imports else ()
