"""
Which declarations an element ends up with, and the HTML attributes that say the same to old mail programs.

The order is that of CSS Cascading Level 4, 6.1: rules by specificity and place, then the C{style} attribute, then rules
with C{!important}, then what the C{style} attribute has with C{!important}. The precedence of rules is settled here, so
their C{!important} is not repeated in the attribute: there it would beat the media queries that stay behind, and
Outlook ignores such declarations. A declaration moves to the end when it is set again, since C{margin} after
C{margin-left} differs from C{margin-left} after C{margin}.

For elements that a rule applies to, as premailer does, these attributes are set too, when the value can stand there:
 - C{bgcolor} from C{background-color} (a name or a hexadecimal colour, three digits made six): body, table, tr, td, th
 - C{width} and C{height} from those (C{px} or C{%}): table, td, th, img; C{height} of tr too
 - C{align} from C{text-align}: tr, td, th, p, div, h1 to h6; from C{float}: img
 - C{valign} from C{vertical-align}: thead, tbody, tfoot, tr, td, th
A percentage does not replace a width in pixels: authors set that for Outlook, which knows no C{max-width}.
"""

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from smtpeter.prepare.stylesheets import Declaration, declarations

Values = tuple[Declaration, ...]
"""The declarations of one property in one block: the last that a mail program understands counts, so all are kept."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}|[a-zA-Z]{3,24}")
_SHORT_COLOUR = re.compile(r"#([0-9a-fA-F])([0-9a-fA-F])([0-9a-fA-F])")
_LENGTH = re.compile(r"([0-9]{1,5})px|([0-9]{1,3}(?:\.[0-9]{1,4})?%)|0", re.IGNORECASE)
_MAX_FALLBACKS = 4
_NO_COLOURS = frozenset({"transparent", "inherit", "initial", "unset", "revert", "none", "currentcolor"})
_CELLS = frozenset({"td", "th"})
_ROWS = _CELLS | {"tr"}
_SIZED = _CELLS | {"table", "img"}
_ATTRIBUTES: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("background-color", "bgcolor", _ROWS | {"body", "table"}),
    ("width", "width", _SIZED),
    ("height", "height", _SIZED | {"tr"}),
    ("text-align", "align", _ROWS | {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6"}),
    ("vertical-align", "valign", _ROWS | {"thead", "tbody", "tfoot"}),
    ("float", "align", frozenset({"img"})),
)
_WORDS = {
    "text-align": {"left", "right", "center", "justify"},
    "vertical-align": {"top", "middle", "bottom", "baseline"},
    "float": {"left", "right"},
}
STYLED_BY_ATTRIBUTE = frozenset(attribute for _, attribute, _ in _ATTRIBUTES)


@frozen
class Block:
    """The declarations of a rule, by property, apart by importance."""

    normal: Mapping[str, Values]
    important: Mapping[str, Values]


def block_of(found: Iterable[Declaration]) -> Block:
    """Sort declarations. What is no declaration is kept in its place under a name of its own."""
    kinds: tuple[dict[str, Values], dict[str, Values]] = ({}, {})
    for index, declaration in enumerate(found):
        _set(kinds[declaration.is_important], declaration.name or f"?{index}", (declaration,))
    return Block(*kinds)


def merged(normal: Iterable[Block], important: Iterable[Block], style: str) -> dict[str, Values]:
    """
    Apply blocks in the order of the cascade, around an existing C{style} attribute.

    @param normal: blocks that apply, the strongest last; of these the normal declarations are taken.
    @param important: the same for the important ones.
    """
    own = block_of(declarations(style) or (Declaration("", style.strip(" \t\r\n\f;"), False),)) if style else None
    result: dict[str, Values] = {}
    for block in normal:
        _apply(result, block.normal)
    if own:
        _apply(result, own.normal)
    for block in important:
        _apply(result, block.important)
    if own:
        _apply(result, own.important)
    return result


def style_text(values: Mapping[str, Values], style: str) -> str:
    """
    What the C{style} attribute says.

    @param style: what it said before: only its own declarations keep their C{!important}.
    """
    own = {item for item in declarations(style) or () if item.is_important} if "!" in style else ()
    return "; ".join(_text(item, item in own) for group in values.values() for item in group)


def presentation(tag: str, values: Mapping[str, Values], present: Mapping[str, str]) -> dict[str, str]:
    """
    The HTML attributes that repeat declarations.

    @param present: the attributes that the element has.
    """
    found: dict[str, str] = {}
    for name, attribute, tags in _ATTRIBUTES:
        if tag in tags and name in values:
            value = _attribute_value(name, values[name][-1].value)
            if value and not _is_fixed(name, value, present.get(attribute, "")):
                found[attribute] = value
    return found


def _set(result: dict[str, Values], name: str, values: Values) -> None:
    before = [item for item in result.pop(name, ()) if item not in values]
    result[name] = (*before[1 - _MAX_FALLBACKS :], *values)


def _apply(result: dict[str, Values], values: Mapping[str, Values]) -> None:
    for name in values:
        result.pop(name, None)
    result.update(values)


def _text(declaration: Declaration, is_important: bool) -> str:
    if not declaration.name:
        return declaration.value
    return f"{declaration.name}:{declaration.value}{' !important' if is_important else ''}"


def _attribute_value(name: str, value: str) -> str | None:
    lowered = value.lower()
    if name in _WORDS:
        return lowered if lowered in _WORDS[name] else None
    if name == "background-color":
        value = _SHORT_COLOUR.sub(r"#\1\1\2\2\3\3", value) if len(value) == 4 else value
        return value if _COLOUR.fullmatch(value) and lowered not in _NO_COLOURS else None
    found = _LENGTH.fullmatch(value)
    return (found.group(1) or found.group(2) or "0") if found else None


def _is_fixed(name: str, value: str, before: str) -> bool:
    return name in ("width", "height") and value.endswith("%") and before.strip().isdigit()
