"""C{smtpeter account}: who may send."""

import click

from smtpeter.cli.options import common
from smtpeter.cli.output import Record
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import Account


@click.group()
@common
def account() -> None:
    """Accounts: tenants, each with logins, sender domains and figures of its own."""


@account.command()
@click.argument("name")
@click.option("--pending", is_flag=True, help="It may not send before it is approved.")
@common
@with_session
async def create(session: Session, name: str, pending: bool) -> None:
    """Open an account."""
    opened = await session.accounts.create(name, is_pending=pending)
    session.out.one(_record(opened), f"account {opened.name} created, {opened.standing.value}")


@account.command(name="list")
@common
@with_session
async def list_(session: Session) -> None:
    """List all accounts."""
    accounts = await session.accounts.all()
    session.out.many([_record(one) for one in accounts], ("name", "standing"), "no accounts yet")


@account.command()
@click.argument("name", required=False)
@common
@with_session
async def approve(session: Session, name: str | None) -> None:
    """Let a pending account send."""
    changed = await session.accounts.approve(name)
    session.out.one(_record(changed), f"account {changed.name} may send")


@account.command()
@click.argument("name", required=False)
@common
@with_session
async def suspend(session: Session, name: str | None) -> None:
    """Refuse new mail of an account; what is queued still goes out."""
    changed = await session.accounts.suspend(name)
    session.out.one(_record(changed), f"account {changed.name} is suspended")


@account.command()
@click.argument("name", required=False)
@common
@with_session
async def resume(session: Session, name: str | None) -> None:
    """Let a suspended account send again."""
    changed = await session.accounts.resume(name)
    session.out.one(_record(changed), f"account {changed.name} may send")


def _record(one: Account) -> Record:
    return {"id": one.id, "name": one.name, "standing": one.standing.value}
