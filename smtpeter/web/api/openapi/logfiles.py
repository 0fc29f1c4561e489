"""The description of C{/v1/logfiles}."""

from smtpeter.events.logfiles import PREFIXES
from smtpeter.web.api.openapi.operations import JSON, Operation, Parameter, Reply, Schema, in_path, json_reply
from smtpeter.web.api.openapi.shared import DAY, KNOWN_DAY

_NAMES = f"^({'|'.join(PREFIXES)})\\.[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}\\.log$"
_NAME: Schema = {"type": "string", "pattern": _NAMES}
_CSV: Schema = {"type": "string", "description": "RFC 4180."}
_NO_FILE = "There is no log file of that name, which also means none of that form."


def _named(text: str, schema: Schema) -> Parameter:
    return in_path("name", text, "deliveries.2026-11-28.log", schema)


DAYS = Operation(
    name="getLogFileDays",
    group="Log files",
    title="The days that have log files",
    reply=json_reply("Days, oldest first.", {"type": "array", "items": DAY}),
)

NAMES_OR_FILE = Operation(
    name="getLogFile",
    group="Log files",
    title="For a day the names of its log files; for a name the file as CSV without the names of its fields",
    parameters=[_named("A day, YYYY-MM-DD, or the name of a log file.", {"anyOf": [KNOWN_DAY, _NAME]})],
    reply=Reply(
        text="Of a day an array of names; else the file.",
        contents={JSON: {"type": "array", "items": _NAME}, "text/csv": _CSV},
    ),
    errors={404: _NO_FILE},
)

FILE = Operation(
    name="getLogFileAs",
    group="Log files",
    title="A log file in a form that is named",
    parameters=[
        _named("The name of a log file.", _NAME),
        in_path(
            "format",
            "header: CSV with the names of the fields in the first line.",
            "header",
            {"enum": ["header", "json", "xml"]},
        ),
    ],
    reply=Reply(
        text="The file. One that could not be completed is cut off.",
        contents={
            "text/csv": _CSV,
            JSON: {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}},
            "text/xml": {"type": "string", "description": "<records><record>, with an element for each field."},
        },
        headers=["X-Content-Type-Options"],
    ),
    errors={404: _NO_FILE},
)
