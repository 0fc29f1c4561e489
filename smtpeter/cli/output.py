"""Prints what a command found: for a person, or as JSON for a script."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from attrs import define

Record = Mapping[str, Any]

_TABLE_WIDTH = 160
"""Columns, when the output is no terminal."""


@define(eq=False)
class Output:
    """Where a command's results go."""

    is_json: bool
    """Whether a script reads it."""

    def one(self, record: Record, text: str) -> None:
        """A single thing: its record for scripts, the text for people."""
        click.echo(as_json(record) if self.is_json else text)

    def many(self, records: Iterable[Record], columns: Sequence[str], empty: str) -> None:
        """
        A list: an object a line, or a table.

        @param columns: the keys to show to a person, in that order.
        @param empty: what a person reads when there is nothing.
        """
        rows = list(records)
        if self.is_json:
            for row in rows:
                click.echo(as_json(row))
        elif rows:
            _print_table(rows, columns)
        else:
            click.echo(empty)


def as_json(record: Record) -> str:
    """One line."""
    return json.dumps(record, ensure_ascii=False)


def utc(at: float | None) -> str:
    """A POSIX time for people and logs: C{2026-11-20 09:30:00}, UTC; empty without one."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """Text from outside without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() or character in "\n\t" else "�" for character in text)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return plain("" if value is None else str(value))


def _print_table(rows: Sequence[Record], columns: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column))) for column in columns))
    Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH, highlight=False).print(table)
