"""The description of C{POST /v1/send} and C{/v1/resend}."""

from typing import Final

from smtpeter.web.api.once import MAX_KEY
from smtpeter.web.api.openapi.operations import FORM, JSON, Body, Operation, Parameter, Schema, json_reply
from smtpeter.web.api.openapi.send_form import KEYS, SEND_FORM
from smtpeter.web.api.openapi.send_json import SEND
from smtpeter.web.api.openapi.shared import ERRORS, MESSAGE_ID

SENT: Final[Schema] = {
    "title": "Sent",
    "type": "object",
    "description": "The recipients by the ids of their messages.",
    "propertyNames": MESSAGE_ID,
    "additionalProperties": {"type": "string"},
    "minProperties": 1,
}

_RESEND: Schema = {
    "title": "Resend",
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": "string", "minLength": 1, "description": "The id of a message."}},
}

_RESEND_FORM: Schema = {**_RESEND, "title": "ResendForm", "propertyNames": KEYS}

_ONCE = Parameter(
    name="Idempotency-Key",
    place="header",
    text="Within a day the same request under the same key gets the first answer and sends nothing again.",
    schema={"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    example="order-5-shipped",
)

_EXAMPLES = {
    "composed": {
        "recipients": ["joe@example.net"],
        "from": "The Shop <news@shop.example>",
        "to": "Joe <joe@example.net>",
        "subject": "Your order",
        "text": "It is on its way.",
        "html": '<p>It is on its <a href="https://shop.example/orders/5">way</a>.</p>',
        "attachments": [{"data": "aGVsbG8=", "name": "hello.txt", "type": "text/plain"}],
        "tags": ["orders"],
        "trackclicks": False,
    },
    "mime": {
        "recipient": "joe@example.net, ann@example.net",
        "mime": "From: news@shop.example\nTo: joe@example.net\nSubject: Spring\n\nHello\n",
        "dsn": {"notify": "FAILURE,DELAY", "ret": "HDRS"},
        "maxdelivertime": "2099-12-31 23:59:59",
    },
}

SEND_MAIL = Operation(
    name="send",
    group="Send",
    title="Send a mail to one or many recipients",
    text="The answer comes when the mail is on stable storage, for all recipients or for none.",
    parameters=[_ONCE],
    body=Body(contents={JSON: SEND, FORM: SEND_FORM}, examples=_EXAMPLES),
    reply=json_reply("The ids of its messages.", SENT),
    errors={409: ERRORS[409]},
)

SEND_AGAIN = Operation(
    name="resend",
    group="Send",
    title="Send a message to its recipient again",
    text="With the same content and options, under a new id.",
    parameters=[_ONCE],
    body=Body(contents={JSON: _RESEND, FORM: _RESEND_FORM}),
    reply=json_reply("The new id.", SENT),
    errors={404: "There is no message of that id, or its content is kept no longer.", 409: ERRORS[409]},
)
