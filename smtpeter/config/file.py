"""Reads the configuration file."""

from pathlib import Path

from smtpeter.config.faults import ConfigurationError, Fault
from smtpeter.config.reader import read_settings
from smtpeter.config.settings import Settings


def load_settings(path: Path) -> Settings:
    """
    Read a file; relative paths in it start from its own folder, a symbolic link resolved.

    @raise ConfigurationError: it cannot be read, or something is wrong in it.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise _unreadable(f"there is no file {path}", "write one with: smtpeter init") from None
    except OSError as error:
        raise _unreadable(f"cannot read {path}: {error.strerror}", "check who may read it") from None
    except UnicodeDecodeError as error:
        raise _unreadable(f"{path} is not UTF-8 at byte {error.start}", "save it as UTF-8") from None
    return read_settings(text, path.resolve().parent)


def _unreadable(problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError([Fault(section="", key="", problem=problem, remedy=remedy)])
