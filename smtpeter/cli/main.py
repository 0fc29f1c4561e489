"""The top of the command line: the list of commands, and every known failure as one clear line."""

from typing import Any

import click
from typing_extensions import override

from smtpeter.cli.failures import explain, shown_as_json
from smtpeter.cli.lazy import Lazy, LazyGroup
from smtpeter.cli.options import Invocation, common

COMMANDS = {
    "init": Lazy("smtpeter.cli.init:init", "Write configuration, keys, certificate and database."),
    "check": Lazy("smtpeter.cli.check:check", "Look for what is wrong before a client does."),
    "account": Lazy("smtpeter.cli.account:account", "Create, list, approve, suspend and resume accounts."),
    "login": Lazy("smtpeter.cli.login:login", "Create, list, update and delete SMTP logins."),
    "token": Lazy("smtpeter.cli.token:token", "Create, list and delete tokens for the REST API."),
    "domain": Lazy("smtpeter.cli.domain:domain", "Add, list, show and delete sender domains."),
    "suppression": Lazy("smtpeter.cli.suppression:suppression", "See and change to whom an account does not write."),
    "queue": Lazy("smtpeter.cli.queue:queue", "See what waits, and why; try it again."),
    "message": Lazy("smtpeter.cli.message:message", "Show all that is known of a message."),
    "events": Lazy("smtpeter.cli.events:events", "Print what happened."),
    "migrate": Lazy("smtpeter.cli.upkeep:migrate", "Bring the database to this version's schema."),
    "backup": Lazy("smtpeter.cli.upkeep:backup", "Copy database, configuration and keys while the server runs."),
    "demo": Lazy("smtpeter.cli.demo:demo", "Try everything out in a folder of its own."),
}


class Root(LazyGroup):
    """The group that catches what its commands raise."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a failure that has an explanation becomes one, a bug flies."""
        # Made here, so that what a command's own options say is known to this context too.
        invocation = ctx.ensure_object(Invocation)
        is_json_said = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except click.ClickException as failure:
            raise shown_as_json(failure) if is_json_said or invocation.as_json else failure from None
        except Exception as error:
            explained = explain(error)
            if explained is None:
                raise
            raise shown_as_json(explained) if invocation.as_json else explained from error


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"smtpeter {version('smtpeter')}")
        except PackageNotFoundError:
            click.echo("smtpeter (not installed)")
        context.exit()


@click.group(cls=Root, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print it.")
@common
def cli() -> None:
    """Operate an SMTPeter server: accounts, logins, tokens, sender domains, suppression lists and the queue."""


def main() -> None:
    """The console script."""
    cli(prog_name="smtpeter")
