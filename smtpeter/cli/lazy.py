"""
A click group whose commands are imported when they are called.

The server's parts take half a second to import; a command pays only for what it uses.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from attrs import frozen
from typing_extensions import override


@frozen
class Lazy:
    """
    A command that is somewhere else.

    @ivar target: C{module:attribute}.
    @ivar summary: its line in the list of commands.
    """

    target: str
    summary: str


class LazyGroup(click.Group):
    """A group of L{Lazy} commands."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._lazy = lazy

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were written down."""
        return list(self._lazy)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; C{None} when there is none of that name."""
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, without an import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in self._lazy.items()])
