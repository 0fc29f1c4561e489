"""
Holds back mail to suppressed addresses, in the transactions in which mail is stored and in which it is claimed.

Whoever stores and whoever claims sees every entry that was committed before, on whatever server. What comes on a list
while a message is in memory is seen when that message is claimed the next time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from smtpeter.model.event import Event
from smtpeter.model.message import Message, State, Submission
from smtpeter.model.queue import Settlement
from smtpeter.model.suppression import Suppression, SuppressionReason, listed_recipient
from smtpeter.storage.arrivals import insert_events
from smtpeter.storage.rows import read_event
from smtpeter.storage.suppressions import find_suppressed, insert_suppressions
from smtpeter.storage.tables import events, messages
from smtpeter.suppression.rules import AT_SECOND_TIME, held_back, held_back_reply, is_exempt

Listed = Mapping[str, Suppression]
"""The entries that hold messages back, by the ids of these."""

REMEMBERED_FAILURES = 100
"""How many of the latest failures of an address are looked through for an earlier one of the same kind."""


def find_listed(connection: Connection, mail: Iterable[tuple[str, int, str, str]]) -> Listed:
    """
    Which messages are to be held back.

    @param mail: ids, accounts, recipients and their domains.
    """
    asked: dict[tuple[int, str], list[str]] = {}
    for message_id, account_id, address, domain in mail:
        asked.setdefault((account_id, listed_recipient(address, domain)), []).append(message_id)
    found = find_suppressed(connection, asked)
    return {message_id: entry for place, entry in found.items() for message_id in asked[place]}


def find_listed_of(connection: Connection, accepted: Iterable[Submission]) -> Listed:
    """Which messages of new submissions are to be held back."""
    mail = (
        (message.id, submission.account_id, message.recipient.address, message.domain)
        for submission in accepted
        if not is_exempt(submission.source)
        for message in submission.messages
    )
    return find_listed(connection, mail)


def events_of_held_back(accepted: Iterable[Submission], listed: Listed) -> list[Event]:
    """What is told of the messages of new submissions that are held back."""
    return [
        held_back(message, submission, listed[message.id], submission.received_at)
        for submission in accepted
        for message in submission.messages
        if message.id in listed
    ]


def hold_back(connection: Connection, listed: Listed, mail: Iterable[tuple[Message, Submission]], at: float) -> None:
    """
    End waiting messages, whose rows are locked, that have come on a list since they were stored.

    @param mail: those that are listed.
    """
    for message_id, entry in listed.items():
        ended = update(messages).where(messages.c.id == message_id)
        connection.execute(ended.values(**held_back_values(entry)))
    insert_events(connection, [held_back(message, submission, listed[message.id], at) for message, submission in mail])


def held_back_values(entry: Suppression) -> dict[str, Any]:
    """What the row of a message says that is held back."""
    return {
        "state": State.SUPPRESSED.value,
        "next_attempt_at": None,
        "due_at": None,
        "last_reply": held_back_reply(entry),
        "node": None,
        "epoch": None,
    }


def put_on_lists(
    connection: Connection, settlements: Sequence[Settlement], reasons: Collection[SuppressionReason]
) -> None:
    """
    Put on the lists what has failed for good, behind the events that tell so.

    @param reasons: which the operator wants.
    """
    entries = [
        settlement.suppression
        for settlement in settlements
        if settlement.suppression is not None
        and settlement.suppression.reason in reasons
        and all(_counts(connection, event) for event in settlement.events)
    ]
    insert_suppressions(connection, entries)


def _counts(connection: Connection, event: Event) -> bool:
    """Whether a failure is of a kind that counts at once, or another message has failed so before."""
    kind = event.data.get("type", "")
    if kind not in AT_SECOND_TIME:
        return True
    of_address = (
        events.c.account_id == event.account_id,
        events.c.recipient == event.recipient,
        events.c.type == event.type,
        events.c.message_id != event.message_id,
    )
    latest = select(events).where(*of_address).order_by(events.c.at.desc(), events.c.id.desc())
    rows = connection.execute(latest.limit(REMEMBERED_FAILURES))
    return any(read_event(row).data.get("type") == kind for row in rows)
