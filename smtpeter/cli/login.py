"""C{smtpeter login}: SMTP credentials and what is done to the messages that they hand in."""

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from smtpeter.cli.options import account_option, common
from smtpeter.cli.output import Record
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import Login
from smtpeter.model.options import SWITCHES, Features, Images, Overrides, override

C = TypeVar("C", bound=Callable[..., Any])

_SUMMARIES = {
    "inlinecss": "Move style sheets into style attributes.",
    "trackclicks": "Lead links through the server.",
    "trackopens": "Add a pixel.",
    "trackbounces": "Let bounces come to the server.",
    "preventscam": "Leave links alone whose text is an address.",
}


def _features(command: C) -> C:
    kinds = click.Choice(get_args(Images))
    command = click.option("--images", type=kinds, default=None, help="Where embedded images are shown from.")(command)
    for name in reversed(SWITCHES):
        option = click.option(f"--{name}/--no-{name}", default=None, help=_SUMMARIES[name])
        command = option(command)
    return command


@click.group()
@common
def login() -> None:
    """Logins: SMTP credentials with the features that their messages get."""


@login.command()
@click.argument("name")
@_features
@account_option
@common
@with_session
async def create(session: Session, name: str, account: str | None, **features: Any) -> None:
    """Make a login. Its password is shown this once."""
    owner = await session.accounts.find(account)
    made = await session.logins.create(owner, name, override(Features(), Overrides(**features)))
    credentials = {"username": made.login.username, "password": made.password}
    text = (
        f"login {made.login.name} created; the password is shown this once, and its spaces count\n"
        f"username: {made.login.username}\npassword: {made.password}"
    )
    session.out.one({**credentials, **_record(made.login)}, text)


@login.command(name="list")
@account_option
@common
@with_session
async def list_(session: Session, account: str | None) -> None:
    """List an account's logins."""
    owner = await session.accounts.find(account)
    records = [_record(one) for one in await session.logins.all(owner)]
    session.out.many(records, ("name", "username", "features"), f"account {owner.name} has no logins yet")


@login.command()
@click.argument("name")
@_features
@account_option
@common
@with_session
async def update(session: Session, name: str, account: str | None, **features: Any) -> None:
    """Change features of a login, by its name or user name; the others stay."""
    if all(value is None for value in features.values()):
        raise click.UsageError("Say what to change, for example --trackclicks or --no-trackclicks.")
    owner = await session.accounts.find(account)
    await session.logins.update(owner, name, Overrides(**features))
    changed = _record(await session.logins.find(owner, name))
    session.out.one(changed, f"login {changed['name']}: {', '.join(changed['features']) or 'no features'}")


@login.command()
@click.argument("name")
@account_option
@common
@with_session
async def delete(session: Session, name: str, account: str | None) -> None:
    """Delete a login, by its name or user name; what it handed in still goes out."""
    owner = await session.accounts.find(account)
    deleted = await session.logins.delete(owner, name)
    session.out.one({**_record(deleted), "deleted": True}, f"login {deleted.name} deleted")


def _record(one: Login) -> Record:
    return {
        "name": one.name,
        "username": one.username,
        "account": one.account.name,
        "features": [*one.features.enabled(), *(["images=hosted"] if one.features.images == "hosted" else [])],
    }
