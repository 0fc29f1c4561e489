"""Writes values as rows and reads them back. Lists and maps are compact JSON; an empty text is an empty one."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast, get_args

from smtpeter.model.event import Event
from smtpeter.model.message import Message, Notify, Recipient, State, Submission, Trace
from smtpeter.model.options import SWITCHES, Features
from smtpeter.model.queue import Node

Row = dict[str, Any]

_UNSUBSCRIBE = ("unsubscribe",)

_encode = json.JSONEncoder(separators=(",", ":")).encode


def write_json(value: Collection[Any]) -> str:
    """Compact JSON in ASCII, which any database takes whatever the text was."""
    return _encode(value) if value else ""


def read_texts(text: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(json.loads(text)) if text else ()


@lru_cache(maxsize=256)
def write_features(features: Features) -> str:
    """The names of the switches that are on, whether it has our unsubscribe address, and where images are."""
    return " ".join((*features.enabled(), *_UNSUBSCRIBE[not features.unsubscribe :], f"images={features.images}"))


@lru_cache(maxsize=256)
def read_features(text: str) -> Features:
    """The reverse of L{write_features}."""
    words = text.split()
    images = next((word.partition("=")[2] for word in words if word.startswith("images=")), "default")
    switches = {name: True for name in (*SWITCHES, *_UNSUBSCRIBE) if name in words}
    return Features(images=cast(Any, images), **switches)


@lru_cache(maxsize=256)
def write_trace(trace: Trace) -> str:
    """A list of four; many submissions of a connection have the same."""
    return _encode([trace.protocol, trace.helo, trace.peer, trace.tls])


@lru_cache(maxsize=256)
def read_trace(text: str) -> Trace:
    """The reverse of L{write_trace}."""
    protocol, helo, peer, tls = json.loads(text)
    return Trace(protocol=protocol, helo=helo, peer=peer, tls=tls)


def write_dsn(recipient: Recipient) -> str | None:
    """A recipient's DSN parameters: NOTIFY and ORCPT; C{None} when there are none."""
    if recipient.notify is None and recipient.orcpt is None:
        return None
    return _encode([None if recipient.notify is None else sorted(recipient.notify), recipient.orcpt])


def read_recipient(address: str, dsn: str | None) -> Recipient:
    """The reverse of L{write_dsn}."""
    if dsn is None:
        return Recipient(address=address)
    notify, orcpt = json.loads(dsn)
    known = None if notify is None else frozenset(word for word in get_args(Notify) if word in notify)
    return Recipient(address=address, notify=known, orcpt=orcpt)


def submission_row(submission: Submission) -> Row:
    """A submission without its content."""
    return {
        "id": submission.id,
        "account_id": submission.account_id,
        "login_id": submission.login_id,
        "source": submission.source,
        "features": write_features(submission.features),
        "tags": write_json(submission.tags),
        "warnings": write_json(submission.warnings),
        "reverse_path": submission.reverse_path,
        "sender_domain": submission.sender_domain,
        "trace": write_trace(submission.trace),
        "ret": submission.ret,
        "envid": submission.envid,
        "is_utf8": submission.is_utf8,
        "received_at": submission.received_at,
        "expires_at": submission.expires_at,
        "size_bytes": len(submission.content),
    }


def read_submission(row: Any, content: bytes, messages: Sequence[Message]) -> Submission:
    """The reverse of L{submission_row}; C{row} may have more columns."""
    return Submission(
        id=row.submission_id,
        account_id=row.account_id,
        login_id=row.login_id,
        source=row.source,
        features=read_features(row.features),
        tags=read_texts(row.tags),
        warnings=read_texts(row.warnings),
        reverse_path=row.reverse_path,
        sender_domain=row.sender_domain,
        content=content,
        trace=read_trace(row.trace),
        ret=row.ret,
        envid=row.envid,
        is_utf8=row.is_utf8,
        received_at=row.received_at,
        expires_at=row.expires_at,
        messages=tuple(messages),
    )


def message_rows(submission: Submission, claim: Node | None) -> list[Row]:
    """A submission's messages, queued and due at once, claimed or not."""
    return [
        {
            "id": message.id,
            "submission_id": submission.id,
            "account_id": submission.account_id,
            "recipient": message.recipient.address,
            "dsn": write_dsn(message.recipient),
            "domain": message.domain,
            "state": State.QUEUED.value,
            "attempts": 0,
            "received_at": submission.received_at,
            "expires_at": submission.expires_at,
            "next_attempt_at": submission.received_at,
            "due_at": min(submission.received_at, submission.expires_at),
            "last_reply": "",
            "node": claim.id if claim else None,
            "epoch": claim.epoch if claim else None,
        }
        for message in submission.messages
    ]


def event_row(event: Event) -> Row:
    """An event; its place in the journal is given by the database."""
    return {
        "message_id": event.message_id,
        "account_id": event.account_id,
        "type": event.type,
        "at": event.at,
        "recipient": event.recipient,
        "tags": write_json(event.tags),
        "data": write_json(dict(event.data)),
        "template_id": int(event.data.get("templateid") or 0) or None,
    }


def read_event(row: Any) -> Event:
    """The reverse of L{event_row}."""
    data: Mapping[str, str] = json.loads(row.data) if row.data else {}
    return Event(
        id=row.id,
        message_id=row.message_id,
        account_id=row.account_id,
        type=row.type,
        at=row.at,
        recipient=row.recipient,
        tags=read_texts(row.tags),
        data=data,
    )
