"""C{smtpeter queue}: what waits, why, and trying it again."""

from typing import Any

import click

from smtpeter.accounts.refusals import NotFound
from smtpeter.cli.options import common, only_account_option
from smtpeter.cli.output import utc
from smtpeter.cli.session import Session, with_session
from smtpeter.cli.view import message_record, message_text, transcripts_text
from smtpeter.model.queue import Command, DestinationCount, MessageView


@click.group()
@common
def queue() -> None:
    """The queue: messages that are not delivered yet."""


@queue.command(name="list")
@only_account_option
@common
@with_session
async def list_(session: Session, account: str | None) -> None:
    """List what waits by recipient domain, largest first. Times are UTC."""
    counts = await session.queue.destinations(await session.account_id(account))
    is_json = session.out.is_json
    records = [_record(count, is_json) for count in counts]
    session.out.many(records, ("domain", "messages", "oldest_at", "next_attempt_at", "reason"), "the queue is empty")


@queue.command()
@click.argument("id")
@common
@with_session
async def show(session: Session, id: str) -> None:
    """Show a message with its SMTP dialogues."""
    view = await find_message(session, id)
    account = (await session.account_names()).get(view.account_id, "")
    text = f"{message_text(view, account)}\n\n{transcripts_text(view)}"
    session.out.one(message_record(view, account), text)


@queue.command()
@click.argument("id", required=False)
@click.option("--domain", metavar="NAME", help="All messages to a recipient domain.")
@click.option("--all", "everything", is_flag=True, help="All messages.")
@only_account_option
@common
@with_session
async def retry(session: Session, id: str | None, domain: str | None, everything: bool, account: str | None) -> None:
    """Try again now: one message, those to a domain, or all."""
    if sum((id is not None, domain is not None, everything)) != 1:
        raise click.UsageError("Say what to try again: a message's ID, --domain NAME or --all.")
    if id is not None:
        await find_message(session, id)
    name = None if domain is None else recipient_domain(domain)
    account_id = await session.account_id(account)
    command = Command(kind="retry", message_id=id, destination=name, account_id=account_id)
    count = await session.queue.add_command(command, session.clock())
    session.out.one({"messages": count}, f"{count} queued message{'' if count == 1 else 's'} will be tried again now")


def recipient_domain(text: str) -> str:
    """
    A domain in the form in which the queue knows it.

    @raise UsageError: it is none.
    """
    from smtpeter.model.address import AddressError, lookup_domain

    try:
        return lookup_domain(text)
    except AddressError as error:
        raise click.UsageError(f"{error}.") from None


async def find_message(session: Session, id: str) -> MessageView:
    """
    A message by its id.

    @raise NotFound: there is none.
    """
    view = await session.queue.message(id)
    if view is None:
        raise NotFound(f"There is no message {id}.")
    return view


def _record(count: DestinationCount, is_json: bool) -> dict[str, Any]:
    """Times as POSIX seconds for scripts, as text for people."""
    return {
        "domain": count.domain,
        "messages": count.messages,
        "oldest_at": count.oldest_at if is_json else utc(count.oldest_at),
        "next_attempt_at": count.next_attempt_at if is_json else utc(count.next_attempt_at),
        "reason": count.reason,
    }
