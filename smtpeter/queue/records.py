"""The events of an attempt: the fields that log files, webhooks and the message page show."""

from smtpeter.model.event import Event, EventType, written_time
from smtpeter.model.message import Queued
from smtpeter.model.outcome import Outcome, Reason

EXPIRED_STATUS = "4.4.7"
"""Delivery time expired (RFC 3463, 3.5)."""

_DETAILS: dict[Reason, str] = {
    "user_unknown": "1.1",
    "domain_unknown": "1.2",
    "mailbox_full": "2.2",
    "mailbox_disabled": "2.1",
    "policy": "7.1",
    "spam": "7.1",
    "too_large": "3.4",
    "expired": "4.7",
    "network": "4.1",
    "protocol": "5.0",
    "loop": "4.6",
}


def reply_text(outcome: Outcome) -> str:
    """What the attempt was told, or what went wrong, in a line."""
    return str(outcome.reply) if outcome.reply is not None else outcome.description


def status_of(outcome: Outcome, severity: int) -> str:
    """
    The enhanced status code (RFC 3463): the peer's, or the one that says best what we know.

    @param severity: its first digit when the peer gave none: 2, 4 or 5.
    """
    if outcome.reply is not None and outcome.reply.enhanced:
        return outcome.reply.enhanced
    return f"{severity}.{_DETAILS.get(outcome.reason, '0.0') if severity != 2 else '0.0'}"


def delivery(queued: Queued, outcome: Outcome) -> Event:
    """The destination accepted it."""
    return _event("delivery", queued, outcome.at, _values(queued, outcome) | _reply_values(outcome, 2))


def deferral(queued: Queued, outcome: Outcome, next_attempt_at: float) -> Event:
    """The attempt failed for now."""
    values = _values(queued, outcome) | _reply_values(outcome, 4)
    values["type"] = outcome.reason
    values["state"] = outcome.stage
    values["reply"] = reply_text(outcome)
    values["destination"] = outcome.site or queued.message.domain
    values["next_attempt"] = written_time(next_attempt_at)
    return _event("deferral", queued, outcome.at, values)


def failure(queued: Queued, outcome: Outcome) -> Event:
    """The message will never be delivered."""
    values = _values(queued, outcome) | _reply_values(outcome, 5)
    values["type"] = outcome.reason
    values["severity"] = "hard" if outcome.is_hard else "soft"
    values["state"] = outcome.stage
    return _event("failure", queued, outcome.at, values)


def expiry(queued: Queued, outcome: Outcome | None, at: float) -> Event:
    """
    The message was given up because of its age.

    @param outcome: the attempt that was the last, when the message expired with it.
    """
    values = _values(queued, outcome) if outcome is not None else _bare_values(queued)
    told = reply_text(outcome) if outcome is not None else queued.last_reply
    values["code"] = told[:3] if told[:3].isdigit() else ""
    values["status"] = EXPIRED_STATUS
    values["description"] = expiry_description(told)
    values["type"] = "expired"
    values["severity"] = "soft"
    values["state"] = "expired"
    return _event("failure", queued, at, values)


def expiry_description(told: str) -> str:
    """Why a message was given up, for a person."""
    return f"not delivered in time; the last attempt ended with: {told}" if told else "not delivered in time"


def _event(type: EventType, queued: Queued, at: float, values: dict[str, str]) -> Event:
    return Event(
        message_id=queued.message.id,
        account_id=queued.submission.account_id,
        type=type,
        at=at,
        recipient=queued.message.recipient.address,
        tags=queued.submission.tags,
        data=values,
    )


def _bare_values(queued: Queued) -> dict[str, str]:
    return {
        "envelope": queued.submission.reverse_path,
        "attempt": str(queued.attempts),
        "from": "",
        "to": "",
        "templateid": "0",
    }


def _values(queued: Queued, outcome: Outcome) -> dict[str, str]:
    values = _bare_values(queued)
    values["from"] = outcome.local
    values["to"] = outcome.remote
    if outcome.tls:
        values["tls"] = outcome.tls
    if outcome.transcript:
        values["transcript"] = "\n".join(outcome.transcript)
    return values


def _reply_values(outcome: Outcome, severity: int) -> dict[str, str]:
    reply = outcome.reply
    return {
        "code": str(reply.code) if reply is not None and reply.code else "",
        "status": status_of(outcome, severity),
        "description": (reply.text if reply is not None else "") or outcome.description,
    }
