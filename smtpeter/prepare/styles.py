"""
From an engine's result to splices over the original bytes.

Only attribute values that carry style, and the contents of C{style} elements, change: a value is replaced, a missing
attribute is added right behind the tag's name. All other bytes, and so doctype, entities, conditional comments and
addresses in links, stay as they were.
"""

import html
import re
from collections.abc import Iterator, Mapping
from operator import attrgetter

from smtpeter.boundaries.prepare import InlineResult
from smtpeter.prepare.numbering import Numbered
from smtpeter.prepare.splices import Splice
from smtpeter.prepare.tokenizer import Attribute, Tag

ATTRIBUTES = frozenset({"style", "width", "height", "bgcolor", "align", "valign"})
"""What an engine may change; anything else in its result is passed over."""

_ATTRIBUTE_NAME = re.compile("|".join(sorted(ATTRIBUTES)).encode("ascii"), re.IGNORECASE)
_END_TAG = re.compile("</style", re.IGNORECASE)


def style_splices(numbered: Numbered, result: InlineResult) -> list[Splice]:
    """
    What to change, by position, without overlaps; nothing where the result says what stands there already.

    A result that does not fit the document changes nothing of what it does not fit: numbers and style sheets that there
    are not, and a style sheet with an end tag in it.
    """
    found = (*_attribute_splices(numbered, result), *_sheet_splices(numbered, result))
    return sorted(found, key=attrgetter("start"))


def _attribute_splices(numbered: Numbered, result: InlineResult) -> Iterator[Splice]:
    written: dict[tuple[str, str], bytes] = {}
    for number, values in result.attributes.items():
        if 0 <= number < len(numbered.elements):
            yield from _tag_splices(numbered, numbered.elements[number], values, written)


def _tag_splices(
    numbered: Numbered, tag: Tag, values: Mapping[str, str], written: dict[tuple[str, str], bytes]
) -> Iterator[Splice]:
    """C{written} keeps added attributes, which are the same for many elements."""
    present: dict[bytes, Attribute] = {}
    if _ATTRIBUTE_NAME.search(numbered.html, tag.start, tag.end):
        for attribute in tag.attributes:
            present.setdefault(attribute.name, attribute)
    added = b""
    for name, value in values.items():
        if name not in ATTRIBUTES:
            continue
        found = present.get(name.encode("ascii"))
        if found is None:
            if (name, value) not in written:
                written[name, value] = f" {name}=".encode("ascii") + _quoted(value, numbered.codec)
            added += written[name, value]
        elif not _says(numbered, found, value):
            yield _replacement(found, value, numbered.codec)
    if added:
        position = tag.start + 1 + len(tag.name)
        yield _splice(position, position, added)


def _sheet_splices(numbered: Numbered, result: InlineResult) -> Iterator[Splice]:
    if len(result.remaining) != len(numbered.sheets):
        return
    for (start, end), text, before in zip(
        numbered.sheets, result.remaining, numbered.request.style_sheets, strict=True
    ):
        if text != before and not _END_TAG.search(text):
            yield _splice(start, end, _encoded_css(text, numbered.codec))


def _says(numbered: Numbered, attribute: Attribute, value: str) -> bool:
    raw = numbered.html[attribute.value_start : attribute.value_end].decode(numbered.codec, "replace")
    return html.unescape(raw) == value


def _replacement(attribute: Attribute, value: str, codec: str) -> Splice:
    start, end = attribute.value_start, attribute.value_end
    if attribute.quote:
        return _splice(start, end, _escaped(value, attribute.quote.decode("ascii"), codec))
    return _splice(start, end, (b"=" if attribute.quote is None else b"") + _quoted(value, codec))


def _splice(start: int, end: int, replacement: bytes) -> Splice:
    return Splice(start=start, end=end, pieces=(replacement,))


def _quoted(value: str, codec: str) -> bytes:
    """The value between the quotes that need fewer character references."""
    quote = "'" if '"' in value and "'" not in value else '"'
    mark = quote.encode("ascii")
    return mark + _escaped(value, quote, codec) + mark


def _escaped(value: str, quote: str, codec: str) -> bytes:
    text = value.replace("&", "&amp;").replace(quote, "&quot;" if quote == '"' else "&#39;")
    return text.encode(codec, "xmlcharrefreplace")


def _encoded_css(text: str, codec: str) -> bytes:
    """A style sheet has no character references; what the charset lacks is written as a CSS escape."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return "".join(one if _fits(one, codec) else f"\\{ord(one):x} " for one in text).encode(codec)


def _fits(character: str, codec: str) -> bool:
    try:
        character.encode(codec)
    except UnicodeEncodeError:
        return False
    return True
