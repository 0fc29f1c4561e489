"""Reads the configuration file."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from smtpeter.config.faults import ConfigurationError, Fault
from smtpeter.config.reader import read_settings
from smtpeter.config.settings import Settings

_MODULES = {"css-inline": "css_inline"}
"""By what the configuration may ask for, modules that come with an extra only."""


def load_settings(path: Path, find_module: Callable[[str], object] = find_spec) -> Settings:
    """
    Read a file; relative paths in it start from its own folder, a symbolic link resolved.

    @param find_module: gives C{None} for a module that is not installed.
    @raise ConfigurationError: it cannot be read, something is wrong in it, or it asks for what is not installed.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise _unreadable(f"there is no file {path}", "write one with: smtpeter init") from None
    except OSError as error:
        raise _unreadable(f"cannot read {path}: {error.strerror}", "check who may read it") from None
    except UnicodeDecodeError as error:
        raise _unreadable(f"{path} is not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    missing = {name for name, module in _MODULES.items() if find_module(module) is None}
    return read_settings(text, path.resolve().parent, missing)


def _unreadable(problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError([Fault(section="", key="", problem=problem, remedy=remedy)])
