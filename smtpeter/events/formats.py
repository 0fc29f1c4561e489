"""
Writes the rows of a log file, piece by piece: CSV, JSON, XML.

A log file tells what strangers wrote (replies of servers, header fields, addresses), so a cell of CSV that a
spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection), and XML gets no character that it
may not have (XML 1.0, 2.2).
"""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Protocol
from xml.sax.saxutils import escape

from attrs import define, field

from smtpeter.events.rows import Row

_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet runs what begins so."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class RowFormat(Protocol):
    """One way to write rows."""

    content_type: str

    def begin(self) -> str:
        """What stands before the first row."""

    def rows(self, rows: Iterable[Row]) -> str:
        """Some rows, behind those before."""

    def end(self) -> str:
        """What stands behind the last row."""


def make_format(name: str, fields: Sequence[str]) -> RowFormat | None:
    """
    A format by the name that it has in a path: C{""}, C{header}, C{json}, C{xml}; C{None} for any other.

    @param fields: of the rows, in order.
    """
    if name in ("", "header"):
        return CSVFormat(fields=fields, has_header=name == "header")
    if name == "json":
        return JSONFormat()
    return XMLFormat() if name == "xml" else None


@define(eq=False, kw_only=True)
class CSVFormat:
    """RFC 4180."""

    content_type: str = field(default="text/csv; charset=utf-8", init=False)
    _fields: Sequence[str]
    _has_header: bool

    def begin(self) -> str:
        """The names, if wanted."""
        return _csv([self._fields]) if self._has_header else ""

    def rows(self, rows: Iterable[Row]) -> str:
        """A line each."""
        return _csv([harmless(row[name]) for name in self._fields] for row in rows)

    def end(self) -> str:
        """Nothing."""
        return ""


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_RUNS) else cell


def _csv(lines: Iterable[Iterable[str]]) -> str:
    text = StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


@define(eq=False)
class JSONFormat:
    """An array of objects."""

    content_type: str = field(default="application/json", init=False)
    _is_first: bool = field(default=True, init=False)

    def begin(self) -> str:
        """The bracket."""
        return "["

    def rows(self, rows: Iterable[Row]) -> str:
        """Objects, with a comma between two."""
        written = ",\n".join(map(json.dumps, rows))
        if not written:
            return ""
        before, self._is_first = "" if self._is_first else ",\n", False
        return before + written

    def end(self) -> str:
        """The other bracket."""
        return "]\n"


@define(eq=False)
class XMLFormat:
    """C{<records><record>} with an element for each field."""

    content_type: str = field(default="text/xml; charset=utf-8", init=False)

    def begin(self) -> str:
        """The declaration and the root."""
        return '<?xml version="1.0" encoding="utf-8"?>\n<records>\n'

    def rows(self, rows: Iterable[Row]) -> str:
        """A record each."""
        return "".join(f"<record>{''.join(map(_element, row.items()))}</record>\n" for row in rows)

    def end(self) -> str:
        """The end of the root."""
        return "</records>\n"


def _element(item: tuple[str, str]) -> str:
    name, value = item
    text = escape(_NOT_XML.sub("\ufffd", value), {"\r": "&#13;"})
    return f"<{name}>{text}</{name}>"
