"""
Lays the files of a new installation: configuration, certificate, keys, database with its first account.

Nothing that exists is overwritten, and what was made is taken away again when a later part fails.
"""

import os
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from attrs import frozen

from smtpeter.auth.secrets import generate_secrets, load_secrets, write_secrets
from smtpeter.cli.direct import run
from smtpeter.cli.failures import Stopped
from smtpeter.cli.output import Output
from smtpeter.cli.session import join
from smtpeter.config import Settings, load_settings
from smtpeter.storage.migrating import upgrade
from smtpeter.tls.selfsigned import make_self_signed

PARTS = ("smtpeter.toml", "tls", "secrets", "state")
TEMPLATE_HOSTNAME = "mail.example.com"
FIRST_ACCOUNT = "default"


@frozen(kw_only=True)
class Foundation:
    """
    A folder to be.

    @ivar hostname: A-labels.
    @ivar now: POSIX seconds.
    @ivar chance: gives so many bytes that nobody can guess.
    """

    folder: Path
    hostname: str
    now: float
    chance: Callable[[int], bytes]

    def lay(self) -> Settings:
        """
        Make everything.

        @return: the configuration that was written.
        @raise Stopped: something is in the way, or cannot be written.
        """
        is_new = not self.folder.exists()
        self._check()
        try:
            return self._lay()
        except BaseException as error:
            self._clear(is_new)
            if isinstance(error, OSError):
                raise Stopped(f"cannot write {error.filename or self.folder}: {error.strerror}") from None
            raise

    def _check(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise Stopped(f"{self.folder} is no folder")
        found = [part for part in PARTS if os.path.lexists(self.folder / part)]
        if found:
            raise Stopped(
                f"{self.folder} already has {', '.join(found)}: nothing is overwritten; choose another folder, "
                "or work on this one with --config"
            )

    def _lay(self) -> Settings:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "smtpeter.toml"
        _write(config, self._configuration().encode(), 0o600)
        settings = load_settings(config)
        (self.folder / "state").mkdir(mode=0o700)
        self._certificate()
        write_secrets(Path(settings.secrets.folder), generate_secrets(self.chance))
        upgrade(settings.database.url)
        self._account(settings)
        return settings

    def _configuration(self) -> str:
        template = files("smtpeter.cli").joinpath("smtpeter.toml").read_text("utf-8")
        return template.replace(TEMPLATE_HOSTNAME, self.hostname)

    def _certificate(self) -> None:
        pair = make_self_signed(self.hostname, self.now, self.chance)
        (self.folder / "tls").mkdir(mode=0o755)
        _write(self.folder / "tls" / "cert.pem", pair.certificate, 0o644)
        _write(self.folder / "tls" / "key.pem", pair.key, 0o600)

    def _account(self, settings: Settings) -> None:
        async def work() -> None:
            session = join(settings, load_secrets(Path(settings.secrets.folder)), Output(is_json=True))
            try:
                await session.accounts.create(FIRST_ACCOUNT)
            finally:
                await session.close()

        run(work())

    def _clear(self, is_new: bool) -> None:
        """Take away what was made; L{_check} has found that none of it was there before."""
        for part in (self.folder / name for name in PARTS):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)
        if is_new and self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
