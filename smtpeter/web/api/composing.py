"""Reads the properties of which a message is composed (pure)."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import evolve, field, frozen

from smtpeter.boundaries.fetch import Fetched
from smtpeter.mime.compose import NotComposable, compose
from smtpeter.mime.files import MAX_FILE_NAME
from smtpeter.model.composition import Addresses, Attachment, Composition, Unsubscribe
from smtpeter.web.api.reading import Reader, kind

COMPOSING = ("from", "to", "cc", "replyto", "replyTo", "subject", "text", "html", "unsubscribe", "extra", "attachments")
"""The properties that a complete message excludes."""

NOT_OFFERED = (
    "needs an https url (RFC 8058). Give one as unsubscribe.url; this server has none of its own until its operator "
    "sets tracking.url in the configuration to an address that begins with https"
)

_NO_FILES = ("multipart/", "message/")
"""Types of which a file of one part cannot be."""

_WHITE_SPACE = str.maketrans("", "", " \t\r\n")


Files = Mapping[str, Fetched]
"""What was found at URLs."""


def urls_of(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """The URLs of attachments, and where each stands."""
    found: dict[str, list[str]] = {}
    attachments = body.get("attachments")
    for number, one in enumerate(attachments if isinstance(attachments, list) else ()):
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            found.setdefault(one["url"], []).append(f"attachments[{number}].url")
    return found


@frozen(kw_only=True)
class Composed:
    """
    What was made of the properties.

    @ivar content: empty, and faults, when nothing was.
    @ivar has_own_unsubscribe: whether List-Unsubscribe is to have our own address, in each message its own, which it
        gets when it is prepared: one-click is asked for, and no address of the sender's is given.
    """

    content: bytes = field(default=b"", repr=False)
    has_own_unsubscribe: bool = False


def read_composed(reader: Reader, chance: bytes, files: Files, offers_unsubscribe: bool) -> Composed:
    """
    The message that the properties describe.

    @param chance: see L{smtpeter.mime.compose.compose}.
    @param files: what was fetched; a file that was not stays empty.
    @param offers_unsubscribe: whether we have an https address at which readers unsubscribe.
    """
    unsubscribe = _unsubscribe(reader)
    is_own = unsubscribe is not None and unsubscribe.is_oneclick and not unsubscribe.url
    if is_own and not offers_unsubscribe:
        reader.fault("unsubscribe.oneclick", NOT_OFFERED)
    if unsubscribe is not None and is_own:
        unsubscribe = evolve(unsubscribe, is_oneclick=False)
    try:
        content = compose(_read(reader, files, unsubscribe), chance)
    except NotComposable as refusal:
        for fault in refusal.faults:
            reader.fault(fault.field, fault.message.removeprefix(f"{fault.field} "))
        return Composed()
    return Composed(content=content, has_own_unsubscribe=is_own)


def _read(reader: Reader, files: Files, unsubscribe: Unsubscribe | None) -> Composition:
    return Composition(
        sender=_addresses(reader, "from"),
        to=_addresses(reader, "to"),
        cc=_addresses(reader, "cc"),
        replyto=_reply_to(reader),
        subject=reader.text("subject"),
        text=reader.text("text"),
        html=reader.text("html"),
        attachments=_attachments(reader, files),
        extra=_extra(reader),
        unsubscribe=unsubscribe,
    )


def _addresses(reader: Reader, name: str) -> Addresses:
    value = reader.body.get(name)
    return value if isinstance(value, str) else tuple(reader.texts(name))


def _reply_to(reader: Reader) -> Addresses:
    """The newer of two spellings; what is wrong with the other is told all the same."""
    old = _addresses(reader, "replyTo")
    return _addresses(reader, "replyto") if reader.has("replyto") else old


def _extra(reader: Reader) -> tuple[tuple[str, str], ...]:
    extra = reader.members("extra")
    found = []
    for name, value in extra.body.items() if extra else ():
        if isinstance(value, str):
            found.append((name, value))
        else:
            reader.fault(f"extra.{name[:60]}", f"is {kind(value)} where a text belongs")
    return tuple(found)


def _unsubscribe(reader: Reader) -> Unsubscribe | None:
    if isinstance(reader.body.get("unsubscribe"), str | list):
        return _ways_out(reader)
    members = reader.members("unsubscribe")
    if members is None:
        return None
    return Unsubscribe(
        email=members.text("email") or "", url=members.text("url") or "", is_oneclick=members.flag("oneclick") or False
    )


def _ways_out(reader: Reader) -> Unsubscribe:
    """The short spelling: an e-mail address or a URL, or an array of both."""
    texts = [text for text in reader.texts("unsubscribe") if text]
    urls = [text for text in texts if ":/" in text]
    emails = [text for text in texts if ":/" not in text]
    if len(urls) > 1 or len(emails) > 1:
        reader.fault("unsubscribe", "has more than one URL and one e-mail address")
    return Unsubscribe(email="".join(emails[:1]), url="".join(urls[:1]))


def _attachments(reader: Reader, files: Files) -> tuple[Attachment, ...]:
    value = reader.body.get("attachments")
    if value is None:
        return ()
    if not isinstance(value, list):
        reader.fault("attachments", f"is {kind(value)} where an array belongs")
        return ()
    return tuple(_attachment(reader, f"attachments[{number}]", one, files) for number, one in enumerate(value))


def _attachment(reader: Reader, place: str, value: Any, files: Files) -> Attachment:
    if not isinstance(value, dict):
        reader.fault(place, f"is {kind(value)} where an object belongs")
        return Attachment(data=b"")
    texts = {name: value.get(name, "") for name in ("name", "type", "cid")}
    for name, text in texts.items():
        if text is None:
            texts[name] = ""
        elif not isinstance(text, str):
            reader.fault(f"{place}.{name}", f"is {kind(text)} where a text belongs")
            texts[name] = ""
    url = value.get("url")
    if url is None:
        return Attachment(data=_decoded(reader, f"{place}.data", value.get("data")), **texts)
    if not isinstance(url, str):
        reader.fault(f"{place}.url", f"is {kind(url)} where a text belongs")
    elif value.get("data") is not None:
        reader.fault(place, "has data and a url where one of them belongs")
    elif url in files:
        return _fetched(url, files[url], **texts)
    return Attachment(data=b"", **texts)


def _fetched(url: str, file: Fetched, name: str, type: str, cid: str) -> Attachment:
    """A file from elsewhere. What the caller says of it goes before what its URL and its server say."""
    if not name:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        name = name if name.isprintable() and len(name) <= MAX_FILE_NAME else ""
    if not type and not file.type.startswith(_NO_FILES):
        type = f"{file.type}; charset={file.charset}" if file.charset else file.type
    return Attachment(data=file.content, name=name, type=type, cid=cid)


def _decoded(reader: Reader, place: str, text: Any) -> bytes:
    """White space and a missing end are let pass, as most programs do."""
    if not isinstance(text, str):
        reader.fault(place, "is missing, or is no text in base64")
        return b""
    letters = text.translate(_WHITE_SPACE).rstrip("=")
    try:
        return b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        reader.fault(place, "is no base64")
        return b""
