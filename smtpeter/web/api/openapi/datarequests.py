"""The description of C{/v1/datarequest}."""

from typing import Final

from smtpeter.fetch.targets import MAX_URL
from smtpeter.web.api.openapi.operations import (
    FORM,
    JSON,
    Body,
    Operation,
    Parameter,
    Reply,
    Schema,
    in_path,
    json_reply,
)
from smtpeter.web.api.openapi.send_form import KEYS
from smtpeter.web.api.openapi.shared import ADDRESS

_ID: Schema = {"type": "string", "pattern": "^[0-9a-v]{20}$"}
_MONITOR_TEXTS: Final[list[Schema]] = [
    ADDRESS,
    {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://", "format": "iri", "maxLength": MAX_URL},
    {"const": ""},
]
_MONITOR: Final = {
    "description": "Who is told when all is gathered: a URL gets the answer by POST, an e-mail address in a letter.",
    "examples": ["https://shop.example/told", "privacy@shop.example"],
}

_ASKED: Schema = {
    "title": "DataRequest",
    "type": "object",
    "required": ["email"],
    "properties": {"email": ADDRESS, "monitor": {**_MONITOR, "anyOf": [*_MONITOR_TEXTS, {"type": "null"}]}},
}
_ASKED_FORM: Schema = {
    **_ASKED,
    "title": "DataRequestForm",
    "properties": {"email": ADDRESS, "monitor": {**_MONITOR, "anyOf": _MONITOR_TEXTS}},
    "propertyNames": KEYS,
}

FOUND: Final[Schema] = {
    "title": "Dossier",
    "type": "object",
    "required": ["info", "data"],
    "properties": {
        "info": {
            "type": "object",
            "required": ["type", "id"],
            "properties": {"type": {"const": "email"}, "id": {"type": "string", "description": "The address."}},
            "additionalProperties": False,
        },
        "data": {
            "description": "An array for each message; a text until all is gathered.",
            "anyOf": [
                {"type": "array", "items": {"type": "array", "items": {"type": "object"}}},
                {"const": "Data not available (yet)."},
            ],
        },
    },
    "additionalProperties": False,
}

_STATUS: Schema = {
    "type": "object",
    "required": ["status", "available", "content-type"],
    "properties": {
        "status": {"enum": ["pending", "available"]},
        "available": {"type": "integer", "minimum": 0, "description": "Bytes so far."},
        "content-type": {"const": JSON},
    },
    "additionalProperties": False,
}

_UNKNOWN: Final = {404: "There is no data request of that id, or its answer is kept no longer."}


def _id() -> Parameter:
    return in_path("id", "The id of a data request.", "06h29dtr0o0603b1qgng")


ASK = Operation(
    name="askForData",
    group="Data requests",
    title="Ask for everything that is known about an address",
    text="It is gathered in the background.",
    body=Body(
        contents={JSON: _ASKED, FORM: _ASKED_FORM},
        examples={
            "one": {"email": "joe@example.net"},
            "monitored": {"email": "joe@example.net", "monitor": "privacy@shop.example"},
        },
    ),
    reply=Reply(
        text="The id of the data request.",
        status=201,
        contents={JSON: {"type": "object", "required": ["id"], "properties": {"id": _ID}}},
        headers=["Location"],
    ),
    errors={429: "Too many data requests of the account are not answered yet, or too many unknown tokens came."},
)

ANSWER = Operation(
    name="getData",
    group="Data requests",
    title="What is known about an address",
    parameters=[_id()],
    reply=json_reply("What was found, or that it is not complete.", FOUND),
    errors=_UNKNOWN,
)

STATUS = Operation(
    name="getDataStatus",
    group="Data requests",
    title="Whether a data request is answered",
    parameters=[_id()],
    reply=json_reply("Whether it is, and how much there is.", _STATUS),
    errors=_UNKNOWN,
)
