"""
What an attempt's outcome changes: the message's state, its event, the notice to its sender, the suppression list.

Pure: one settlement for each outcome, which storage commits in one transaction.
"""

from attrs import evolve

from smtpeter.model.identity import NewId
from smtpeter.model.message import Queued, State
from smtpeter.model.outcome import Kind, Outcome
from smtpeter.model.queue import Settlement
from smtpeter.queue.notices import delay_notice, failure_notice, relayed_notice
from smtpeter.queue.records import (
    EXPIRED_STATUS,
    deferral,
    delivery,
    expiry,
    expiry_description,
    failure,
    reply_text,
    status_of,
)
from smtpeter.queue.schedule import next_attempt, stop_at_delay_line
from smtpeter.suppression.rules import entry_of_expiry, entry_of_failure


def settle(
    queued: Queued, outcome: Outcome, hostname: str, jitter: float, new_id: NewId, warnings: tuple[str, ...] = ()
) -> Settlement:
    """
    Decide what follows from an outcome. Time is the outcome's.

    A message that was released has no settlement: nothing happened to it, and its claim is just given up.

    @param queued: the message as it was when the attempt began.
    @param hostname: who we are, for notices.
    @param jitter: from 0 to 1, an even choice.
    @param new_id: gives a notice its ids.
    @param warnings: what preparing could not do, in words for the sender.
    @raise ValueError: it was released.
    """
    if outcome.kind is Kind.RELEASED:
        raise ValueError("a released message has no settlement")
    decided = _decided(queued, outcome, hostname, jitter, new_id)
    return _with_warnings(decided, warnings) if warnings else decided


def _decided(queued: Queued, outcome: Outcome, hostname: str, jitter: float, new_id: NewId) -> Settlement:
    if outcome.kind is Kind.DELIVERED:
        return _delivered(queued, outcome, hostname, new_id)
    if outcome.kind is Kind.FAILED:
        return _failed(queued, outcome, hostname, new_id)
    if outcome.at >= queued.submission.expires_at:
        return _expired(queued, outcome, outcome.at, hostname, new_id)
    return _deferred(queued, outcome, hostname, jitter, new_id)


def _with_warnings(settlement: Settlement, warnings: tuple[str, ...]) -> Settlement:
    """Whatever became of it, the sender can read what was not done to it."""
    told = {"warnings": "\n".join(warnings)}
    return evolve(settlement, events=tuple(evolve(one, data={**one.data, **told}) for one in settlement.events))


def expire(queued: Queued, now: float, hostname: str, new_id: NewId) -> Settlement:
    """Give up a message whose time is over, without another attempt."""
    return _expired(queued, None, now, hostname, new_id)


def is_expired(queued: Queued, now: float) -> bool:
    """Whether it may not be attempted any more."""
    return now >= queued.submission.expires_at


def _delivered(queued: Queued, outcome: Outcome, hostname: str, new_id: NewId) -> Settlement:
    return Settlement(
        message_id=queued.message.id,
        state=State.DELIVERED,
        attempts=queued.attempts + 1,
        next_attempt_at=None,
        last_reply=reply_text(outcome),
        events=(delivery(queued, outcome),),
        notice=relayed_notice(queued, outcome, hostname, new_id),
    )


def _failed(queued: Queued, outcome: Outcome, hostname: str, new_id: NewId) -> Settlement:
    description = reply_text(outcome)
    return Settlement(
        message_id=queued.message.id,
        state=State.FAILED,
        attempts=queued.attempts + 1,
        next_attempt_at=None,
        last_reply=description,
        events=(failure(queued, outcome),),
        notice=failure_notice(queued, outcome, outcome.at, status_of(outcome, 5), description, hostname, new_id),
        suppression=entry_of_failure(queued, outcome, description),
    )


def _deferred(queued: Queued, outcome: Outcome, hostname: str, jitter: float, new_id: NewId) -> Settlement:
    submission = queued.submission
    attempts = queued.attempts if outcome.is_shared else queued.attempts + 1
    next_at = next_attempt(outcome.at, attempts, submission.expires_at, jitter, outcome.retry_at)
    notify = queued.message.recipient.notify
    if notify is not None and "DELAY" in notify:
        next_at = stop_at_delay_line(outcome.at, submission.received_at, next_at, submission.expires_at)
    return Settlement(
        message_id=queued.message.id,
        state=State.QUEUED,
        attempts=attempts,
        next_attempt_at=next_at,
        last_reply=reply_text(outcome),
        events=(deferral(queued, outcome, next_at),),
        notice=delay_notice(queued, outcome, status_of(outcome, 4), hostname, new_id),
    )


def _expired(queued: Queued, outcome: Outcome | None, now: float, hostname: str, new_id: NewId) -> Settlement:
    told = reply_text(outcome) if outcome is not None else queued.last_reply
    counted = 0 if outcome is None or outcome.is_shared else 1
    description = expiry_description(told)
    return Settlement(
        message_id=queued.message.id,
        state=State.EXPIRED,
        attempts=queued.attempts + counted,
        next_attempt_at=None,
        last_reply=told,
        events=(expiry(queued, outcome, now),),
        notice=failure_notice(queued, outcome, now, EXPIRED_STATUS, description, hostname, new_id),
        suppression=entry_of_expiry(queued, now, told),
    )
