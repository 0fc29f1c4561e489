"""
From an engine's result to splices over the original bytes.

Only attribute values that carry style, and the contents of C{style} elements, change: a value is replaced, a missing
attribute is added right behind the tag's name. All other bytes, and so doctype, entities, conditional comments and
addresses in links, stay as they were.
"""

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from smtpeter.boundaries.prepare import InlineResult
from smtpeter.mime.wire import normalise_newlines
from smtpeter.prepare.numbering import Numbered
from smtpeter.prepare.splices import Splice, place_of
from smtpeter.prepare.tokenizer import Attribute, attributes

ATTRIBUTES = frozenset({"style", "width", "height", "bgcolor", "align", "valign"})
"""What an engine may change; anything else in its result is passed over."""

_WORDS = {
    re.compile(word): [name for name in sorted(ATTRIBUTES) if word.decode() in name]
    for word in (b"style", b"width", b"height", b"bgcolor", b"align")
}
"""By what is found of it, the names that may be meant."""
_END_TAG = re.compile("</style", re.IGNORECASE)


def style_splices(numbered: Numbered, result: InlineResult) -> list[Splice]:
    """
    What to change, by position, without overlaps; nothing where the result says what stands there already.

    A result that does not fit the document changes nothing of what it does not fit: numbers and style sheets that there
    are not, and a style sheet with an end tag in it.
    """
    return sorted((*_attribute_splices(numbered, result), *_sheet_splices(numbered, result)), key=place_of)


def _attribute_splices(numbered: Numbered, result: InlineResult) -> list[Splice]:
    """What many elements get alike, which is one object, is written once."""
    splices: list[Splice] = []
    added: dict[int, tuple[bytes]] = {}
    name_ends, count, named = numbered.name_ends, len(numbered.name_ends), _names_in_tags(numbered)
    for number, values in result.attributes.items():
        if not 0 <= number < count:
            continue
        if number in named and not named[number].isdisjoint(values):
            splices += _tag_splices(numbered, number, values)
            continue
        key = id(values)
        if key not in added:
            added[key] = (_added(values, numbered.codec),)
        if added[key][0]:
            splices.append(Splice(name_ends[number], name_ends[number], added[key]))
    return splices


def _names_in_tags(numbered: Numbered) -> dict[int, set[str]]:
    """By number, which of those names occur in the tag, as names of attributes or otherwise."""
    name_ends = numbered.name_ends
    names: dict[int, set[str]] = {}
    # A word at a time, in a copy in lower case: one expression for all that ignores case takes ten times as long.
    lowered = numbered.html.lower()
    for word, meant in _WORDS.items():
        for found in word.finditer(lowered):
            names.setdefault(bisect_right(name_ends, found.start()) - 1, set()).update(meant)
    return names


def _tag_splices(numbered: Numbered, number: int, values: Mapping[str, str]) -> Iterator[Splice]:
    present: dict[bytes, Attribute] = {}
    name_end = numbered.name_ends[number]
    for attribute in attributes(numbered.html, name_end, numbered.ends[number]):
        present.setdefault(attribute.name, attribute)
    new = {name: value for name, value in values.items() if name.encode("utf-8", "replace") not in present}
    if added := _added(new, numbered.codec):
        yield _splice(name_end, name_end, added)
    for name, value in values.items():
        if name in ATTRIBUTES and name not in new:
            found = present[name.encode("ascii")]
            if not _says(numbered, found, value):
                yield _replacement(found, value, numbered.codec)


def _added(values: Mapping[str, str], codec: str) -> bytes:
    """Attributes as they are written behind the name of a tag."""
    return b"".join(
        [f" {name}=".encode("ascii") + _quoted(value, codec) for name, value in values.items() if name in ATTRIBUTES]
    )


def _sheet_splices(numbered: Numbered, result: InlineResult) -> Iterator[Splice]:
    """Line ends become those of the document: one odd line end would have all of it looked through."""
    if len(result.remaining) != len(numbered.sheets):
        return
    has_crlf = b"\r\n" in numbered.html
    for (start, end), text, before in zip(
        numbered.sheets, result.remaining, numbered.request.style_sheets, strict=True
    ):
        if text != before and not _END_TAG.search(text):
            written = _encoded_css(text, numbered.codec)
            yield _splice(start, end, normalise_newlines(written) if has_crlf else written)


def _says(numbered: Numbered, attribute: Attribute, value: str) -> bool:
    raw = numbered.html[attribute.value_start : attribute.value_end].decode(numbered.codec, "replace")
    return html.unescape(raw) == value


def _replacement(attribute: Attribute, value: str, codec: str) -> Splice:
    start, end = attribute.value_start, attribute.value_end
    if attribute.quote:
        return _splice(start, end, _escaped(value, attribute.quote.decode("ascii"), codec))
    return _splice(start, end, (b"=" if attribute.quote is None else b"") + _quoted(value, codec))


def _splice(start: int, end: int, replacement: bytes) -> Splice:
    return Splice(start, end, (replacement,))


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
