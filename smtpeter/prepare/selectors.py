"""
Selectors: which of them can be settled now, and how they rank.

A selector is settled now when it depends on the document alone. C{:hover} and its like depend on the reader,
C{::before} has no element, C{:root} is where authors declare what the mail program shall know, and C{*} would put a
style on everything: these stay in the style sheet. So does what an engine cannot match.
"""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from cssselect import Selector as Parsed
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

MAX_LENGTH = 2000
"""Characters of a selector; one that is longer stays in its style sheet."""

Make = Callable[[Parsed], Any]
"""
What an engine makes of a selector, to match elements with.

@raise SelectorError: it cannot be matched; so do C{ValueError} and C{RecursionError}.
"""

_STRUCTURAL = frozenset(
    prefix + suffix for prefix in ("first-", "last-", "only-") for suffix in ("child", "of-type")
) | {"empty"}
_COUNTING = frozenset({"nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type"})


@frozen(eq=False)
class Selector:
    """
    One selector of a rule.

    @ivar matcher: what the engine made of it; C{None} when it cannot be settled now.
    @ivar is_universal: whether it is C{*}, which yields to every other selector.
    """

    text: str
    matcher: Any
    specificity: tuple[int, int, int]
    is_universal: bool = False


def selector(text: str, make: Make) -> Selector:
    """Read a selector. Never fails: what cannot be understood or matched is not settled now."""
    try:
        return _settled(text, make) if len(text) <= MAX_LENGTH else _open(text)
    except (SelectorError, RecursionError, ValueError):
        return _open(text)


def _settled(text: str, make: Make) -> Selector:
    (parsed,) = parse(text)
    tree = parsed.parsed_tree
    if parsed.pseudo_element is not None or not _is_static(tree):
        return _open(text)
    if isinstance(tree, Element) and tree.element is None:
        return _open(text, is_universal=True)
    return Selector(text, make(parsed), parsed.specificity())


def _open(text: str, is_universal: bool = False) -> Selector:
    return Selector(text, None, (0, 0, 0), is_universal)


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
