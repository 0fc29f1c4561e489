"""
A numbered copy of an HTML document: what an engine gets to see in place of the original bytes.

Each start tag that may be styled gets its number as its first attribute, which wins against any later one of that name.
The copy is text; C{codec} turns it back into the charset of the part. A charset that Python does not know, or that the
bytes do not keep to, is read as ISO-8859-1, which gives every byte back.
"""

import codecs
from collections.abc import Iterable

from attrs import field, frozen

from smtpeter.boundaries.prepare import InlineRequest
from smtpeter.mime.charsets import Unreadable
from smtpeter.prepare.tokenizer import Tag

NUMBER = "data-smtpeter-n"
SHEET = "data-smtpeter-sheet"
"""On a C{style} element of the copy: its place among the style sheets of the request."""
UNSTYLED = frozenset({"head", "title", "meta", "link", "base", "script", "style", "noscript", "template", "param"})
"""Elements that have no appearance."""

_NUMBER_MARK = f' {NUMBER}="%d"'.encode("ascii")
_SHEET_MARK = f' {SHEET}="%d"'.encode("ascii")
_UNSTYLED = frozenset(name.encode("ascii") for name in UNSTYLED)
_ASCII = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_STATEFUL = ("iso2022", "hz", "utf_7")


@frozen(kw_only=True)
class Numbered:
    """
    A document and its numbered copy.

    @ivar elements: the tag of each number.
    @ivar sheets: where the contents of each style sheet of the request stand in the document.
    """

    html: bytes = field(repr=False)
    codec: str
    request: InlineRequest = field(repr=False)
    elements: tuple[Tag, ...] = field(repr=False)
    sheets: tuple[tuple[int, int], ...]


def number_elements(html: bytes, tags: Iterable[Tag], codec: str | None) -> Numbered | None:
    """
    Number the elements of a document.

    @param tags: all start tags of C{html}, in their order; end tags among them are passed over.
    @param codec: of its charset; C{None} when Python does not know it.
    @return: C{None} when there is no style sheet, so nothing to inline.
    @raise Unreadable: bytes that are no markup look like it in that charset.
    """
    codec = _checked(html, codec)
    elements: list[Tag] = []
    sheets: list[tuple[int, int]] = []
    copy: list[bytes] = []
    copied = 0
    for tag in tags:
        if tag.is_end or (tag.name in _UNSTYLED and tag.name != b"style"):
            continue
        name_end = tag.start + 1 + len(tag.name)
        if tag.name == b"style":
            mark = _SHEET_MARK % len(sheets)
            sheets.append(tag.content or (tag.end, tag.end))
        else:
            mark = _NUMBER_MARK % len(elements)
            elements.append(tag)
        copy += (html[copied:name_end], mark)
        copied = name_end
    if not sheets:
        return None
    text = b"".join((*copy, html[copied:])).decode(codec)
    contents = tuple(html[start:end].decode(codec) for start, end in sheets)
    request = InlineRequest(html=text, style_sheets=contents)
    return Numbered(html=html, codec=codec, request=request, elements=tuple(elements), sheets=tuple(sheets))


def _checked(html: bytes, codec: str | None) -> str:
    try:
        name = codecs.lookup(codec or "").name
    except LookupError:
        return "latin_1"
    if name.replace("-", "_").startswith(_STATEFUL) or not _is_ascii_based(name):
        raise Unreadable(name)
    try:
        html.decode(name)
    except (ValueError, TypeError):
        return "latin_1"
    return name


def _is_ascii_based(codec: str) -> bool:
    try:
        return _ASCII.decode(codec) == _ASCII.decode("ascii")
    except (ValueError, TypeError, LookupError):
        return False
