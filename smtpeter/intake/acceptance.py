"""Makes a submission of a draft, with the events that tell of it."""

from functools import lru_cache

from attrs import frozen

from smtpeter.boundaries.intake import Receipt, Refused
from smtpeter.mime.options import NO_WISHES, Wishes
from smtpeter.model.address import AddressError, domain_of, lookup_domain
from smtpeter.model.event import Event
from smtpeter.model.identity import ID_BYTES, new_id
from smtpeter.model.message import Draft, Message, Submission
from smtpeter.model.options import override

CHANCE_BYTES = ID_BYTES // 2
"""How much chance goes into each id."""


@frozen(kw_only=True)
class Acceptance:
    """What is stored, and what the client is told."""

    submission: Submission
    events: tuple[Event, ...]
    receipt: Receipt


def ids_needed(draft: Draft) -> int:
    """How many ids L{accept} gives at most."""
    return len(draft.recipients) + 1


def accept(
    draft: Draft, wishes: Wishes, sender_domain: str, now: float, max_age_seconds: float, chance: bytes
) -> Acceptance:
    """
    Make one message for each different address; an address that was given twice gets the mail once, under one id. In
    the order of ids, recipients stand as they were given.

    @param sender_domain: whose settings and key apply; empty when none do.
    @param now: POSIX seconds.
    @param chance: C{CHANCE_BYTES} random bytes for each of L{ids_needed}.
    @raise Refused: a recipient's domain cannot exist.
    """
    messages = _messages(draft, now, chance[CHANCE_BYTES:])
    submission = Submission(
        id=new_id(now, chance[:CHANCE_BYTES]),
        account_id=draft.account_id,
        login_id=draft.login_id,
        source="smtp" if "SMTP" in draft.trace.protocol.upper() else "rest",
        features=draft.features if wishes is NO_WISHES else override(draft.features, wishes.overrides),
        tags=tuple(dict.fromkeys((*draft.tags, *wishes.tags))) if draft.tags else wishes.tags,
        warnings=wishes.warnings,
        reverse_path=draft.reverse_path,
        sender_domain=sender_domain,
        content=draft.content,
        trace=draft.trace,
        ret=draft.ret,
        envid=draft.envid,
        is_utf8=draft.is_utf8,
        received_at=now,
        expires_at=now + max_age_seconds if draft.expires_at is None else draft.expires_at,
        messages=tuple(messages.values()),
    )
    ids = tuple(messages[recipient.address].id for recipient in draft.recipients)
    return Acceptance(submission=submission, events=_events(submission), receipt=Receipt(message_ids=ids))


def _messages(draft: Draft, now: float, chance: bytes) -> dict[str, Message]:
    messages: dict[str, Message] = {}
    domains: dict[str, str] = {}
    pieces = sorted(chance[start : start + CHANCE_BYTES] for start in range(0, len(chance), CHANCE_BYTES))
    for recipient, piece in zip(draft.recipients, pieces, strict=True):
        if recipient.address in messages:
            continue
        written = domain_of(recipient.address)
        if written not in domains:
            domains[written] = _looked_up(written)
        messages[recipient.address] = Message(id=new_id(now, piece), recipient=recipient, domain=domains[written])
    return messages


@lru_cache(maxsize=4096)
def _looked_up(domain: str) -> str:
    try:
        return lookup_domain(domain)
    except AddressError as error:
        raise Refused(553, "5.1.3", str(error)) from None


def _events(submission: Submission) -> tuple[Event, ...]:
    told = {
        "envelope": submission.reverse_path,
        "properties": ";".join(submission.features.enabled()),
        "templateid": "0",
    }
    return tuple(
        Event(
            message_id=message.id,
            account_id=submission.account_id,
            type="attempt",
            at=submission.received_at,
            recipient=message.recipient.address,
            tags=submission.tags,
            data=told,
        )
        for message in submission.messages
    )
