"""
A style sheet made ready once for many documents: its rules with compiled selectors, and what a document leaves of it.

A rule stays for those of its selectors that matched nothing (mail programs add elements and classes of their own) or
cannot be settled now (C{:hover}). The latter, and rules under a condition such as C{@media}, get C{!important} where a
declaration that was inlined would win against them otherwise. All else stays as it was written.
"""

from attrs import define, field, frozen

from smtpeter.prepare.cascade import Block, block_of
from smtpeter.prepare.selectors import Make, Selector, selector
from smtpeter.prepare.stylesheets import (
    Statement,
    declarations,
    family,
    is_group,
    split,
    statements,
    strengthened,
    strengthened_group,
)

_MAX_REMEMBERED = 8


@frozen(eq=False)
class Rule:
    """
    Selectors and a block.

    @ivar unknown: pieces of the block that are no declarations; they are not inlined.
    @ivar families: of the properties that it sets without C{!important}.
    """

    statement: Statement
    selectors: tuple[Selector, ...]
    block: Block
    unknown: tuple[str, ...]
    families: frozenset[str]

    def remaining(self, matched: frozenset[Selector], families: frozenset[str]) -> str:
        """What stays of it when those selectors were inlined; C{families} are all that were inlined."""
        waiting = [selector for selector in self.selectors if selector not in matched]
        block = self.statement.block or ""
        deferred = [one for one in waiting if one.matcher is None and not one.is_universal]
        stronger = strengthened(block, families) if deferred and families else block
        if len(waiting) == len(self.selectors) and stronger == block:
            return self.statement.text
        if stronger != block:
            others = [one for one in waiting if one not in deferred]
            return "\n".join(filter(None, (_rule(others, block), _rule(deferred, stronger))))
        return _rule(waiting, block) or (_rule(list(self.selectors), "; ".join(self.unknown)) if self.unknown else "")


@define(eq=False)
class Sheet:
    """
    A compiled style sheet.

    @ivar parts: rules that may be inlined, and all other statements, in their order.
    """

    text: str
    parts: tuple[Rule | Statement, ...]
    selectors: frozenset[Selector] = field(init=False)
    _remembered: dict[tuple[frozenset[Selector], frozenset[str]], str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self.selectors = frozenset(one for part in self.parts if isinstance(part, Rule) for one in part.selectors)

    @property
    def has_imports(self) -> bool:
        """Whether it asks for another style sheet."""
        return any(isinstance(part, Statement) and part.prelude[:7].lower() == "@import" for part in self.parts)

    def remaining(self, matched: frozenset[Selector], families: frozenset[str]) -> str:
        """
        What stays in the C{style} element, as it was written when nothing changes.

        @param matched: selectors of this sheet whose declarations were inlined.
        @param families: of all properties that were inlined, from any sheet, without C{!important}.
        """
        key = (matched, families)
        if key not in self._remembered:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self._remaining(matched, families)
        return self._remembered[key]

    def _remaining(self, matched: frozenset[Selector], families: frozenset[str]) -> str:
        texts = [_left(part, matched, families) for part in self.parts]
        if not matched and all(text == _text(part) for text, part in zip(texts, self.parts, strict=True)):
            return self.text
        kept = "\n".join(filter(None, texts))
        return f"\n{kept}\n" if kept else ""


def compile_sheet(text: str, make: Make) -> Sheet:
    """
    Read a style sheet. Never fails: what is not understood stays.

    @param make: what the engine makes of a selector.
    """
    return Sheet(text, tuple(_part(statement, make) for statement in statements(text)))


def _part(statement: Statement, make: Make) -> Rule | Statement:
    if statement.prelude.startswith("@") or statement.block is None:
        return statement
    found = declarations(statement.block)
    texts = split(statement.prelude, ",")
    if found is None or not all(texts) or statement.prelude.startswith("}"):
        return statement
    block = block_of(one for one in found if one.name)
    return Rule(
        statement,
        tuple(selector(one, make) for one in texts),
        block,
        tuple(one.value for one in found if not one.name),
        frozenset(family(name) for name in block.normal),
    )


def _left(part: Rule | Statement, matched: frozenset[Selector], families: frozenset[str]) -> str:
    if isinstance(part, Rule):
        return part.remaining(matched, families)
    return strengthened_group(part, families) if is_group(part) else part.text


def _text(part: Rule | Statement) -> str:
    return part.statement.text if isinstance(part, Rule) else part.text


def _rule(selectors: list[Selector], block: str) -> str:
    return f"{', '.join(one.text for one in selectors)} {{ {block.strip()} }}" if selectors else ""
