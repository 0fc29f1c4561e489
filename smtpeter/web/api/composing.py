"""Reads the properties of which a message is composed (pure)."""

import binascii
from base64 import b64decode
from typing import Any

from smtpeter.mime.compose import NotComposable, compose
from smtpeter.model.composition import Addresses, Attachment, Composition, Unsubscribe
from smtpeter.web.api.reading import Reader, kind

COMPOSING = ("from", "to", "cc", "replyto", "replyTo", "subject", "text", "html", "unsubscribe", "extra", "attachments")
"""The properties that a complete message excludes."""

NO_URLS = "names a url, and attachments by URL are not available yet: send its data"

_WHITE_SPACE = str.maketrans("", "", " \t\r\n")


def read_composed(reader: Reader, chance: bytes) -> bytes:
    """
    The message that the properties describe; empty, and faults, when there is none.

    @param chance: see L{smtpeter.mime.compose.compose}.
    """
    composition = _read(reader)
    try:
        return compose(composition, chance)
    except NotComposable as refusal:
        for fault in refusal.faults:
            reader.fault(fault.field, fault.message.removeprefix(f"{fault.field} "))
        return b""


def _read(reader: Reader) -> Composition:
    return Composition(
        sender=_addresses(reader, "from"),
        to=_addresses(reader, "to"),
        cc=_addresses(reader, "cc"),
        replyto=_addresses(reader, "replyto" if reader.has("replyto") else "replyTo"),
        subject=reader.text("subject"),
        text=reader.text("text"),
        html=reader.text("html"),
        attachments=_attachments(reader),
        extra=_extra(reader),
        unsubscribe=_unsubscribe(reader),
    )


def _addresses(reader: Reader, name: str) -> Addresses:
    value = reader.body.get(name)
    return value if isinstance(value, str) else tuple(reader.texts(name))


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
    members = reader.members("unsubscribe")
    if members is None:
        return None
    return Unsubscribe(
        email=members.text("email") or "", url=members.text("url") or "", is_oneclick=members.flag("oneclick") or False
    )


def _attachments(reader: Reader) -> tuple[Attachment, ...]:
    value = reader.body.get("attachments")
    if value is None:
        return ()
    if not isinstance(value, list):
        reader.fault("attachments", f"is {kind(value)} where an array belongs")
        return ()
    return tuple(_attachment(reader, f"attachments[{number}]", one) for number, one in enumerate(value))


def _attachment(reader: Reader, place: str, value: Any) -> Attachment:
    if not isinstance(value, dict):
        reader.fault(place, f"is {kind(value)} where an object belongs")
        return Attachment(data=b"")
    if value.get("url") is not None:
        reader.fault(place, NO_URLS)
    elif not isinstance(value.get("data"), str):
        reader.fault(f"{place}.data", "is missing, or is no text in base64")
    texts = {name: value.get(name) or "" for name in ("name", "type", "cid")}
    for name, text in texts.items():
        if not isinstance(text, str):
            reader.fault(f"{place}.{name}", f"is {kind(text)} where a text belongs")
            texts[name] = ""
    return Attachment(data=_decoded(reader, f"{place}.data", value.get("data")), **texts)


def _decoded(reader: Reader, place: str, text: Any) -> bytes:
    """White space and a missing end are let pass, as most programs do."""
    if not isinstance(text, str):
        return b""
    letters = text.translate(_WHITE_SPACE).rstrip("=")
    try:
        return b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        reader.fault(place, "is no base64")
        return b""
