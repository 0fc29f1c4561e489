"""
The log as JSON, an object a line: C{twistd -n --logger=smtpeter.jsonlog.observer smtpeter --config FILE}.

Each object has C{time} (UTC, ISO 8601), C{level}, C{namespace} (which part speaks), C{message} (as the plain log has
it) and C{fields}: what stands in the message under its names. Nothing is written that the plain log would not show, so
no secret is either. A fault of ours has C{traceback} as well.
"""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import Any, TextIO

from twisted.logger import FileLogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure

Scalar = str | int | float | bool | None

_MAX_FIELDS = 50
_FORMATTER = Formatter()


def observer() -> FileLogObserver:
    """What twistd asks for: writes to standard output."""
    return json_observer(sys.stdout)


def json_observer(file: TextIO) -> FileLogObserver:
    """Writes to a file, and flushes after each line."""
    return FileLogObserver(file, lambda event: as_line(event) + "\n")


def as_line(event: LogEvent) -> str:
    """An event as JSON in ASCII, without line ends."""
    level = event.get("log_level")
    said: dict[str, Any] = {
        "time": _time(event.get("log_time")),
        "level": "info" if level is None else level.name,
        "namespace": str(event.get("log_namespace", "")),
        "message": formatEvent(event),
        "fields": _fields(event),
    }
    failure = event.get("log_failure")
    if isinstance(failure, Failure):
        said["traceback"] = failure.getTraceback()
    return json.dumps(said)


def _time(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _fields(event: Mapping[str, Any]) -> dict[str, Scalar]:
    """The values of the names in the format of the message."""
    try:
        parts = list(_FORMATTER.parse(str(event.get("log_format") or "")))
    except ValueError:
        return {}
    names = [name for _, name, _, _ in parts if name and not name.startswith("log_")]
    return {name.removesuffix("()"): _value(name, event) for name in names[:_MAX_FIELDS]}


def _value(name: str, event: Mapping[str, Any]) -> Scalar:
    try:
        value, _ = _FORMATTER.get_field(name.removesuffix("()"), (), event)
        value = value() if name.endswith("()") else value
        finite = not isinstance(value, float) or value - value == 0
        return value if isinstance(value, bool | int | float | None) and finite else str(value)
    except Exception:
        # A value that cannot be shown must not cost the line.
        return None
