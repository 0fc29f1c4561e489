"""C{smtpeter token}: REST credentials and what they may be used for."""

from typing import Any, cast

import click

from smtpeter.cli.options import account_option, common
from smtpeter.cli.output import Record
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import SCOPES, Token


@click.group()
@common
def token() -> None:
    """Tokens: credentials for the REST API."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may be used for; repeat it for several. Without it: everything.",
)
@account_option
@common
@with_session
async def create(session: Session, name: str, account: str | None, scopes: tuple[str, ...]) -> None:
    """Make a token. It is shown this once."""
    owner = await session.accounts.find(account)
    made = await session.tokens.create(owner, name, cast(Any, scopes))
    told = f"token {made.token.name} created ({', '.join(made.token.scopes)}); it is shown this once\n{made.text}"
    session.out.one({"token": made.text, **_record(made.token)}, told)


@token.command(name="list")
@account_option
@common
@with_session
async def list_(session: Session, account: str | None) -> None:
    """List an account's tokens."""
    owner = await session.accounts.find(account)
    records = [_record(one) for one in await session.tokens.all(owner)]
    session.out.many(records, ("name", "scopes"), f"account {owner.name} has no tokens yet")


@token.command()
@click.argument("name")
@account_option
@common
@with_session
async def delete(session: Session, name: str, account: str | None) -> None:
    """Delete a token: it is dead at once. What it handed in still goes out."""
    owner = await session.accounts.find(account)
    deleted = await session.tokens.delete(owner, name)
    session.out.one({**_record(deleted), "deleted": True}, f"token {deleted.name} deleted")


def _record(one: Token) -> Record:
    return {"name": one.name, "account": one.account.name, "scopes": list(one.scopes)}
