"""
Selectors: which of them can be settled now, how they rank, and which elements of a document they match.

A selector is settled now when it depends on the document alone. C{:hover} and its like depend on the reader,
C{::before} has no element, C{:root} is where authors declare what the mail program shall know, and C{*} would put a
style on everything: these stay in the style sheet.
"""

import re
from collections.abc import Iterator

from attrs import define, field, frozen
from cssselect import SelectorError, parse
from cssselect.parser import (
    Attrib,
    Class,
    CombinedSelector,
    Element,
    Function,
    Hash,
    Matching,
    Negation,
    Pseudo,
    SpecificityAdjustment,
    Tree,
)
from lxml import etree
from lxml.cssselect import LxmlHTMLTranslator

MAX_LENGTH = 2000
"""Characters of a selector; one that is longer stays in its style sheet."""

_WORDS = re.compile(r"[^ \t\r\n\f]+")
_STRUCTURAL = frozenset(
    prefix + suffix for prefix in ("first-", "last-", "only-") for suffix in ("child", "of-type")
) | {"empty"}
_COUNTING = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})
_translator = LxmlHTMLTranslator()


@frozen(eq=False)
class Selector:
    """
    One selector of a rule.

    @ivar matcher: finds its elements; C{None} when it cannot be settled now.
    @ivar is_universal: whether it is C{*}, which yields to every other selector.
    @ivar needed: names without which a document has no match: C{.class}, C{#id}, C{element}.
    """

    text: str
    matcher: etree.XPath | None
    specificity: tuple[int, int, int]
    needed: frozenset[str]
    is_universal: bool = False

    def matches(self, document: "Document") -> list[etree._Element]:
        """Its elements, in the order of the document."""
        if self.matcher is None or not self.needed <= document.names:
            return []
        try:
            found = self.matcher(document.root)
        except etree.XPathError:
            return []
        return found if isinstance(found, list) else []


@define(eq=False)
class Document:
    """
    A tree of elements with the names that occur in it.

    @ivar names: as in L{Selector.needed}.
    """

    root: etree._Element
    names: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.names = frozenset(_names_in(self.root))


def selector(text: str) -> Selector:
    """Read a selector. Never fails: what cannot be understood is not settled now."""
    try:
        return _settled(text) if len(text) <= MAX_LENGTH else _open(text)
    except (SelectorError, etree.XPathError, RecursionError, ValueError):
        return _open(text)


def _settled(text: str) -> Selector:
    (parsed,) = parse(text)
    tree = parsed.parsed_tree
    if parsed.pseudo_element is not None or not _is_static(tree):
        return _open(text)
    if isinstance(tree, Element) and tree.element is None:
        return _open(text, is_universal=True)
    path = _translator.selector_to_xpath(parsed)
    return Selector(text, etree.XPath(path), parsed.specificity(), frozenset(_names_of(tree)))


def _open(text: str, is_universal: bool = False) -> Selector:
    return Selector(text, None, (0, 0, 0), frozenset(), is_universal)


def _is_static(tree: Tree) -> bool:
    match tree:
        case Element():
            return tree.namespace is None
        case Class() | Hash():
            return _is_static(tree.selector)
        case Attrib():
            return tree.namespace is None and _is_static(tree.selector)
        case CombinedSelector():
            return _is_static(tree.selector) and _is_static(tree.subselector)
        case Pseudo():
            return tree.ident in _STRUCTURAL and _is_static(tree.selector)
        case Function():
            return tree.name in _COUNTING and _is_static(tree.selector)
        case Negation():
            return _is_static(tree.selector) and _is_static(tree.subselector)
        case Matching() | SpecificityAdjustment():
            return _is_static(tree.selector) and all(_is_static(inner) for inner in tree.selector_list)
    return False


def _names_of(tree: Tree) -> Iterator[str]:
    """Names that an element and its relatives must have; the arguments of pseudo-classes are passed over."""
    match tree:
        case Element():
            if tree.element is not None:
                yield tree.element.lower()
        case Class():
            yield "." + tree.class_name
            yield from _names_of(tree.selector)
        case Hash():
            yield "#" + tree.id
            yield from _names_of(tree.selector)
        case CombinedSelector():
            yield from _names_of(tree.selector)
            yield from _names_of(tree.subselector)
        case Attrib() | Pseudo() | Function() | Negation() | Matching() | SpecificityAdjustment():
            yield from _names_of(tree.selector)


def _names_in(root: etree._Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        yield str(element.tag)
        classes, id = element.get("class"), element.get("id")
        if classes:
            for name in _WORDS.findall(classes):
                yield "." + name
        if id:
            yield "#" + id
