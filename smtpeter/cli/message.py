"""C{smtpeter message}: one message and its story."""

import click

from smtpeter.cli.options import common
from smtpeter.cli.queue import find_message
from smtpeter.cli.session import Session, with_session
from smtpeter.cli.view import event_text, message_record, message_text


@click.group()
@common
def message() -> None:
    """Messages: submissions for one recipient, delivered or not."""


@message.command()
@click.argument("id")
@common
@with_session
async def show(session: Session, id: str) -> None:
    """Show all that is known of a message. Times are UTC."""
    view = await find_message(session, id)
    account = (await session.account_names()).get(view.account_id, "")
    lines = [message_text(view, account), "", *(event_text(event) for event in view.events)]
    session.out.one(message_record(view, account), "\n".join(lines).rstrip())
