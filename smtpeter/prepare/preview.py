"""Makes of a message that was rendered what its sender is shown of it, and what is to be said about it."""

import re
from collections.abc import Iterator

from attrs import frozen

from smtpeter.mime.contents import read_contents
from smtpeter.mime.document import editable_html_parts
from smtpeter.mime.headers import read_headers
from smtpeter.mime.scanner import TooDeep, scan
from smtpeter.mime.words import decode_text
from smtpeter.model.message import Message, Submission
from smtpeter.model.preview import Preview, Signature
from smtpeter.prepare.html_part import PartLeft, Tracking, Wanted, read_html_part
from smtpeter.prepare.link_map import LinkMap
from smtpeter.prepare.links import kept_addresses

MAX_LEFT = 20
"""So many links are named that are not tracked."""

_SIGNATURE = re.compile(rb"DKIM-Signature:[^\n]*;\s+d=([^;\s]+); s=([^;\s]+);")
"""Ours, which stands in front of all else: Received comes before whatever the content had."""


@frozen(kw_only=True)
class Rendered:
    """
    A message as it would leave.

    @ivar warnings: what preparing said.
    @ivar needs_utf8: whether its header needs SMTPUTF8 at the next hop.
    """

    submission: Submission
    message: Message
    content: bytes
    reverse_path: str
    warnings: tuple[str, ...]
    needs_utf8: bool


def read_preview(rendered: Rendered, tracking: Tracking) -> Preview:
    """
    What is shown.

    @param tracking: with the keys of its tokens.
    """
    links = _links(rendered, tracking) if rendered.submission.features.trackclicks else LinkMap()
    contents = read_contents(rendered.content)
    html, text = contents.html(), contents.text()
    found = _SIGNATURE.match(rendered.content)
    signature = Signature(domain=found[1].decode(), selector=found[2].decode()) if found else None
    warnings = (
        *rendered.submission.warnings,
        *rendered.warnings,
        *_left(links),
        *_about_parts(rendered, html, text),
        *_about_sender(rendered, signature),
    )
    return Preview(
        recipient=rendered.message.recipient.address,
        reverse_path=rendered.reverse_path,
        content=rendered.content,
        html=html,
        links=links.tracked,
        signature=signature,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _links(rendered: Rendered, tracking: Tracking) -> LinkMap:
    """Of the parts that could be changed. Why one was left as it is, preparing has said."""
    content, features, links = rendered.content, rendered.submission.features, LinkMap()
    kept = kept_addresses(decode_text(each.raw) for each in read_headers(content).named("List-Unsubscribe"))
    wanted = Wanted(clicks=True, opens=features.trackopens, preventscam=features.preventscam, kept=kept)
    try:
        parts = editable_html_parts(scan(content))
    except TooDeep:
        parts = ()
    for part in parts:
        try:
            links.read(read_html_part(content, part), wanted, tracking)
        except PartLeft:
            continue
    return links


def _left(links: LinkMap) -> Iterator[str]:
    for url, reason in list(links.left.items())[:MAX_LEFT]:
        yield f"a link is not tracked, since {reason}: {url}"
    if len(links.left) > MAX_LEFT:
        yield f"{len(links.left) - MAX_LEFT} more links are not tracked"


def _about_parts(rendered: Rendered, html: str | None, text: str | None) -> Iterator[str]:
    features = rendered.submission.features
    asked = [name for name in ("inlinecss", "trackclicks", "trackopens") if getattr(features, name)]
    if html is None and asked:
        yield f"there is no HTML that a reader sees, so nothing is done for {', '.join(asked)}"
    if html is not None and text is None:
        yield "there is no plain text beside the HTML"


def _about_sender(rendered: Rendered, signature: Signature | None) -> Iterator[str]:
    domain = rendered.submission.sender_domain
    envelope = rendered.reverse_path.rpartition("@")[2].lower()
    if rendered.needs_utf8:
        yield "the header needs SMTPUTF8: servers that do not offer it will not get this message"
    if not envelope:
        yield "the envelope sender is empty: nobody hears of bounces"
    if signature is None and not any("was not signed" in one for one in rendered.warnings):
        why = f"{domain} has no DKIM key" if domain else "the domain of From is not an approved sender domain"
        yield f"the message is not signed: {why}"
    if signature is None and domain and envelope and not _is_aligned(envelope, domain):
        yield f"neither signature nor envelope sender is of {domain}: where it publishes a DMARC policy, that fails"


def _is_aligned(one: str, other: str) -> bool:
    """Whether one domain is the other or below it, as relaxed alignment has it (RFC 7489, 3.1)."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
