"""Commands run in this process on an installation in a folder of the test."""

import json
from pathlib import Path
from typing import Any

from attrs import define, field
from click.testing import CliRunner, Result

from smtpeter.cli.direct import open_database, run
from smtpeter.cli.main import cli
from smtpeter.config import Settings, load_settings
from smtpeter.model.event import Event
from smtpeter.model.message import Message, Recipient, Submission, Trace
from smtpeter.model.options import Features
from smtpeter.storage.queue import StoredQueue


def call(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run a command; a bug raises."""
    result = CliRunner().invoke(cli, arguments, env={"SMTPETER_CONFIG": "", **(env or {})}, prog_name="smtpeter")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _absolute(path: str | Path) -> Path:
    return Path(path).absolute()


@define(eq=False)
class Installed:
    """An installation made by C{init}."""

    folder: Path = field(converter=_absolute)

    def __attrs_post_init__(self) -> None:
        result = call("init", str(self.folder), "--hostname", "mail.example.com")
        assert result.exit_code == 0, result.output

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "smtpeter.toml"

    @property
    def settings(self) -> Settings:
        """Its configuration."""
        return load_settings(self.config)

    def call(self, *arguments: str) -> Result:
        """Run a command on it."""
        return call(*arguments, env={"SMTPETER_CONFIG": str(self.config)})

    def say(self, *arguments: str) -> str:
        """What a command that succeeds tells a person."""
        result = self.call(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def records(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command that succeeds tells a script."""
        return [json.loads(line) for line in self.say(*arguments, "--json").splitlines()]

    def record(self, *arguments: str) -> dict[str, Any]:
        """The one thing that it tells."""
        (found,) = self.records(*arguments)
        return found

    def refusal(self, *arguments: str, exit_code: int = 1) -> str:
        """What a command that fails says: on standard error for a person, as an object for a script."""
        result, scripted = self.call(*arguments), self.call(*arguments, "--json")
        assert (result.exit_code, scripted.exit_code) == (exit_code, exit_code), result.output
        assert result.stdout == "", result.stdout
        (line,) = scripted.stdout.splitlines()
        message = json.loads(line)["error"]
        assert message in result.stderr.replace("\n", " ") or message in result.stderr, (message, result.stderr)
        return str(message)

    def put(self, *ids: str, domain: str = "y.example", account_id: int = 1, events: tuple[Event, ...] = ()) -> None:
        """Queue a submission with these messages."""

        async def work() -> None:
            database = open_database(self.settings.database.url)
            await StoredQueue(database=database, node_id="n").store(
                submission(ids, domain, account_id), events, is_claimed=False
            )
            await database.close()

        run(work())


def submission(ids: tuple[str, ...], domain: str, account_id: int) -> Submission:
    """A submission from a shop."""
    return Submission(
        id=f"s-{ids[0]}",
        account_id=account_id,
        login_id=None,
        source="smtp",
        features=Features(trackclicks=True),
        tags=("spring", "sale"),
        warnings=(),
        reverse_path="shop@shop.example",
        sender_domain="shop.example",
        content=b"Subject: x\r\n\r\n",
        trace=Trace(protocol="ESMTPSA"),
        ret=None,
        envid=None,
        is_utf8=False,
        received_at=1_790_000_000.0,
        expires_at=1_790_086_400.0,
        messages=tuple(Message(id=id, recipient=Recipient(address=f"{id}@{domain}"), domain=domain) for id in ids),
    )
