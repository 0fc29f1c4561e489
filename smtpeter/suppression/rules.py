"""
What puts an address on the list, and what is told of a message that was held back (pure).

Only what says that the address itself is dead counts (L{smtpeter.model.outcome.Outcome.is_hard}): neither a full
mailbox, nor what is the sender's fault, nor what is wrong on the way. A mailbox that is disabled may come back, so
there a second message has to fail too. Notices of our own neither suppress nor are suppressed: they go to the sender.
"""

import re

from smtpeter.model.event import Event, written_time
from smtpeter.model.message import Message, Queued, Submission
from smtpeter.model.outcome import Outcome, Reason
from smtpeter.model.suppression import MAX_DESCRIPTION, Suppression, SuppressionReason, listed_recipient

AT_SECOND_TIME: tuple[Reason, ...] = ("mailbox_disabled",)
"""Reasons that count when they have been met before."""

_UNKNOWN_FOR_NOW = re.compile(r"4[0-9]{2} 4\.1\.1(?![0-9.])")


def entry_of_failure(queued: Queued, outcome: Outcome, told: str) -> Suppression | None:
    """
    What a failure puts on the list; for the reasons of L{AT_SECOND_TIME} only if it is not the first.

    @param told: the reply or what went wrong, in a line.
    """
    if outcome.is_hard or outcome.reason in AT_SECOND_TIME:
        return _entry(queued, outcome.at, told)
    return None


def entry_of_expiry(queued: Queued, at: float, told: str) -> Suppression | None:
    """
    What an expiry puts on the list: an address that was unknown for now until the end.

    @param told: the last reply.
    """
    return _entry(queued, at, told) if _UNKNOWN_FOR_NOW.match(told) else None


def _entry(queued: Queued, at: float, told: str) -> Suppression | None:
    if is_exempt(queued.submission.source):
        return None
    return Suppression(
        account_id=queued.submission.account_id,
        address=listed_recipient(queued.message.recipient.address, queued.message.domain),
        reason=SuppressionReason.HARD_BOUNCE,
        at=at,
        message_id=queued.message.id,
        description=told[:MAX_DESCRIPTION],
    )


def is_exempt(source: str) -> bool:
    """Whether mail from there has nothing to do with lists: notices of our own."""
    return source == "dsn"


def held_back(message: Message, submission: Submission, entry: Suppression, at: float) -> Event:
    """The event of a message that is not sent since its recipient is on the list."""
    return Event(
        message_id=message.id,
        account_id=submission.account_id,
        type="suppressed",
        at=at,
        recipient=message.recipient.address,
        tags=submission.tags,
        data={
            "envelope": submission.reverse_path,
            "reason": entry.reason.value,
            "listed": written_time(entry.at),
            "description": entry.description,
            "templateid": "0",
        },
    )


def held_back_reply(entry: Suppression) -> str:
    """What stands for a reply where a message is shown."""
    told = f"; {entry.description}" if entry.description else ""
    return f"on the suppression list since {written_time(entry.at)}: {entry.reason.value}{told}"
