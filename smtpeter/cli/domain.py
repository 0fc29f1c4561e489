"""C{smtpeter domain}: which domains an account may write in From, and what their owner publishes."""

import click

from smtpeter.accounts.domains import records
from smtpeter.accounts.refusals import AlreadyThere
from smtpeter.accounts.signing import generate_private_key
from smtpeter.cli.options import account_option, common
from smtpeter.cli.output import Record
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import Account, SenderDomain


@click.group()
@common
def domain() -> None:
    """Sender domains: an account sends only from its approved ones."""


@domain.command()
@click.argument("name")
@click.option("--approve", is_flag=True, help="You vouch that the domain is the account's.")
@account_option
@common
@with_session
async def add(session: Session, name: str, approve: bool, account: str | None) -> None:
    """Add a sender domain with a new DKIM key; with --approve also approve one that waits."""
    owner = await session.accounts.find(account)
    try:
        added = await session.domains.add(owner, name, approve, generate_private_key())
    except AlreadyThere:
        added = await session.domains.find(owner, name)
        if added.is_approved or not approve:
            raise
        added = await session.domains.approve(owner, name)
    _print(session, owner, added)


@domain.command(name="list")
@account_option
@common
@with_session
async def list_(session: Session, account: str | None) -> None:
    """List an account's sender domains."""
    owner = await session.accounts.find(account)
    found = [_record(session, owner, one) for one in await session.domains.all(owner)]
    session.out.many(found, ("name", "approved", "selector"), f"account {owner.name} has no sender domains yet")


@domain.command()
@click.argument("name")
@account_option
@common
@with_session
async def show(session: Session, name: str, account: str | None) -> None:
    """Show a sender domain and the DNS records to publish."""
    owner = await session.accounts.find(account)
    _print(session, owner, await session.domains.find(owner, name))


@domain.command()
@click.argument("name")
@account_option
@common
@with_session
async def delete(session: Session, name: str, account: str | None) -> None:
    """Delete a sender domain and its key; its mail is refused from then on."""
    owner = await session.accounts.find(account)
    deleted = await session.domains.delete(owner, name)
    session.out.one({"name": deleted.name, "account": owner.name, "deleted": True}, f"domain {deleted.name} deleted")


def _print(session: Session, owner: Account, one: SenderDomain) -> None:
    tracking = session.settings.tracking
    lines = [
        f"domain {one.name} of account {owner.name}: {'approved' if one.is_approved else 'not approved yet'}",
        f"links and pixels lead to {tracking.url}, bounces come to {tracking.bounce_domain}",
        "publish in DNS:",
        *(f"{record.name}. {record.type} {record.quoted}" for record in records(one)),
    ]
    session.out.one(_record(session, owner, one), "\n".join(lines))


def _record(session: Session, owner: Account, one: SenderDomain) -> Record:
    return {
        "name": one.name,
        "account": owner.name,
        "approved": one.is_approved,
        "selector": one.key.selector if one.key else None,
        "tracking": session.settings.tracking.url,
        "bounces": session.settings.tracking.bounce_domain,
        "records": [{"name": record.name, "type": record.type, "value": record.value} for record in records(one)],
    }
