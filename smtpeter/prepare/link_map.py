"""
The links of an HTML part that was changed: where each leads, and why some do not lead through us.

It reads the result and not the plan, by the rules of L{smtpeter.prepare.links}: what the tokens say is what a reader
would follow.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from attrs import define, field

from smtpeter.prepare.html_part import HTMLPart, Tracking, Wanted
from smtpeter.prepare.links import HTTP, LINK_TAGS, is_address
from smtpeter.prepare.references import decode_references
from smtpeter.prepare.tokenizer import Tag
from smtpeter.tracking.tokens import Forged, NotTrackable, browser_url, read_click

_SHOWN = 200

IN_DOUBT = "it is not clear which address browsers take it for"
KEPT = "List-Unsubscribe has it too"
OWN = "it leads to the tracking host by itself"
SCAM = "its text is an address itself, and preventscam is on"
TOO_MANY = "the message has too many links"


@define(eq=False, kw_only=True)
class LinkMap:
    """
    What was found of a message.

    @ivar tracked: where links through us lead, by what stands in the HTML.
    @ivar left: the others with C{http} or C{https}, and why each is as it was.
    """

    tracked: dict[str, str] = field(factory=dict)
    left: dict[str, str] = field(factory=dict)

    def read(self, part: HTMLPart, wanted: Wanted, tracking: Tracking) -> None:
        """Add the links of a part."""
        found = (tag for tag in part.tags(has_link_ends=True) if tag.name in LINK_TAGS)
        for url, shown, is_anchor in _links(part, found):
            destination = _destination(url, tracking)
            if destination is not None:
                self.tracked[url] = destination
            else:
                self.left[url[:_SHOWN]] = _reason(url, part, wanted, tracking, shown if is_anchor else None)


def _links(part: HTMLPart, tags: Iterable[Tag]) -> Iterator[tuple[str, bytes, bool]]:
    """The address of each link, what stands in it, and whether that is its text."""
    html, charset = part.html, part.charset
    for tag, following in pairwise(chain(tags, (None,))):
        place = None if tag is None or tag.is_end else tag.value(b"href")
        if tag is None or place is None:
            continue
        raw = html[slice(*place)]
        value = charset.decode(raw)
        url = decode_references(charset.text(raw) if value is None else value)
        if HTTP.match(url):
            yield url, html[tag.end : len(html) if following is None else following.start], tag.name == b"a"


def _destination(url: str, tracking: Tracking) -> str | None:
    """Where a link of ours leads; C{None} when it is none."""
    if not url.startswith(tracking.base + "/"):
        return None
    path, mark, fragment = url[len(tracking.base) :].partition("#")
    try:
        click = read_click(tracking.keys, tracking.host, path.encode("utf-8", "replace"))
    except Forged:
        return None
    return click.destination + mark + fragment


def _reason(url: str, part: HTMLPart, wanted: Wanted, tracking: Tracking, shown: bytes | None) -> str:
    try:
        found = browser_url(url, part.charset.codec)
    except NotTrackable:
        return IN_DOUBT
    if found.url in wanted.kept:
        return KEPT
    if found.url.startswith(tracking.base + "/"):
        return OWN
    if wanted.preventscam and shown is not None and is_address(shown, part.charset):
        return SCAM
    return TOO_MANY
