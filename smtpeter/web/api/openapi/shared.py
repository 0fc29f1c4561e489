"""What operations have in common: errors, header fields, ids, days (pure)."""

from collections.abc import Mapping
from typing import Any, Final

from smtpeter.web.api.openapi.operations import Parameter, Schema, in_path

FAULT: Final[Schema] = {
    "title": "Fault",
    "type": "object",
    "description": "One thing that is wrong.",
    "required": ["message"],
    "properties": {
        "message": {"type": "string", "minLength": 1, "description": "A sentence."},
        "field": {"type": "string", "minLength": 1, "description": "The place, as in recipients[2]."},
    },
    "additionalProperties": False,
}

ERROR: Final[Schema] = {
    "title": "Error",
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": FAULT,
        "errors": {
            "type": "array",
            "items": FAULT,
            "minItems": 2,
            "description": "All faults where there are several; the first of them is error.",
        },
    },
    "additionalProperties": False,
}

HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Retry-After": {
        "description": "After how many seconds to come again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "required": True,
        "schema": {"const": "Bearer"},
    },
    "Link": {
        "description": 'Where there is more: <address of the next page>; rel="next". The token is to be added.',
        "schema": {"type": "string", "pattern": '^</v1/[^>]+>; rel="next"$'},
    },
    "Location": {
        "description": "Where what was made is found.",
        "required": True,
        "schema": {"type": "string", "pattern": "^/v1/[^ ]+$"},
    },
    "X-Content-Type-Options": {
        "description": "The type is what Content-Type says.",
        "required": True,
        "schema": {"const": "nosniff"},
    },
    "Content-Disposition": {
        "description": "The name of the file (RFC 6266).",
        "required": True,
        "schema": {"type": "string", "pattern": "^attachment"},
    },
}

ERRORS: Final[Mapping[int, str]] = {
    400: "The request cannot be understood or done as it is; also over plain HTTP.",
    401: "There is no token, or it is not known.",
    403: "The token lacks the scope, or the account may not send.",
    409: "The Idempotency-Key was used for another request, or its request is being done.",
    413: "The body or the message is too large.",
    429: "Too many unknown tokens came from this address, and this one is unknown too.",
    500: "A fault of the server; its log has the reason.",
    503: "The store is busy or full, or too much is coming in: nothing was changed; or the server is being stopped.",
}

ERROR_HEADERS: Final[Mapping[int, str]] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}

ALWAYS: Final = (400, 401, 403, 429, 500, 503)
"""Every operation with a token may answer these."""

MESSAGE_ID: Final[Schema] = {
    "title": "MessageId",
    "type": "string",
    "pattern": "^[0-9a-v]{20}$",
    "description": "The id of a message, as a send has answered it.",
    "examples": ["06h28ck82o060369angg"],
}

TIME: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"}
"""UTC."""

DAY: Final[Schema] = {"type": "string", "format": "date"}

KNOWN_DAY: Final[Schema] = {**DAY, "pattern": "^(19[7-9][0-9]|[2-8][0-9]{3})-"}
"""1970 to 8999."""

NOTHING: Final[Schema] = {"const": "", "description": "As if it were not there."}

ASKED_DAY: Final[Schema] = {"anyOf": [KNOWN_DAY, NOTHING]}
"""Of the query."""

ADDRESS: Final[Schema] = {"type": "string", "format": "idn-email"}
"""A pure address."""


def message_in_path() -> Parameter:
    """The id of a message; whatever is none is 404."""
    return in_path("id", "The id of a message.", "06h28ck82o060369angg")
