"""The options that all commands share, and what they said."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import define

C = TypeVar("C", bound=Callable[..., Any])


@define(eq=False)
class Invocation:
    """What was said for every command alike."""

    config: Path | None = None
    as_json: bool = False


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def _set_config(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).config = value


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).as_json = True


def common(command: C) -> C:
    """C{--config} and C{--json}."""
    config = click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=_set_config,
        expose_value=False,
        help="Configuration; else $SMTPETER_CONFIG, ./smtpeter.toml, /etc/smtpeter/smtpeter.toml.",
    )
    as_json = click.option(
        "--json",
        is_flag=True,
        callback=_set_json,
        expose_value=False,
        is_eager=True,
        help="Print JSON, one object a line.",
    )
    return config(as_json(command))


def account_option(command: C) -> C:
    """C{--account}, for what belongs to one account."""
    return click.option("--account", metavar="NAME", help="Needed when there are several accounts.")(command)


def only_account_option(command: C) -> C:
    """C{--account}, for what concerns all accounts without it."""
    return click.option("--account", metavar="NAME", help="Only what is this account's.")(command)
