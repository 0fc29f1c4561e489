"""Reads the body of a send as a whole: what is to be sent, to whom, and how (pure)."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from smtpeter.mime.wire import normalise_newlines
from smtpeter.model.options import Overrides
from smtpeter.web.api.composing import COMPOSING, Composed, Files, read_composed
from smtpeter.web.api.options import Reports, read_overrides, read_reports, read_tags, read_time
from smtpeter.web.api.reading import Reader
from smtpeter.web.api.recipients import has_named, read_address, read_recipients

NOT_YET = {
    "template": "names a template, and templates are not available yet",
    "data": "has data, and personalisation is not available yet",
    "patch": "has a patch, and templates are not available yet",
}
"""Refused rather than ignored: a mail with its place-holders would go out."""

PERSONAL = ("from", "to", "cc", "replyto", "replyTo", "subject", "text", "html", "mime", "extra")
"""Properties that may have place-holders."""


@frozen(kw_only=True)
class Order:
    """A send that can be done."""

    recipients: tuple[str, ...]
    reverse_path: str
    content: bytes = field(repr=False)
    """With CRLF line ends."""
    is_utf8: bool
    """Whether it needs SMTPUTF8 (RFC 6531)."""
    overrides: Overrides
    tags: tuple[str, ...]
    reports: Reports
    expires_at: float | None
    has_own_unsubscribe: bool
    """Whether an address of ours is to be in List-Unsubscribe."""


def read_order(
    body: Mapping[str, Any], chance: bytes, files: Files | None = None, offers_unsubscribe: bool = False
) -> Order:
    """
    Read all of it.

    @param chance: see L{smtpeter.mime.compose.compose}.
    @param files: what was fetched; C{None} to look for faults first.
    @param offers_unsubscribe: whether we have an https address at which readers unsubscribe.
    @raise APIError: 400, with all that is wrong.
    """
    reader = Reader(body)
    for name, problem in NOT_YET.items():
        if _is_named(reader, name):
            reader.fault(name, problem)
    _refuse_placeholders(reader)
    recipients, reverse_path = read_recipients(reader), _reverse_path(reader)
    composed = _content(reader, chance, files or {}, offers_unsubscribe)
    addresses = (*recipients, reverse_path)
    is_utf8 = not all(address.isascii() for address in addresses) or (
        not reader.has("mime") and _has_utf8(composed.content)
    )
    order = Order(
        recipients=recipients,
        reverse_path=reverse_path,
        content=composed.content,
        is_utf8=is_utf8,
        overrides=read_overrides(reader),
        tags=read_tags(reader),
        reports=read_reports(reader),
        expires_at=read_time(reader, "maxdelivertime"),
        has_own_unsubscribe=composed.has_own_unsubscribe,
    )
    reader.check()
    return order


def _refuse_placeholders(reader: Reader) -> None:
    """Data may be empty, and its place-holders are to be filled all the same. Without data they are text."""
    if reader.body.get("data") != {} and not has_named(reader):
        return
    for name in PERSONAL:
        value = reader.body.get(name)
        if "{$" in (value if isinstance(value, str) else json.dumps(value)):
            reader.fault(name, "has {$…} to be filled, and personalisation is not available yet")


def _is_named(reader: Reader, name: str) -> bool:
    return reader.body.get(name) not in (None, "", [], {})


def _reverse_path(reader: Reader) -> str:
    text = reader.text("envelope")
    return read_address(reader, "envelope", text) or "" if text else ""


def _content(reader: Reader, chance: bytes, files: Files, offers_unsubscribe: bool) -> Composed:
    mime = reader.text("mime")
    if not reader.has("mime"):
        if _is_named(reader, "template"):
            return Composed()
        return read_composed(reader, chance, files, offers_unsubscribe)
    for name in COMPOSING:
        if reader.has(name):
            reader.fault(name, "cannot stand beside mime, which is the whole message")
    if mime == "":
        reader.fault("mime", "is empty")
    return Composed(content=normalise_newlines((mime or "").encode("utf-8", "replace")))


def _has_utf8(content: bytes) -> bool:
    """Whether the header of a composed message has what only SMTPUTF8 may carry."""
    return not content.partition(b"\r\n\r\n")[0].isascii()
