"""C{smtpeter migrate} and C{smtpeter backup}."""

import os
import shutil
from pathlib import Path

import click

from smtpeter.cli.failures import Stopped
from smtpeter.cli.options import Invocation, common, pass_invocation
from smtpeter.cli.output import Output
from smtpeter.cli.place import config_path, open_settings
from smtpeter.config import Settings
from smtpeter.storage import migrating, schema
from smtpeter.storage.backup import backup as copy_database


@click.command()
@common
@pass_invocation
def migrate(invocation: Invocation) -> None:
    """Bring the database to this version's schema. Stop the servers first, and make a backup."""
    url = open_settings(invocation.config).database.url
    before = schema.current(url)
    after = migrating.upgrade(url)
    text = f"schema {after} is in place already" if before == after else f"schema {after} is in place"
    Output(invocation.as_json).one({"before": before, "after": after}, text)


@click.command()
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@common
@pass_invocation
def backup(invocation: Invocation, destination: Path) -> None:
    """
    Copy database, configuration, certificate and keys to the new folder DEST, while the server runs.

    The copy is a whole installation: move it to the old place, or start it where it is.
    """
    settings = open_settings(invocation.config)
    config = config_path(invocation.config).resolve()
    folder = destination.absolute()
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise Stopped(f"{folder} exists: name a new folder") from None
    try:
        _copy(settings, config, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    Output(invocation.as_json).one({"backup": str(folder)}, f"backup written to {folder}")


def _copy(settings: Settings, config: Path, folder: Path) -> None:
    """The database goes first: keys are only ever added, so newer keys open all that is in it."""
    source = config.parent
    place(source, Path(settings.server.state_dir), folder, "state").mkdir(mode=0o700, parents=True)
    database = Path(settings.database.url.removeprefix("sqlite:///"))
    target = place(source, database, folder, "state/smtpeter.db")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy_database(settings.database.url, str(target))
    _copy_file(config, folder / config.name)
    keys = Path(settings.secrets.folder)
    for key in sorted(keys.glob("*.key")):
        _copy_file(key, place(source, keys, folder, "secrets") / key.name)
    for path in _certificate_files(settings):
        _copy_file(path, place(source, path, folder, f"tls/{path.name}"))


def place(source: Path, path: Path, folder: Path, default: str) -> Path:
    """Where a file stands in the copy: as in the original, or at its usual place when it was outside of it."""
    return folder / (path.relative_to(source) if path.is_relative_to(source) else default)


def _certificate_files(settings: Settings) -> list[Path]:
    tls = settings.tls
    named = [tls.certificate, tls.key, *(route.password_file for route in settings.relay.routes)]
    found = [Path(path) for path in named if path is not None]
    return found + ([path for path in sorted(Path(tls.folder).iterdir()) if path.is_file()] if tls.folder else [])


def _copy_file(source: Path, target: Path) -> None:
    """With its permissions, and its content on stable storage."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.exists():
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        shutil.copyfileobj(reading, writing)
        writing.flush()
        os.fsync(descriptor)
    shutil.copymode(source, target)
