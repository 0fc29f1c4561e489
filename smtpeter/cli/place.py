"""Finds the configuration of a command, and checks that its files are the caller's own."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

from smtpeter.cli.failures import Stopped
from smtpeter.config import Settings, load_settings

VARIABLE = "SMTPETER_CONFIG"
SYSTEM = Path("/etc/smtpeter/smtpeter.toml")


def find_config(said: Path | None, environ: Mapping[str, str], folder: Path, system: Path = SYSTEM) -> Path:
    """
    The configuration file that counts: the one that was said, the one of the environment, the one in the current
    folder, the system's.

    @raise Stopped: there is none.
    """
    if said is not None:
        return said
    if environ.get(VARIABLE):
        return Path(environ[VARIABLE])
    local = folder / "smtpeter.toml"
    for path in (local, system):
        if path.is_file():
            return path
    raise Stopped(f"no configuration: there is neither {local} nor {system}; use --config FILE or run smtpeter init")


def config_path(said: Path | None) -> Path:
    """
    L{find_config} for this process.

    @raise Stopped: there is none.
    """
    return find_config(said, os.environ, Path.cwd())


def open_settings(said: Path | None) -> Settings:
    """
    The configuration, once it is known that the caller may work on what it names.

    @raise Stopped: there is none, its folder of state is missing, or belongs to somebody else.
    @raise ConfigurationError: something is wrong in it.
    """
    path = config_path(said)
    settings = load_settings(path)
    state = Path(settings.server.state_dir)
    try:
        owner = state.stat().st_uid
    except FileNotFoundError:
        raise Stopped(f"{state} does not exist: {path} was not made by smtpeter init, or state_dir is wrong") from None
    problem = foreign(state, owner, os.geteuid())
    if problem:
        raise Stopped(problem)
    return settings


def foreign(state: Path, owner: int, user: int) -> str:
    """
    Why a user must not touch the database: the files that SQLite makes beside it would be theirs, and the server could
    not write them any more. Empty when there is no reason.
    """
    if owner == user:
        return ""
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    return f"{state} belongs to {name}; run: sudo -u {name} smtpeter …"
