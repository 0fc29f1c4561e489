"""
A numbered copy of an HTML document: what an engine gets to see in place of the original bytes.

Each start tag that may be styled gets its number as its first attribute, which wins against any later one of that name.
The copy is text; C{codec} turns it back into the charset of the part. A charset that Python does not know, or that the
bytes do not keep to, is read as ISO-8859-1, which gives every byte back.
"""

import codecs
from collections.abc import Sequence
from itertools import pairwise

from attrs import field, frozen

from smtpeter.boundaries.prepare import InlineRequest
from smtpeter.mime.charsets import Unreadable
from smtpeter.prepare.tokenizer import Outline

NUMBER = "data-smtpeter-n"
SHEET = "data-smtpeter-sheet"
"""On a C{style} element of the copy: its place among the style sheets of the request."""
UNSTYLED = frozenset({"head", "title", "meta", "link", "base", "script", "style", "noscript", "template", "param"})
"""Elements that have no appearance."""

_NUMBER_MARK = f' {NUMBER}="%d"'.encode("ascii")
_SHEET_MARK = f' {SHEET}="%d"'.encode("ascii")
_KEPT_MARKS = tuple(map(_NUMBER_MARK.__mod__, range(1000)))
NOT_NUMBERED = frozenset(name.encode("ascii") for name in UNSTYLED)
"""The same as bytes."""
_ASCII = bytes(range(0x20, 0x7F)) + b"\t\r\n"
_STATEFUL = ("iso2022", "hz", "utf_7")


@frozen(kw_only=True)
class Numbered:
    """
    A document and its numbered copy.

    @ivar name_ends: by number, where the name of the element's start tag ends.
    @ivar ends: by number, where its start tag ends.
    @ivar sheets: where the contents of each style sheet of the request stand in the document.
    """

    html: bytes = field(repr=False)
    codec: str
    request: InlineRequest = field(repr=False)
    name_ends: Sequence[int] = field(repr=False)
    ends: Sequence[int] = field(repr=False)
    sheets: tuple[tuple[int, int], ...]


def number_elements(html: bytes, outline: Outline, codec: str | None) -> Numbered | None:
    """
    Number the elements of a document.

    @param outline: of C{html}, with L{NOT_NUMBERED} left out.
    @param codec: of its charset; C{None} when Python does not know it.
    @return: C{None} when there is no style sheet, so nothing to inline.
    @raise Unreadable: bytes that are no markup look like it in that charset.
    """
    codec = _checked(html, codec)
    if not outline.sheets:
        return None
    name_ends, spans = outline.name_ends, tuple([span for _, span in outline.sheets])
    marks = dict(zip(name_ends, _number_marks(len(name_ends)), strict=True))
    marks |= {name_end: _SHEET_MARK % index for index, (name_end, _) in enumerate(outline.sheets)}
    request = InlineRequest(
        html=_marked(html, marks).decode(codec),
        style_sheets=tuple([html[start:end].decode(codec) for start, end in spans]),
    )
    return Numbered(html=html, codec=codec, request=request, name_ends=name_ends, ends=outline.ends, sheets=spans)


def _number_marks(count: int) -> Sequence[bytes]:
    """The first are kept, since writing a number takes longer than looking it up."""
    if count <= len(_KEPT_MARKS):
        return _KEPT_MARKS[:count]
    return (*_KEPT_MARKS, *map(_NUMBER_MARK.__mod__, range(len(_KEPT_MARKS), count)))


def _marked(html: bytes, marks: dict[int, bytes]) -> bytes:
    """With insertions by place."""
    places = sorted(marks)
    pieces = [html[: places[0]]]
    for start, end in pairwise((*places, len(html))):
        pieces += (marks[start], html[start:end])
    return b"".join(pieces)


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
