"""The schema of the body of a send in JSON: every property in every spelling (pure)."""

from typing import Final

from smtpeter.mime.compose import MAX_EXTRA, MAX_NAME, MAX_VALUE
from smtpeter.mime.files import MAX_FILE_NAME, MAX_FILES
from smtpeter.web.api.openapi.operations import Schema
from smtpeter.web.api.openapi.shared import TIME
from smtpeter.web.api.options import MAX_ENVID, MAX_ORCPT

FLAG_TEXT: Final = "^([Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Nn]|1|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]|[Oo][Ff][Ff]|0)?$"
_NOTIFY = r"\s*([Nn][Ee][Vv][Ee][Rr]|[Ff][Aa][Ii][Ll][Uu][Rr][Ee]|[Ss][Uu][Cc][Cc][Ee][Ss][Ss]|[Dd][Ee][Ll][Aa][Yy])\s*"
NOTIFY_TEXT: Final = rf"^({_NOTIFY}(,{_NOTIFY})*|[\s,]*)$"
RET_TEXT: Final = "^([Ff][Uu][Ll][Ll]|[Hh][Dd][Rr][Ss])?$"
_TAG = r"[^\s;,\u0000-\u001f\u007f-\u009f]{1,200}"
TAGS_TEXT: Final = rf"^ *({_TAG})?( *, *({_TAG})?)* *$"
BASE64_TEXT: Final = r"^[A-Za-z0-9+/ \t\r\n]*[= \t\r\n]*$"
EXTRA_NAME: Final = f"^[Xx]-[!-9;-~]{{1,{MAX_NAME - 2}}}$"
ADDRESS_TEXT: Final = r"[^@\s]@[^@\s]"
PRINTABLE: Final = "^[ -~]*$"

_NONE: Schema = {"type": "null"}
_EMPTY: Schema = {"type": "array", "maxItems": 0, "description": "An empty object, as PHP writes it."}
_ADDRESS: Schema = {"type": "string", "pattern": ADDRESS_TEXT}
_PERSONAL: Schema = {"enum": [{}, [], None, ""], "description": "Data of the recipient: not available yet."}


def _text(text: str, **more: object) -> Schema:
    return {"type": ["string", "null"], "description": text, **more}


def _texts(text: str, *, most: int | None = None, **more: object) -> Schema:
    one = {"type": "string", **more}
    array = {"type": "array", "items": one, **({"minItems": 1, "maxItems": most} if most else {})}
    return {"description": text, "anyOf": [one, array, _NONE]}


def _flag(text: str) -> Schema:
    spelled = {"type": "string", "pattern": FLAG_TEXT}
    return {"description": text, "anyOf": [{"type": ["boolean", "null"]}, {"enum": [0, 1]}, spelled]}


def _object(text: str, properties: Schema, **more: object) -> Schema:
    return {"description": text, "anyOf": [{"type": "object", "properties": properties, **more}, _EMPTY, _NONE]}


def _refused(text: str) -> Schema:
    return {"description": f"{text}: not available yet.", "enum": [None, "", [], {}]}


def _given(*names: str) -> Schema:
    """They are there; C{null} counts as absent."""
    return {"required": list(names), "properties": {name: {"not": _NONE} for name in names}}


_RECIPIENT: Schema = {
    "anyOf": [{"type": "string"}, {"type": "object", "propertyNames": _ADDRESS, "additionalProperties": _PERSONAL}]
}
_RECIPIENTS: Schema = {
    "description": "Pure addresses that the mail goes to: a text, also several with commas between; an object with "
    "addresses as names; an array of these. 10 000 at the most, with those under the other name.",
    "anyOf": [*_RECIPIENT["anyOf"], {"type": "array", "items": _RECIPIENT}, _NONE],
}

_FILE: Schema = {
    "title": "File",
    "type": "object",
    "description": "An attached file; with cid an embedded one. Either data or url.",
    "properties": {
        "data": _text("In base64.", contentEncoding="base64", pattern=BASE64_TEXT),
        "url": _text("From where it is fetched before the answer."),
        "name": _text("Its name.", maxLength=MAX_FILE_NAME),
        "type": _text("Its media type; without one that of its name."),
        "cid": _text("Its content id, to which HTML refers by cid:."),
    },
    "anyOf": [{"required": ["data"]}, {"required": ["url"]}],
}

_UNSUBSCRIBE: Schema = {
    "email": _text("An address, for List-Unsubscribe."),
    "url": _text("An http or https URL, for List-Unsubscribe."),
    "oneclick": _flag("Also List-Unsubscribe-Post (RFC 8058); the URL must be https, without one it is ours."),
}

_WAYS_OUT: Final[list[Schema]] = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]

_DSN: Schema = {
    "notify": _texts("NEVER, or a list of FAILURE, SUCCESS and DELAY.", pattern=NOTIFY_TEXT),
    "ret": _text("FULL or HDRS.", pattern=RET_TEXT),
    "envid": _text("An id of the sender's own.", maxLength=MAX_ENVID, pattern=PRINTABLE),
    "orcpt": _text("An address, or addr-type;address.", maxLength=MAX_ORCPT, pattern=PRINTABLE),
}

FLAGS: Final = {
    "inlinecss": "Inline the style sheets; not done unless asked.",
    "trackclicks": "Rewrite links; done unless refused.",
    "clicktracking": "The same as trackclicks, which goes before it.",
    "trackopens": "Add a pixel; done unless refused.",
    "openstracking": "The same as trackopens, which goes before it.",
    "trackbounces": "Put a bounce address of the server in the envelope; done unless refused.",
    "bouncetracking": "The same as trackbounces, which goes before it.",
    "preventscam": "Leave links alone whose visible text is an address; not done unless asked.",
}

SEND: Final[Schema] = {
    "title": "Send",
    "type": "object",
    "description": "A mail: a complete message (mime), or what one is composed of.",
    "properties": {
        "recipient": _RECIPIENTS,
        "recipients": {**_RECIPIENTS, "description": "The same as recipient; both may be there."},
        "envelope": _text("A pure address for bounces; may be empty."),
        "mime": _text(
            "The complete message, instead of what one is composed of: from, subject, attachments and the like.",
            minLength=1,
        ),
        "from": _texts(
            "Exactly one address, with a name or without, of an approved domain.", most=1, pattern=ADDRESS_TEXT
        ),
        "to": _texts("Addresses in the header, with names or without; none of them gets the mail by that."),
        "cc": _texts("Likewise, for Cc."),
        "replyto": _texts("Likewise, for Reply-To."),
        "replyTo": _texts("The same as replyto, which goes before it."),
        "subject": _text("Of the message.", maxLength=MAX_VALUE),
        "text": _text("The content as plain text."),
        "html": _text("The content as HTML."),
        "unsubscribe": {
            "description": "How a reader leaves the list; also just an address, a URL, or an array of both.",
            "anyOf": [*_WAYS_OUT, {"type": "object", "properties": _UNSUBSCRIBE}, _NONE],
        },
        "extra": _object(
            "More header fields.",
            {},
            propertyNames={"pattern": EXTRA_NAME},
            additionalProperties={"type": "string", "maxLength": MAX_VALUE},
            maxProperties=MAX_EXTRA,
        ),
        "attachments": {"description": "Files.", "type": ["array", "null"], "items": _FILE, "maxItems": MAX_FILES},
        **{name: _flag(text) for name, text in FLAGS.items()},
        "images": {
            "description": "Hosted: embedded images are shown from the tracking host.",
            "enum": ["hosted", "default", None],
        },
        "tags": _texts("Tags; a comma divides them, white space and semicolons are in none.", pattern=TAGS_TEXT),
        "dsn": _object("Which reports about the delivery go back (RFC 3461).", _DSN),
        "maxdelivertime": _text("UTC: not delivered after it.", pattern=TIME["pattern"]),
        "template": _refused("A template"),
        "data": _refused("Data for all recipients"),
        "patch": _refused("Changes of a template"),
    },
    "allOf": [
        {"anyOf": [_given("recipient"), _given("recipients")]},
        {"anyOf": [_given("mime"), _given("from", "text"), _given("from", "html")]},
    ],
}
