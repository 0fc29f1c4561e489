"""
What the server and a maker process say to each other, as the contents of frames.

The first frame says what is the same for all messages, keys included: what goes through a pipe stands on no command
line and in no environment. Every other is an order, a message to be made, with the key that signs it; so a process
knows all it must, however often it was started anew. Replies are a message as sent, or a sentence why there is none.
"""

import json
from functools import lru_cache
from typing import Any, TypeVar

from attrs import asdict, field, frozen

from smtpeter.model.account import SigningKey
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Message, Recipient, Submission, Trace
from smtpeter.model.options import Features
from smtpeter.prepare.frames import behind_length, packed_json, with_length

T = TypeVar("T")


class NotMade(Exception):
    """The process could not make the message; it may be made elsewhere. The text says why."""


@frozen(kw_only=True)
class Order:
    """
    A message to be made.

    @ivar submission: of one message.
    @ivar key: what signs it.
    @ivar now: POSIX seconds, for the signature.
    """

    submission: Submission
    key: SigningKey | None
    now: float


@frozen(kw_only=True)
class Made:
    """
    A message as sent, signed, and what L{Prepared<smtpeter.boundaries.prepare.Prepared>} tells of it.

    @ivar reverse_path: what MAIL FROM says.
    """

    reverse_path: str
    is_shared: bool
    is_eightbit: bool
    needs_utf8: bool
    size_bytes: int
    warnings: tuple[str, ...]
    content: bytes = field(repr=False)


def packed_setup(settings: dict[str, Any], keys: MacKeys) -> bytes:
    """
    What is the same for all messages.

    @param settings: names and values that JSON has.
    """
    return packed_json([settings, keys.current, {key_id: key.hex() for key_id, key in keys.keys.items()}])


def unpacked_setup(content: bytes) -> tuple[dict[str, Any], MacKeys]:
    """
    The reverse.

    @raise ValueError: it is none.
    """
    settings, current, keys = json.loads(behind_length(content, 0)[0])
    return settings, MacKeys(current=current, keys={int(key_id): bytes.fromhex(key) for key_id, key in keys.items()})


def packed_order(order: Order) -> bytes:
    """An order as the content of a frame. What making a message does not look at is left out."""
    submission, key = order.submission, order.key
    trace = submission.trace
    words = [
        submission.id,
        submission.messages[0].id,
        submission.account_id,
        submission.source,
        _written(submission.features),
        submission.reverse_path,
        submission.sender_domain,
        (trace.protocol, trace.helo, trace.peer, trace.tls),
        submission.is_utf8,
        submission.received_at,
        order.now,
        None if key is None else (key.domain, key.selector),
    ]
    pem = b"" if key is None else key.private_pem
    return b"".join((packed_json(words), with_length(pem), submission.content))


@lru_cache(maxsize=256)
def _written(features: Features) -> dict[str, Any]:
    """All of them by name; kept, since few combinations are in use."""
    return asdict(features)


def unpacked_order(content: bytes) -> Order:
    """
    The reverse.

    @raise ValueError: it is none.
    """
    words, position = behind_length(content, 0)
    pem, position = behind_length(content, position)
    *values, now, names = json.loads(words)
    key = None if names is None else SigningKey(domain=names[0], selector=names[1], private_pem=pem)
    return Order(submission=_submission(values, content[position:]), key=key, now=now)


def _submission(values: list[Any], content: bytes) -> Submission:
    id, message_id, account_id, source, features, reverse_path, domain, trace, is_utf8, received_at = values
    protocol, helo, peer, tls = trace
    return Submission(
        id=id,
        account_id=account_id,
        login_id=None,
        source=source,
        features=Features(**features),
        tags=(),
        warnings=(),
        reverse_path=reverse_path,
        sender_domain=domain,
        content=content,
        trace=Trace(protocol=protocol, helo=helo, peer=peer, tls=tls),
        ret=None,
        envid=None,
        is_utf8=is_utf8,
        received_at=received_at,
        expires_at=received_at,
        messages=(Message(id=message_id, recipient=Recipient(address=""), domain=""),),
    )


def packed_made(made: Made) -> bytes:
    """A message as the content of a frame."""
    words = [made.reverse_path, made.is_shared, made.is_eightbit, made.needs_utf8, made.size_bytes, made.warnings]
    return packed_json(words) + made.content


def unpacked_made(content: bytes) -> Made:
    """
    The reverse of L{packed_made}.

    @raise NotMade: it is a refusal, or no reply at all.
    """
    try:
        words, position = behind_length(content, 0)
        values = json.loads(words)
        if isinstance(values, dict):
            raise NotMade(str(values["error"]))
        reverse_path, is_shared, is_eightbit, needs_utf8, size_bytes, warnings = values
        return Made(
            reverse_path=_of(str, reverse_path),
            is_shared=_of(bool, is_shared),
            is_eightbit=_of(bool, is_eightbit),
            needs_utf8=_of(bool, needs_utf8),
            size_bytes=_of(int, size_bytes),
            warnings=tuple([_of(str, warning) for warning in warnings]),
            content=content[position:],
        )
    except (ValueError, TypeError, LookupError) as reason:
        raise NotMade("a maker gave an answer that cannot be read") from reason


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError(kind.__name__)
    return value
