"""The description of C{POST /v1/preview}."""

from typing import Final

from smtpeter.web.api.openapi.operations import FORM, JSON, Body, Operation, Schema, json_reply
from smtpeter.web.api.openapi.send_form import SEND_FORM
from smtpeter.web.api.openapi.send_json import SEND

_TEXT: Schema = {"type": "string"}

_SIGNATURE: Schema = {
    "title": "Signature",
    "type": ["object", "null"],
    "description": "Where the key of the DKIM signature is found; null without a signature.",
    "required": ["domain", "selector"],
    "properties": {"domain": _TEXT, "selector": _TEXT},
    "additionalProperties": False,
}

SHOWN: Final[Schema] = {
    "title": "Preview",
    "type": "object",
    "required": ["recipient", "envelope", "dkim", "warnings", "links", "html", "mime", "encoding"],
    "properties": {
        "recipient": _TEXT,
        "envelope": {**_TEXT, "description": "The envelope sender."},
        "dkim": _SIGNATURE,
        "warnings": {"type": "array", "items": _TEXT},
        "links": {
            "type": "object",
            "additionalProperties": _TEXT,
            "description": "Where each tracked link leads, by the address in the HTML.",
        },
        "html": {"type": ["string", "null"], "description": "What a reader sees."},
        "mime": {**_TEXT, "description": "The whole message, in the encoding."},
        "encoding": {"enum": ["utf-8", "base64"]},
    },
    "additionalProperties": False,
}

PREVIEW = Operation(
    name="preview",
    group="Send",
    title="Show what a send would send",
    text="It takes the body of a send, for 10 recipients at the most. Nothing is sent or stored.",
    body=Body(contents={JSON: SEND, FORM: SEND_FORM}),
    reply=json_reply(
        "The messages.",
        {
            "type": "object",
            "required": ["messages"],
            "properties": {"messages": {"type": "array", "items": SHOWN, "minItems": 1, "maxItems": 10}},
            "additionalProperties": False,
        },
    ),
    errors={
        413: "The body, the message, or all that would be shown is too large.",
        429: "Too many previews are wanted at once, or too many unknown tokens came from this address.",
    },
)
