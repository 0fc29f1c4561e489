"""
The rules of all style sheets of a document in the order of the cascade, made ready once for many documents.

An engine finds which of them apply to which element; what follows from that for the attributes of the elements and for
the style sheets is the same whatever the engine. Elements of letters from one template have the same rules and the same
attributes over and over, so what follows is kept for each combination.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

from attrs import define, field, frozen

from smtpeter.boundaries.prepare import InliningFailed
from smtpeter.prepare.cascade import merged, presentation, style_text
from smtpeter.prepare.compiled import Rule, Sheet, compile_sheet
from smtpeter.prepare.selectors import Make, Selector

MAX_RESULT = 8 * 1024 * 1024
"""Characters of attribute values that one document may get."""
NO_ELEMENTS = "The HTML has no elements."
UNMATCHED = "Some HTML elements could not be told apart, so the style sheets were kept beside the inlined styles."
NOT_LOADED = "A style sheet at another address (link or @import) is never loaded, so its rules were not inlined."

Present = tuple[tuple[str, str], ...]
"""The attributes of an element that are read here, with their values."""
Kind = tuple[str, tuple[int, ...], Present]
"""The name of an element, the entries that apply to it (some, weakest first), and its attributes."""

_MAX_SHEETS = 200
_MAX_SHEET_CHARACTERS = 4 * 1024 * 1024
_MAX_SELECTORS = 4000  # of 9 KB each
_MAX_BOOKS = 200
_MAX_KEPT = 64 * 1024
"""Characters of attribute values that a book keeps."""
_KEPT_EXTRA = 200


@frozen(eq=False)
class Entry:
    """
    A selector of a rule.

    @ivar sheet: the place of its style sheet in the book.
    """

    selector: Selector
    rule: Rule
    sheet: int


@define(eq=False)
class Rulebook:
    """
    Style sheets together.

    @ivar entries: what can be settled now, weakest first.
    """

    sheets: tuple[Sheet, ...]
    entries: tuple[Entry, ...] = field(init=False)
    _kept: dict[Kind, tuple[dict[str, str], int]] = field(init=False, factory=dict)
    _kept_size: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        rules = [(place, part) for place, sheet in enumerate(self.sheets) for part in sheet.parts]
        entries = [
            Entry(selector, rule, place)
            for place, rule in rules
            if isinstance(rule, Rule)
            for selector in rule.selectors
            if selector.matcher is not None
        ]
        self.entries = tuple(sorted(entries, key=lambda entry: entry.selector.specificity))

    @property
    def has_imports(self) -> bool:
        """Whether a sheet asks for another one."""
        return any(sheet.has_imports for sheet in self.sheets)

    def attributes(self, elements: Iterable[tuple[int, Kind]]) -> dict[int, dict[str, str]]:
        """
        The attributes that change, by number of element; those that are alike are one object.

        @raise InliningFailed: they would grow beyond L{MAX_RESULT}.
        """
        result: dict[int, dict[str, str]] = {}
        total = 0
        for number, kind in elements:
            changes, size = self._kept.get(kind) or self._keep(kind)
            if size:
                result[number] = changes
                total += size
                if total > MAX_RESULT:
                    raise InliningFailed("The inlined styles would grow too large.")
        return result

    def remaining(self, applied: Collection[int], settled: Collection[int]) -> tuple[str, ...]:
        """
        What stays of each sheet.

        @param applied: the entries that apply to some element.
        @param settled: those of them that apply to no element without a number.
        """
        families = frozenset(family for place in applied for family in self.entries[place].rule.families)
        matched: list[set[Selector]] = [set() for _ in self.sheets]
        for place in settled:
            entry = self.entries[place]
            matched[entry.sheet].add(entry.selector)
        return tuple(
            sheet.remaining(frozenset(selectors), families)
            for sheet, selectors in zip(self.sheets, matched, strict=True)
        )

    def _keep(self, kind: Kind) -> tuple[dict[str, str], int]:
        tag, places, present = kind
        changes = _changes(tag, [self.entries[place].rule for place in places], dict(present))
        size = sum(map(len, changes.values()))
        if self._kept_size > _MAX_KEPT:
            self._kept.clear()
            self._kept_size = 0
        self._kept[kind] = changes, size
        self._kept_size += _KEPT_EXTRA + size + sum(len(value) for _, value in present)
        return changes, size


def _changes(tag: str, rules: Sequence[Rule], present: dict[str, str]) -> dict[str, str]:
    """The attributes of an element that differ from what it has."""
    style = present.get("style", "")
    blocks = [rule.block for rule in rules]
    values = merged(blocks, [block for block in blocks if block.important], style)
    wanted = {"style": style_text(values, style), **presentation(tag, values, present)} if values else {}
    return {name: value for name, value in wanted.items() if present.get(name) != value}


@define(eq=False)
class Library:
    """
    The books that were wanted lately.

    @ivar _make: what the engine makes of a selector.
    """

    _make: Make
    _sheets: OrderedDict[str, Sheet] = field(init=False, factory=OrderedDict)
    _books: OrderedDict[tuple[str, ...], Rulebook] = field(init=False, factory=OrderedDict)

    def book(self, texts: Sequence[str]) -> Rulebook:
        """The book of style sheets, in their order."""
        key = tuple(texts)
        sheets = tuple([self._sheet(text) for text in key])
        book = self._books.pop(key, None)
        if book is None or any(one is not other for one, other in zip(book.sheets, sheets, strict=True)):
            book = Rulebook(sheets)
        self._books[key] = book
        self._forget()
        return book

    def _sheet(self, text: str) -> Sheet:
        sheet = self._sheets.pop(text, None) or compile_sheet(text, self._make)
        self._sheets[text] = sheet
        return sheet

    def _forget(self) -> None:
        """The least recently used sheets, and books with them, when there are too many."""
        while self._is_full():
            text, _ = self._sheets.popitem(last=False)
            self._books = OrderedDict((key, book) for key, book in self._books.items() if text not in key)
        while len(self._books) > _MAX_BOOKS:
            self._books.popitem(last=False)

    def _is_full(self) -> bool:
        return (
            len(self._sheets) > _MAX_SHEETS
            or sum(map(len, self._sheets)) > _MAX_SHEET_CHARACTERS
            or sum(len(sheet.selectors) for sheet in self._sheets.values()) > _MAX_SELECTORS
        )
