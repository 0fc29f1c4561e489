"""
What a reader finds in a message: its texts, its attached files and its embedded ones, decoded.

Called so, in a work thread when the message is larger than some hundred kilobytes::

    contents = read_contents(message)                # bytes, as sent
    contents.text(), contents.html()                 # str; None where there is none
    contents.attachments, contents.embeds            # each file has number, name, type, size
    found = find_file(contents.embeds, "logo")       # by name, number or content id
    contents.octets(found)                           # its bytes
    header_text(message)                             # all fields as they stand there

Every byte is looked at a few times at the most, whatever the message. Broken MIME raises nothing: what cannot be
divided has no files, and what cannot be decoded is given as far as it can be.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from attrs import define, field, frozen

from smtpeter.mime.charsets import decode_text_body
from smtpeter.mime.document import Part
from smtpeter.mime.filetypes import UNKNOWN
from smtpeter.mime.headers import read_headers
from smtpeter.mime.scanner import TooDeep, scan
from smtpeter.mime.transfer import decode_leniently
from smtpeter.mime.words import decode_text, without_controls

_CONTENT_ID = re.compile(rb"^content-id[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_NUMBER = re.compile(r"[0-9]{1,5}")
_MAX_CID = 1000


@frozen(kw_only=True)
class File:
    """A file in a message."""

    number: int
    """From zero, among the attached or the embedded ones."""
    name: str
    """One line without control characters; empty when it has none. It may contain slashes."""
    type: str
    """A regular media type in lower case, without parameters."""
    size: int
    """Octets, decoded."""
    cid: str
    """The content id without angle brackets; empty when it has none."""
    part: Part = field(repr=False, eq=False)


@define(eq=False)
class Contents:
    """A message whose parts have been found; they are decoded when they are asked for."""

    _content: bytes
    _found: "_Found"

    def text(self) -> str | None:
        """The plain text that a reader sees, with the line ends of the message."""
        return self._text(self._found.plain)

    def html(self) -> str | None:
        """The HTML that a reader sees, with the line ends of the message."""
        return self._text(self._found.html)

    @cached_property
    def attachments(self) -> tuple[File, ...]:
        """Attached files, in order. An attached message is one file."""
        return tuple(self._files(self._found.attached))

    @cached_property
    def embeds(self) -> tuple[File, ...]:
        """Files that belong to the HTML, in order."""
        return tuple(self._files(self._found.embedded))

    def octets(self, file: File) -> bytes:
        """The bytes of a file, decoded."""
        return self._octets(file.part)

    def _files(self, parts: Iterable[Part]) -> Iterator[File]:
        for number, part in enumerate(parts):
            yield File(
                number=number,
                name=_name(part.filename),
                type=part.content_type if _TYPE.fullmatch(part.content_type) else UNKNOWN,
                size=len(self._octets(part)),
                cid=content_id(self._content, part),
                part=part,
            )

    def _text(self, part: Part | None) -> str | None:
        return None if part is None else decode_text_body(self._octets(part), part.charset)

    def _octets(self, part: Part) -> bytes:
        return decode_leniently(self._content[part.body_start : part.end], part.encoding)


def read_contents(content: bytes) -> Contents:
    """
    Find what a reader finds.

    @param content: with CRLF line ends. Nested too deep (which is not accepted), it has neither texts nor files.
    """
    found = _Found(content=content)
    try:
        found.look_at(scan(content))
    except TooDeep:
        pass
    return Contents(content, found)


def header_text(content: bytes) -> str:
    """All fields of a message as they stand there, folded and encoded; what is not UTF-8 is taken for Latin-1."""
    headers = read_headers(content)
    block = content[headers.start : headers.end]
    try:
        return block.decode()
    except UnicodeDecodeError:
        return block.decode("latin-1")


def find_file(files: Iterable[File], which: str) -> File | None:
    """
    The first file with that name; else the one with that content id, with or without angle brackets; else the one with
    that number.
    """
    candidates = list(files)
    cid = which[1:-1] if which.startswith("<") and which.endswith(">") else which
    for is_meant in (
        lambda file: file.name == which,
        lambda file: file.cid == cid,
        lambda file: _NUMBER.fullmatch(which) is not None and file.number == int(which),
    ):
        for file in candidates:
            if which and is_meant(file):
                return file
    return None


@define(kw_only=True, eq=False)
class _Found:
    """Sorts the parts of a message by what they are for a reader."""

    content: bytes
    plain: Part | None = field(init=False, default=None)
    html: Part | None = field(init=False, default=None)
    attached: list[Part] = field(init=False, factory=list)
    embedded: list[Part] = field(init=False, factory=list)

    def look_at(self, part: Part, container: str = "") -> None:
        """
        A part, and what is in it.

        @param container: the type of what it stands in.
        """
        if part.is_multipart:
            for child in part.children:
                self.look_at(child, part.content_type)
        elif not self._is_body(part) and not _is_alternative(part, container):
            self._add_file(part, container == "multipart/related")

    def _is_body(self, part: Part) -> bool:
        """Texts without a name that are not attached are for reading. The first of a kind is taken; most have one."""
        if part.disposition == "attachment" or part.filename:
            return False
        if part.content_type == "text/plain":
            self.plain = self.plain or part
        elif part.content_type == "text/html":
            self.html = self.html or part
        else:
            return False
        return True

    def _add_file(self, part: Part, is_related: bool) -> None:
        """Some programs give attached files a content id too."""
        has_id = _CONTENT_ID.search(self.content, part.start, part.header_end) is not None
        is_embedded = is_related and has_id if part.disposition == "attachment" else is_related or has_id
        (self.embedded if is_embedded else self.attached).append(part)


def _is_alternative(part: Part, container: str) -> bool:
    """Another form of the text, such as C{text/x-amp-html}."""
    is_file = part.disposition == "attachment" or part.filename
    return container == "multipart/alternative" and part.content_type.startswith("text/") and not is_file


def _name(given: str) -> str:
    """Many programs write encoded words where the standard has none, so they are decoded wherever they stand."""
    return decode_text(given.encode()) if "=?" in given else without_controls(given)


def content_id(content: bytes, part: Part) -> str:
    """Its content id without angle brackets; empty when it has none."""
    match = _CONTENT_ID.search(content, part.start, part.header_end)
    return "" if match is None else decode_text(match[1][:_MAX_CID]).strip().removeprefix("<").removesuffix(">")
