"""
What every message gets and loses in its own header block, whatever else is done to it.

Added: Received (RFC 5321, 4.4), and Date, Message-ID and MIME-Version where they are missing. Removed: Bcc, which
is nobody's business, Return-Path, which only the last server writes, and the fields that were meant for us. What is
there twice stays twice.
"""

import re
from functools import lru_cache

from attrs import frozen

from smtpeter.mime.dates import format_date
from smtpeter.mime.headers import Field, HeaderBlock
from smtpeter.mime.options import is_option
from smtpeter.mime.words import fold_field
from smtpeter.model.message import Trace

_REMOVED = frozenset(("bcc", "resent-bcc", "return-path"))
_UNFIT = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_WORD = re.compile(r"[A-Za-z0-9.:_-]+")
_MAX_NAME = 255


@frozen(kw_only=True)
class Origin:
    """What is known of a message when its headers are completed."""

    trace: Trace
    hostname: str
    """Ours."""
    submission_id: str
    received_at: float
    """POSIX seconds."""
    sender_domain: str = ""
    """For the Message-ID; ours is taken when it is empty or an address literal."""
    recipient: str = ""
    """Shown in Received; empty unless it is the only one."""
    show_client_address: bool = False


def is_removed(field: Field) -> bool:
    """Whether a field of the message's own header block does not go on."""
    return field.key in _REMOVED or is_option(field)


def fields_to_add(headers: HeaderBlock, origin: Origin) -> bytes:
    """What goes in front of the header block: whole fields, each with its line end."""
    present = {field.key for field in headers.fields}
    added = [received_field(origin)]
    if "message-id" not in present:
        added.append(b"Message-ID: " + _message_id(origin).encode("ascii") + b"\r\n")
    if "date" not in present:
        added.append(b"Date: " + format_date(origin.received_at).encode("ascii") + b"\r\n")
    if "mime-version" not in present and ("content-type" in present or "content-transfer-encoding" in present):
        added.append(b"MIME-Version: 1.0\r\n")
    return b"".join(added)


def complete_headers(headers: HeaderBlock, origin: Origin, prepend: bytes = b"") -> bytes:
    """
    The header block that goes on, with the empty line that ends it. The body follows from C{headers.body_start}.

    @param prepend: more whole fields, between Received and what was there.
    """
    return headers.rewritten(fields_to_add(headers, origin) + prepend, is_removed)


def received_field(origin: Origin) -> bytes:
    """
    The trace of this hop. Who handed the message in is told only when the operator wants it: mail programs send from
    people's homes.
    """
    trace = origin.trace
    words = [*_client(trace)] if origin.show_client_address else []
    words += _server(origin.hostname, trace.protocol, trace.tls)
    words += ["id", origin.submission_id]
    if origin.recipient and origin.recipient.isascii() and len(origin.recipient) <= _MAX_NAME:
        words += ["for", f"<{origin.recipient}>"]
    words[-1] += ";"
    return fold_field("Received", [*words, format_date(origin.received_at)])


@lru_cache(maxsize=256)
def _server(hostname: str, protocol: str, tls: str) -> tuple[str, ...]:
    """The part of Received that hardly ever changes."""
    words = ["by", _name(hostname)]
    if shown := _UNFIT.sub("", protocol):
        words += ["with", shown]
    if cipher := " ".join(filter(None, (_UNFIT.sub("", word) for word in tls.split()))):
        words.append(f"({cipher})")
    return tuple(words)


def _client(trace: Trace) -> list[str]:
    peer = _UNFIT.sub("", trace.peer)
    if ":" in peer:
        peer = f"IPv6:{peer}"
    return ["from", _name(trace.helo), *([f"([{peer}])"] if peer else [])]


def _name(name: str) -> str:
    return name if name and len(name) <= _MAX_NAME and not _UNFIT.search(name) else "unknown"


def _message_id(origin: Origin) -> str:
    domain = origin.sender_domain
    if _WORD.fullmatch(domain) is None:
        domain = origin.hostname
    return f"<{origin.submission_id}@{_name(domain)}>"
