"""The description of C{/v1/suppressions}."""

from typing import Final

from smtpeter.model.suppression import SuppressionReason
from smtpeter.web.api.openapi.operations import FORM, JSON, Body, Operation, Schema, in_path, in_query, json_reply
from smtpeter.web.api.openapi.send_form import KEYS
from smtpeter.web.api.openapi.shared import ADDRESS, NOTHING, TIME

_REASONS: Final = [reason.value for reason in SuppressionReason]
_TEXT: Schema = {"type": "string"}

ENTRY: Final[Schema] = {
    "title": "Suppression",
    "type": "object",
    "required": ["address", "reason", "time", "event", "message", "description"],
    "properties": {
        "address": {**_TEXT, "description": "In lower case, its domain as A-labels."},
        "reason": {"enum": _REASONS},
        "time": {**TIME, "description": "UTC."},
        "event": {"enum": ["failure", "abuse", "unsubscribe", ""], "description": "What led to it, if a message did."},
        "message": {**_TEXT, "description": "The id of that message."},
        "description": _TEXT,
    },
    "additionalProperties": False,
}

_ADDED: Schema = {
    "title": "Suppress",
    "type": "object",
    "required": ["address"],
    "properties": {
        "address": ADDRESS,
        "reason": {"enum": [*_REASONS, "", None], "description": "Manual if not said."},
        "description": {"type": ["string", "null"], "description": "Of up to 500 characters; more are cut."},
    },
}
_ADDED_FORM: Schema = {
    **_ADDED,
    "title": "SuppressForm",
    "properties": {"address": ADDRESS, "reason": {"enum": [*_REASONS, ""]}, "description": _TEXT},
    "propertyNames": KEYS,
}

_ADDRESS = in_path("address", "An address.", "eve@example.net", ADDRESS)
_NOT_LISTED: Final = {404: "The address is not on the list."}

ALL = Operation(
    name="getSuppressions",
    group="Suppressions",
    title="The suppression list, by address",
    parameters=[
        in_query("reason", "Only entries with that reason.", {"anyOf": [{"enum": _REASONS}, NOTHING]}),
        in_query("cursor", "Where to go on, from the Link of an answer.", _TEXT),
    ],
    reply=json_reply("Its entries, 1000 at the most.", {"type": "array", "items": ENTRY, "maxItems": 1000}, "Link"),
)

ONE = Operation(
    name="getSuppression",
    group="Suppressions",
    title="The entry of an address",
    parameters=[_ADDRESS],
    reply=json_reply("Its entry.", ENTRY),
    errors=_NOT_LISTED,
)

ADD = Operation(
    name="addSuppression",
    group="Suppressions",
    title="Put an address on the list",
    text="An entry that is there stays, unless the new reason is the recipient's own will and the old one is not.",
    body=Body(contents={JSON: _ADDED, FORM: _ADDED_FORM}, examples={"one": {"address": "eve@example.net"}}),
    reply=json_reply("Its entry.", ENTRY),
)

REMOVE = Operation(
    name="removeSuppression",
    group="Suppressions",
    title="Take an address off the list",
    parameters=[_ADDRESS],
    reply=json_reply(
        "The address as it stood there.", {"type": "object", "required": ["removed"], "properties": {"removed": _TEXT}}
    ),
    errors=_NOT_LISTED,
)
