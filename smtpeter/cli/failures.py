"""Explains to a person what stopped a command."""

import json
from typing import IO, Any

import click
from typing_extensions import override


class Stopped(click.ClickException):
    """A command cannot go on; the message is one line with the remedy."""

    @override
    def show(self, file: IO[Any] | None = None) -> None:
        """On standard error, like all that is no result."""
        click.echo(f"smtpeter: {self.message}", file=file, err=file is None)


class StoppedJSON(click.ClickException):
    """The same for a script: an object on standard output, where it reads results."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        # A class attribute in click, where each kind of failure has its own code.
        setattr(self, "exit_code", exit_code)  # noqa: B010

    @override
    def show(self, file: IO[Any] | None = None) -> None:
        """One line."""
        click.echo(json.dumps({"error": self.message}, ensure_ascii=False), file=file)


def shown_as_json(failure: click.ClickException) -> click.ClickException:
    """The failure in the form for scripts, its exit code kept."""
    return StoppedJSON(failure.format_message(), failure.exit_code)


def explain(error: Exception) -> click.ClickException | None:
    """What to tell about an error; C{None} for a bug, and for a reader that went away (click ends silently)."""
    # Imported here: without an error nobody pays for these.
    from smtpeter.accounts.refusals import RuleBroken
    from smtpeter.auth.secrets import SecretsError
    from smtpeter.auth.vault import CannotOpen
    from smtpeter.boundaries.storage import StorageBusy, StorageFull
    from smtpeter.config import ConfigurationError
    from smtpeter.storage.backup import BackupRefused
    from smtpeter.storage.engines import DriverMissing
    from smtpeter.storage.failures import CommitInDoubt
    from smtpeter.storage.schema import SchemaNewer, SchemaOutdated
    from smtpeter.tls.pair import CertificateError

    if isinstance(error, RuleBroken | SecretsError | CertificateError | ConfigurationError):
        return Stopped(str(error))
    if isinstance(error, CannotOpen):
        return Stopped(f"a key in the database cannot be opened: {error}; the folder of keys is another one")
    if isinstance(error, BackupRefused | DriverMissing | SchemaNewer | SchemaOutdated):
        return Stopped(str(error))
    if isinstance(error, StorageFull):
        return Stopped("no space is left for the database; nothing was changed")
    if isinstance(error, CommitInDoubt):
        return Stopped(f"the database was lost in the middle: {error}; look whether it was done before you try again")
    if isinstance(error, StorageBusy):
        return Stopped(f"the database cannot be used now: {error}; nothing was changed, try again")
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return Stopped(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
    return _explain_database(error)


def _explain_database(error: Exception) -> click.ClickException | None:
    """What the schema and the backup let through of the drivers."""
    from sqlite3 import Error

    from sqlalchemy.exc import DBAPIError

    if isinstance(error, DBAPIError | Error):
        return Stopped(f"the database cannot be used: {getattr(error, 'orig', error)}")
    return None
