"""What all commands share: finding the configuration, whose files they are, failures, documentation."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

import smtpeter
from smtpeter.cli.direct import run
from smtpeter.cli.failures import Stopped, explain
from smtpeter.cli.lazy import LazyGroup
from smtpeter.cli.main import COMMANDS, cli
from smtpeter.cli.place import find_config, foreign
from tests.cli.installed import Installed, call

ROOT = Path(smtpeter.__file__).parents[1]
CHECKOUT = Path(__file__).resolve().parents[2]


class ConfigTests(SynchronousTestCase):
    """Which configuration counts."""

    @override
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.system = self.folder / "system.toml"

    def found(self, said: Path | None, **environ: str) -> Path:
        """The file that counts."""
        return find_config(said, environ, self.folder, self.system)

    def test_order(self) -> None:
        """The option, the environment, the current folder, the system."""
        said, local = Path("said.toml"), self.folder / "smtpeter.toml"
        self.system.touch()
        self.assertEqual(self.found(None, SMTPETER_CONFIG=""), self.system)
        local.touch()
        self.assertEqual(self.found(None), local)
        self.assertEqual(self.found(None, SMTPETER_CONFIG="/env.toml"), Path("/env.toml"))
        self.assertEqual(self.found(said, SMTPETER_CONFIG="/env.toml"), said)

    def test_none(self) -> None:
        """Without any it is said where one was looked for."""
        failure = self.assertRaises(Stopped, self.found, None)
        for word in (str(self.folder / "smtpeter.toml"), str(self.system), "smtpeter init"):
            self.assertIn(word, str(failure))

    def test_option_places(self) -> None:
        """C{--config} and C{--json} are taken before, within and behind the command."""
        it = Installed(self.mktemp())
        config = str(it.config)
        expected = it.say("account", "list", "--json")
        for arguments in (
            ("--config", config, "--json", "account", "list"),
            ("account", "list", "--json", "--config", config),
            ("--config", config, "account", "--json", "list"),
            ("account", "--config", config, "list", "--json"),
        ):
            self.assertEqual(call(*arguments).stdout, expected)

    def test_option_of_groups(self) -> None:
        """Every command that has commands below it takes them too."""
        context = click.Context(cli)
        groups = {name: cli.get_command(context, name) for name in COMMANDS}
        for name, group in groups.items():
            if isinstance(group, click.Group):
                spelled = {option for parameter in group.params for option in parameter.opts}
                self.assertLessEqual({"--json", "--config"}, spelled, name)


class FailureTests(SynchronousTestCase):
    """How a command fails."""

    def test_configuration(self) -> None:
        """All faults of the configuration are told, a line each."""
        it = Installed(self.mktemp())
        it.config.write_text("[server]\nhostname = 5\n[smtp]\nmax_recipient = 3\n")
        message = it.refusal("account", "list")
        problems = [line.split("; ")[0] for line in message.splitlines()]
        self.assertEqual(problems, ["[server] hostname 5 is no text", "[smtp] max_recipient is no key of this section"])

    def test_no_state(self) -> None:
        """A configuration without its state was not made by init."""
        it = Installed(self.mktemp())
        (it.folder / "state").rename(it.folder / "elsewhere")
        self.assertIn("does not exist", it.refusal("account", "list"))

    def test_broken_database(self) -> None:
        """A file that is no database is told, not a traceback."""
        it = Installed(self.mktemp())
        (it.folder / "state" / "smtpeter.db").write_bytes(b"nonsense" * 1000)
        self.assertIn("database", it.refusal("account", "list"))

    def test_usage(self) -> None:
        """A wrong call ends with 2 and shows how it is right; with C{--json} it is an object as well."""
        it = Installed(self.mktemp())
        for arguments in (("nothing",), ("login", "create"), ("login", "create", "a", "--nothing")):
            it.refusal(*arguments, exit_code=2)
        self.assertIn("Usage: smtpeter login create", it.call("login", "create").stderr)
        for group in ("account", "login", "domain", "queue", "message"):
            it.refusal(group, "nothing", exit_code=2)
            self.assertIn("Missing command", it.call(group, "--json").stdout)

    def test_foreign_user(self) -> None:
        """Another user than the owner of the state is refused, root too, and told how to do it."""
        self.assertEqual(foreign(Path("/s"), 5, 5), "")
        self.assertIn("sudo -u root smtpeter", foreign(Path("/s"), 0, 5))
        self.assertIn("sudo -u #54321 smtpeter", foreign(Path("/s"), 54321, 0))

    def test_foreign_state(self) -> None:
        """Before anything is opened."""
        if os.geteuid() != 0:
            self.skipTest("only root gives files away")
        it = Installed(self.mktemp())
        os.chown(it.folder / "state", 12345, -1)
        for command in (("account", "list"), ("migrate",), ("backup", self.mktemp())):
            self.assertIn("belongs to #12345", it.refusal(*command))
        self.assertFalse((it.folder / "state" / "smtpeter.db-wal").exists())

    def test_bug(self) -> None:
        """What nobody expected is no clear line but a bug, and a reader that went away is neither."""
        self.assertIsNone(explain(KeyError("x")))
        self.assertIsNone(explain(BrokenPipeError(32, "Broken pipe")))

    def test_run(self) -> None:
        """A coroutine that would need a reactor is a bug, said at once."""

        async def work() -> None:
            await Deferred()

        self.assertRaises(RuntimeError, run, work())


class StartTests(SynchronousTestCase):
    """Starting the program."""

    def python(self, code: str) -> str:
        """What a new interpreter prints."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, *code.split("\0")], check=True, env=environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def test_module(self) -> None:
        """C{python -m smtpeter} is the command."""
        self.assertTrue(self.python("-m\0smtpeter\0--version").startswith("smtpeter "))
        self.assertIn("Commands:", self.python("-m\0smtpeter\0--help"))

    def test_imports_little(self) -> None:
        """A command about logins imports no CSS, no web server, no mail and no reactor; the list nearly nothing."""
        heavy = ("lxml", "premailer", "cssutils", "klein", "treq", "twisted.web", "twisted.internet.reactor", "rich")
        self.assertEqual(self.imported("smtpeter.cli.login", *heavy), "")
        self.assertEqual(self.imported("smtpeter.cli.main", *heavy, "sqlalchemy", "twisted", "pydantic"), "")

    def imported(self, module: str, *names: str) -> str:
        """Those of the names that a module brings with it."""
        return self.python(
            f"-c\0import sys, {module}; print(*(name for name in {names} if name in sys.modules))"
        ).strip()


def commands(group: LazyGroup | click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """All commands below a group, with their full names."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def spelling(parameter: click.Parameter, command: click.Command) -> str:
    """How an option or an argument is written in the help."""
    if isinstance(parameter, click.Option):
        return parameter.opts[-1]
    return parameter.make_metavar(click.Context(command)).strip("[]")


class DocumentationTests(SynchronousTestCase):
    """docs/commands.md, and the help."""

    def test_every_command(self) -> None:
        """Each command has a heading, and each of its options and arguments stands below it."""
        text = (CHECKOUT / "docs" / "commands.md").read_text("utf-8")
        parts = {part.partition("\n")[0]: part for part in text.split("\n### ")}
        for name, command in commands(cli, "smtpeter"):
            heading = f"`{name}`"
            self.assertIn(heading, parts)
            for parameter in command.params:
                spelled = spelling(parameter, command)
                if spelled not in ("--json", "--config"):
                    self.assertRegex(parts[heading], rf"{spelled}(?![\w-])", name)

    def test_every_command_has_json(self) -> None:
        """Every command takes C{--json} and C{--config}, and says what it does."""
        for name, command in commands(cli, "smtpeter"):
            spelled = {option for parameter in command.params for option in parameter.opts}
            self.assertLessEqual({"--json", "--config"}, spelled, name)
            self.assertTrue(command.get_short_help_str(), name)

    def test_list(self) -> None:
        """The list names every command with its line, the demo among them, without importing any."""
        said = call("--help").stdout
        for name, lazy in COMMANDS.items():
            self.assertRegex(said, rf"(?m)^  {name} +{lazy.summary[:20]}")
