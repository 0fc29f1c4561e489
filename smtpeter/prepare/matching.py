"""
Which elements of a parsed document a selector matches.

Most selectors are names and the names of elements around: these are found in an index, which is made in one pass.
All others are an XPath each, which goes through the whole document.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from attrs import define, field, frozen
from cssselect import Selector as Parsed
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

_WORDS = re.compile(r"[^ \t\r\n\f]+")
_translator = LxmlHTMLTranslator()


@define(eq=False)
class Document:
    """
    The elements of a tree in their order; they are spoken of by their places in it.

    @ivar elements: themselves, which keeps them what they are while they are spoken of.
    @ivar attributes: of each.
    """

    root: etree._Element
    elements: list[etree._Element] = field(init=False)
    tags: list[str] = field(init=False)
    attributes: list[dict[str, str]] = field(init=False)
    _named: dict[str, list[int]] = field(init=False, factory=dict)
    _sets: dict[str, frozenset[int]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.elements = list(self.root.iter(etree.Element))
        self.tags = [str(element.tag) for element in self.elements]
        self.attributes = [dict(element.items()) for element in self.elements]
        self._index()

    def _index(self) -> None:
        named = self._named
        lists: dict[str, list[list[int]]] = {}
        for place, (tag, attributes) in enumerate(zip(self.tags, self.attributes, strict=True)):
            named.setdefault(tag, []).append(place)
            classes = attributes.get("class")
            if classes:
                if classes not in lists:
                    words = dict.fromkeys(_WORDS.findall(classes))
                    lists[classes] = [named.setdefault("." + word, []) for word in words]
                for each in lists[classes]:
                    each.append(place)
            if attributes.get("id"):
                named.setdefault("#" + attributes["id"], []).append(place)

    @cached_property
    def places(self) -> dict[etree._Element, int]:
        """The place of each element."""
        return {element: place for place, element in enumerate(self.elements)}

    @cached_property
    def parents(self) -> list[int]:
        """The place of the parent of each, -1 for the root."""
        places = self.places
        parents = [element.getparent() for element in self.elements]
        return [-1 if parent is None else places.get(parent, -1) for parent in parents]

    def has(self, names: frozenset[str]) -> bool:
        """Whether all these names occur: C{.class}, C{#id}, C{element}."""
        return names <= self._named.keys()

    def having(self, names: Sequence[str]) -> list[int]:
        """The elements that have all these names; all when there are none."""
        if not names:
            return list(range(len(self.elements)))
        lists = sorted((self._named.get(name, []) for name in names), key=len)
        if len(lists) == 1:
            return lists[0]
        others = [self._set_of(name) for name in names]
        return [place for place in lists[0] if all(place in other for other in others)]

    def _set_of(self, name: str) -> frozenset[int]:
        if name not in self._sets:
            self._sets[name] = frozenset(self._named.get(name, ()))
        return self._sets[name]


@frozen(eq=False)
class Chain:
    """
    Names of an element, and of those around it.

    @ivar steps: from the outermost inward: whether the next outer one is the parent, and the names. The outermost is
        inside nothing.
    """

    steps: tuple[tuple[bool, tuple[str, ...]], ...]
    _needed: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_needed", frozenset(name for _, names in self.steps for name in names))

    def matches(self, document: Document) -> list[int]:
        """The places of its elements, in order."""
        if not document.has(self._needed):
            return []
        found = document.having(self.steps[0][1])
        for is_child, names in self.steps[1:]:
            if not found:
                break
            inside = _children if is_child else _descendants
            found = inside(document.parents, document.having(names), frozenset(found))
        return found


def _children(parents: Sequence[int], places: Sequence[int], outer: frozenset[int]) -> list[int]:
    return [place for place in places if parents[place] in outer]


def _descendants(parents: Sequence[int], places: Sequence[int], outer: frozenset[int]) -> list[int]:
    first = min(outer)
    found = []
    for place in places:
        above = parents[place]
        while above >= first and above not in outer:
            above = parents[above]
        if above >= first:
            found.append(place)
    return found


@frozen(eq=False)
class Path:
    """
    An XPath.

    @ivar needed: names without which a document has no match.
    """

    path: etree.XPath
    needed: frozenset[str]

    def matches(self, document: Document) -> list[int]:
        """The places of its elements, in order."""
        if not document.has(self.needed):
            return []
        try:
            found = self.path(document.root)
        except etree.XPathError:
            return []
        places = document.places
        return [places[element] for element in found] if isinstance(found, list) else []


def matcher(parsed: Parsed) -> Chain | Path:
    """
    Make ready to match.

    @raise SelectorError: it cannot be matched.
    """
    steps = _steps(parsed.parsed_tree)
    if steps is not None:
        return Chain(tuple(steps))
    try:
        path = etree.XPath(_translator.selector_to_xpath(parsed))
    except etree.XPathError as reason:
        raise ValueError(str(reason)) from None
    return Path(path, frozenset(_names_of(parsed.parsed_tree)))


def _steps(tree: Tree) -> list[tuple[bool, tuple[str, ...]]] | None:
    """Of a L{Chain}; C{None} when it is none."""
    if not isinstance(tree, CombinedSelector):
        names = _compound(tree)
        return None if names is None else [(False, names)]
    outer, names = _steps(tree.selector), _compound(tree.subselector)
    if outer is None or names is None or tree.combinator not in (" ", ">"):
        return None
    return [*outer, (tree.combinator == ">", names)]


def _compound(tree: Tree) -> tuple[str, ...] | None:
    match tree:
        case Element():
            return () if tree.element is None else (tree.element.lower(),)
        case Class():
            names, name = _compound(tree.selector), "." + tree.class_name
        case Hash():
            names, name = _compound(tree.selector), "#" + tree.id
        case _:
            return None
    return None if names is None else (*names, name)


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
