"""C{smtpeter suppression}: the addresses that an account does not write to."""

from collections.abc import AsyncIterator

import click

from smtpeter.cli.options import account_option, common
from smtpeter.cli.output import Record, utc
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import Account
from smtpeter.model.suppression import EVENTS, Suppression, SuppressionReason

PAGE = 1000
"""Entries that are read at once."""

REASONS = tuple(reason.value for reason in SuppressionReason)


@click.group()
@common
def suppression() -> None:
    """The suppression list: what an account sends to these addresses is accepted and held back."""


@suppression.command(name="list")
@click.option("--reason", type=click.Choice(REASONS), help="Only those that are there for it.")
@account_option
@common
@with_session
async def list_(session: Session, reason: str | None, account: str | None) -> None:
    """List an account's entries by address. Times are UTC; with --json they are POSIX seconds."""
    owner = await session.accounts.find(account)
    chosen = None if reason is None else SuppressionReason(reason)
    found = [one async for one in _entries(session, owner, chosen)]
    records = [_record(owner, one) if session.out.is_json else _row(one) for one in found]
    columns = ("address", "reason", "since", "message", "description")
    place = f"the suppression list of account {owner.name}"
    session.out.many(
        records, columns, f"no address is on {place} for the reason {reason}" if reason else f"{place} is empty"
    )


@suppression.command()
@click.argument("address")
@click.option("--reason", type=click.Choice(REASONS), default="manual", show_default=True, help="Why.")
@click.option("--description", default="", metavar="TEXT", help="A remark for people.")
@account_option
@common
@with_session
async def add(session: Session, address: str, reason: str, description: str, account: str | None) -> None:
    """
    Put an address on the list.

    An entry that is there stays, unless the new reason is complaint or unsubscribe and the old one is neither.
    """
    owner = await session.accounts.find(account)
    entry = await session.suppressions.add(owner, address, SuppressionReason(reason), description)
    told = f"{entry.address} is on the list of account {owner.name} since {utc(entry.at)} ({entry.reason.value})"
    session.out.one(_record(owner, entry), told)


@suppression.command()
@click.argument("address")
@account_option
@common
@with_session
async def remove(session: Session, address: str, account: str | None) -> None:
    """Take an address off the list: it gets mail again."""
    owner = await session.accounts.find(account)
    removed = await session.suppressions.remove(owner, address)
    record = {"address": removed, "account": owner.name, "removed": True}
    session.out.one(record, f"{removed} is off the list of account {owner.name}")


async def _entries(session: Session, owner: Account, reason: SuppressionReason | None) -> AsyncIterator[Suppression]:
    after = ""
    while page := await session.suppressions.page(owner, after, PAGE, reason):
        for entry in page:
            yield entry
        after = page[-1].address


def _record(owner: Account, entry: Suppression) -> Record:
    return {
        "address": entry.address,
        "account": owner.name,
        "reason": entry.reason.value,
        "at": entry.at,
        "event": EVENTS.get(entry.reason, "") if entry.message_id else "",
        "message_id": entry.message_id or "",
        "description": entry.description,
    }


def _row(entry: Suppression) -> Record:
    return {
        "address": entry.address,
        "reason": entry.reason.value,
        "since": utc(entry.at),
        "message": entry.message_id or "",
        "description": entry.description,
    }
