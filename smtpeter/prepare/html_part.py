"""
An HTML part of a message: read, changed, written back, whichever charset and transfer encoding it has.

All changes are splices over the decoded bytes, so the bytes between them survive as they were.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, field, frozen

from smtpeter.mime.charsets import Charset, Unreadable, find_charset
from smtpeter.mime.document import Part
from smtpeter.model.keys import MacKeys
from smtpeter.prepare.links import LINK_TAGS, find_links, link_splice
from smtpeter.prepare.numbering import NOT_NUMBERED, Numbered, number_elements
from smtpeter.prepare.pixel import PIXEL_TAGS, pixel_splice
from smtpeter.prepare.splices import Splice, in_order
from smtpeter.prepare.tokenizer import Outline, Outlined, Tag, attributes, outline, tags
from smtpeter.prepare.transfer import Body, Segment, Undecodable, change_body, read_body
from smtpeter.tracking.tokens import click_mark, pixel_mark

MAX_LINKS = 10_000
"""In one message; further links lead where they led."""

MAX_TAGS = 100_000
"""In one part; each takes memory while it is changed."""

_ESCAPE = b"\x1b"
_ARMOUR = re.compile(rb"(?:\A|[>\n])[ \t\r]*+-----BEGIN PGP (?:SIGNED )?MESSAGE-----")
"""A PGP block (RFC 9580, 6.2) at the start of a line as it is shown."""
_STYLE = re.compile(rb"<style", re.IGNORECASE)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TAGS = LINK_TAGS | PIXEL_TAGS
_OUTLINED = Outlined(left_out=NOT_NUMBERED, starts=LINK_TAGS, ends=_TAGS)
_OUTLINED_WITHOUT_LINK_ENDS = evolve(_OUTLINED, ends=PIXEL_TAGS)


class PartLeft(Exception):
    """The part cannot be read; the text says why, for the sender."""


@frozen(kw_only=True)
class HTMLPart:
    """A decoded part."""

    body: Body = field(repr=False)
    charset: Charset

    @property
    def html(self) -> bytes:
        """Its document."""
        return self.body.decoded

    @property
    def has_style_sheets(self) -> bool:
        """Whether there may be some."""
        return _STYLE.search(self.html) is not None

    def tags(self, has_link_ends: bool) -> list[Tag]:
        """The tags that tracking looks at, in order; C{has_link_ends}: the end tags of links too."""
        return list(tags(self.charset.markup(self.html), _TAGS, _TAGS if has_link_ends else PIXEL_TAGS))

    def numbered(self, has_link_ends: bool) -> tuple[Numbered | None, list[Tag]]:
        """
        Its copy for a CSS engine, numbered; C{None} without style sheets.

        Of an escaped charset the engine gets the masked text, unless the styles themselves have such characters.

        @param has_link_ends: whether end tags of links are wanted.
        @return: and, since they were met on the way, the L{tags} that tracking looks at.
        @raise Unreadable: a style sheet cannot be inlined in this charset.
        """
        seen = outline(self.charset.markup(self.html), _OUTLINED if has_link_ends else _OUTLINED_WITHOUT_LINK_ENDS)
        return self._numbered(seen), seen.tags

    def _numbered(self, seen: Outline) -> Numbered | None:
        if not self.charset.is_escaped or not seen.sheets:
            return number_elements(self.html, seen, self.charset.codec)
        if not self.html.isascii() or any(_ESCAPE in self.html[slice(*span)] for span in _styles(self.html, seen)):
            raise Unreadable("styles in an escaped charset")
        return number_elements(self.charset.markup(self.html).replace(_ESCAPE, b"x"), seen, "ascii")


def _styles(html: bytes, seen: Outline) -> Iterator[tuple[int, int]]:
    """Where styles stand: the contents of C{style} elements and the attributes of that name."""
    yield from (span for _, span in seen.sheets)
    for name_end, end in zip(seen.name_ends, seen.ends, strict=True):
        for attribute in attributes(html, name_end, end):
            if attribute.name == b"style":
                yield attribute.value_start, attribute.value_end


@frozen(kw_only=True)
class Tracking:
    """
    Under which address links and pixels lead to us.

    @ivar base: the tracking base, without a slash at its end.
    @ivar host: the part of it that browsers ask for.
    """

    keys: MacKeys
    base: str
    host: str


@frozen(kw_only=True)
class Wanted:
    """What is to be done beside style sheets."""

    clicks: bool
    opens: bool
    preventscam: bool
    kept: frozenset[str]
    """Addresses of links that stay."""


@frozen(kw_only=True)
class Change:
    """
    A part after the changes.

    @ivar segments: its encoded body; C{None} when nothing changed.
    @ivar encoding: its new transfer encoding, if it is another.
    @ivar links: how many links lead through us.
    @ivar warnings: what could not be done, in words for the sender.
    """

    segments: tuple[Segment, ...] | None = field(default=None, repr=False)
    encoding: str | None = None
    links: int = 0
    warnings: tuple[str, ...] = ()

    def with_warnings(self, warnings: tuple[str, ...]) -> "Change":
        """The same, and more to say."""
        return evolve(self, warnings=(*warnings, *self.warnings)) if warnings else self


def read_html_part(content: bytes, part: Part) -> HTMLPart:
    """
    Decode a part.

    @raise PartLeft: it goes on as it is.
    """
    try:
        charset = find_charset(part.charset)
        body = read_body(content[part.body_start : part.end], part.encoding)
    except Unreadable:
        raise PartLeft(f"an HTML part was left as it is: its charset {part.charset[:40]} is not supported") from None
    except Undecodable as problem:
        raise PartLeft(f"an HTML part was left as it is: {problem}") from None
    if b"\0" in body.decoded or body.decoded.startswith(_WIDE_MARKS):
        raise PartLeft("an HTML part was left as it is: it is not in the charset that it claims")
    # The regular expression looks at each line, which takes twenty times as long.
    if b"-----BEGIN PGP " in body.decoded and _ARMOUR.search(body.decoded):
        raise PartLeft("an HTML part was left as it is: it is signed or encrypted with PGP")
    if body.decoded.count(b"<") > MAX_TAGS:
        raise PartLeft(f"an HTML part was left as it is: it has over {MAX_TAGS} tags")
    return HTMLPart(body=body, charset=charset)


def change_html(
    part: HTMLPart,
    styles: Iterable[Splice],
    wanted: Wanted,
    tracking: Tracking,
    first_link: int,
    seen: Sequence[Tag] | None = None,
) -> Change:
    """
    Do all that was asked for.

    @param styles: what an inlined style sheet changes.
    @param seen: the tags that tracking looks at (L{HTMLPart.tags}), if they are known.
    @param first_link: the number of the first link of this part in the message.
    @raise Overlapping: the changes contradict one another, which is a bug.
    """
    splices = list(styles)
    if seen is None:
        seen = part.tags(wanted.preventscam) if wanted.clicks or wanted.opens else ()
    links = 0
    warnings: tuple[str, ...] = ()
    if wanted.clicks:
        clicks = _click_splices(part, seen, wanted, tracking, first_link)
        splices += clicks
        links = len(clicks)
        if first_link + links >= MAX_LINKS:
            warnings = (f"the message has over {MAX_LINKS} links: the last ones are not tracked",)
    if wanted.opens:
        mark = pixel_mark(tracking.keys, tracking.host)
        splices.append(pixel_splice(part.html, seen, part.charset, mark, tracking.base))
    if not splices:
        return Change(warnings=warnings)
    segments, encoding = change_body(part.body, in_order(splices, len(part.html)))
    return Change(segments=tuple(segments), encoding=encoding, links=links, warnings=warnings)


def _click_splices(
    part: HTMLPart, seen: Sequence[Tag], wanted: Wanted, tracking: Tracking, first_link: int
) -> list[Splice]:
    splices: list[Splice] = []
    found = find_links(
        part.html, part.charset, tags=seen, preventscam=wanted.preventscam, kept=wanted.kept, base=tracking.base
    )
    for number, link in zip(range(first_link, MAX_LINKS), found, strict=False):
        mark = click_mark(tracking.keys, tracking.host, number, link.url)
        splices.append(link_splice(link, mark, tracking.base))
    return splices
