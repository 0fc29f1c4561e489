"""C{smtpeter events}: the journal, oldest first."""

import time
from collections.abc import AsyncIterator, Callable

import click
from attrs import frozen

from smtpeter.boundaries.events import EventReader
from smtpeter.cli.options import common, only_account_option
from smtpeter.cli.session import Session, with_session
from smtpeter.cli.view import event_record, event_text
from smtpeter.model.event import Event

PAGE = 500
"""Events that are read at once."""

FOLLOW_SECONDS = 1.0
"""Between two looks for new ones."""


@click.command()
@click.option("--follow", is_flag=True, help="Wait for more until interrupted.")
@click.option("--message", metavar="ID", help="Only those of a message.")
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="N", help="Only those with an id over N.")
@only_account_option
@common
@with_session
async def events(session: Session, follow: bool, message: str | None, after: int, account: str | None) -> None:
    """Print events. Times are UTC; with --json they are POSIX seconds."""
    account_id = await session.account_id(account)
    names = await session.account_names()
    chosen = Choice(account_id=account_id, message_id=message, after=after)
    try:
        async for event in journal(session.events, chosen, (lambda: time.sleep(FOLLOW_SECONDS)) if follow else None):
            if event.account_id not in names:
                names = await session.account_names()
            session.out.one(event_record(event, names.get(event.account_id, "")), event_text(event))
    except KeyboardInterrupt:
        if not follow:
            raise


@frozen(kw_only=True)
class Choice:
    """Which events are wanted; C{None} for all."""

    account_id: int | None = None
    message_id: str | None = None
    after: int = 0
    """Only those with a higher id."""


async def journal(reader: EventReader, choice: Choice, wait: Callable[[], None] | None) -> AsyncIterator[Event]:
    """
    The events that are there, and with C{wait} those that come.

    @param wait: called when there are no more for now; C{None} ends instead.
    """
    cursor = choice.after
    while True:
        page = await reader.events_after(cursor, PAGE, choice.account_id, choice.message_id)
        for event in page:
            yield event
            cursor = event.id or cursor
        if page:
            continue
        if wait is None:
            return
        wait()
