"""
The schema of the body of a send as form data (pure).

A key that is there several times is an array, and so are C{key[]} and C{key[0]}; C{key[name]} is a member of an object.
"""

from typing import Any, Final

from smtpeter.web.api.forms import MAX_DEPTH
from smtpeter.web.api.openapi.operations import Schema
from smtpeter.web.api.openapi.send_json import FLAG_TEXT, FLAGS, NOTIFY_TEXT, PRINTABLE, RET_TEXT, SEND

_ARRAYS = ("recipient", "recipients", "from", "to", "cc", "replyto", "replyTo", "tags", "unsubscribe")
_TEXTS = ("envelope", "mime", "subject", "text", "html", "maxdelivertime")
_FILE = r"^attachments\[[0-9]*\]\[(data|url|name|type|cid)\]$"

KEYS: Final[Schema] = {"pattern": rf"^[^\[\]]+(\[[^\[\]]*\]){{0,{MAX_DEPTH - 1}}}$"}
"""Of a form: a name, and members in brackets."""

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "string", "pattern": FLAG_TEXT}


def _told(name: str) -> dict[str, Any]:
    return {"description": SEND["properties"][name]["description"]}


def _array(name: str) -> Schema:
    return {**_told(name), "anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}


SEND_FORM: Final[Schema] = {
    "title": "SendForm",
    "type": "object",
    "description": "As Send, with every value a text. Repeated keys and key[] are arrays, key[name] is a member.",
    "properties": {
        **{name: _array(name) for name in _ARRAYS},
        **{name: {**_told(name), **_TEXT} for name in _TEXTS},
        **{name: {**_FLAG, "description": text} for name, text in FLAGS.items()},
        "images": {**_told("images"), "enum": ["hosted", "default"]},
        "unsubscribe[email]": _TEXT,
        "unsubscribe[url]": _TEXT,
        "unsubscribe[oneclick]": _FLAG,
        "dsn[notify]": {"anyOf": [{**_TEXT, "pattern": NOTIFY_TEXT}, {"type": "array", "items": _TEXT}]},
        "dsn[ret]": {**_TEXT, "pattern": RET_TEXT},
        "dsn[envid]": {**_TEXT, "pattern": PRINTABLE},
        "dsn[orcpt]": {**_TEXT, "pattern": PRINTABLE},
    },
    "propertyNames": KEYS,
    "patternProperties": {
        rf"^({'|'.join(_ARRAYS)})\[[0-9]*\]$": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        r"^extra\[[Xx]-[^\[\]]+\]$": _TEXT,
        _FILE: _TEXT,
    },
}
