"""C{smtpeter login}: SMTP credentials and what is done to the messages that they hand in."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from smtpeter.cli.options import account_option, common
from smtpeter.cli.output import Record
from smtpeter.cli.session import Session, with_session
from smtpeter.model.account import Login
from smtpeter.model.options import SWITCHES, Features, Overrides, override

C = TypeVar("C", bound=Callable[..., Any])

_SUMMARIES = {
    "inlinecss": "Move style sheets into style attributes.",
    "trackclicks": "Lead links through the server.",
    "trackopens": "Add a pixel.",
    "trackbounces": "Let bounces come to the server.",
    "preventscam": "Leave links alone whose text is an address.",
}


def _switches(command: C) -> C:
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
@_switches
@account_option
@common
@with_session
async def create(session: Session, name: str, account: str | None, **switches: bool | None) -> None:
    """Make a login. Its password is shown this once."""
    owner = await session.accounts.find(account)
    made = await session.logins.create(owner, name, override(Features(), _overrides(switches)))
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
@_switches
@account_option
@common
@with_session
async def update(session: Session, name: str, account: str | None, **switches: bool | None) -> None:
    """Change features of a login, by its name or user name; the others stay."""
    if all(value is None for value in switches.values()):
        raise click.UsageError("Say what to change, for example --trackclicks or --no-trackclicks.")
    owner = await session.accounts.find(account)
    features = await session.logins.update(owner, name, _overrides(switches))
    changed = await session.logins.find(owner, name)
    session.out.one(_record(changed), f"login {changed.name}: {', '.join(features.enabled()) or 'no features'}")


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


def _overrides(switches: Mapping[str, bool | None]) -> Overrides:
    wanted: dict[str, Any] = dict(switches)
    return Overrides(**wanted)


def _record(one: Login) -> Record:
    return {
        "name": one.name,
        "username": one.username,
        "account": one.account.name,
        "features": list(one.features.enabled()),
    }
