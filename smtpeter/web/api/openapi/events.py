"""The description of C{/v1/events}."""

from typing import Final, get_args

from smtpeter.events.rows import fields_of
from smtpeter.model.event import EventType
from smtpeter.web.api.openapi.operations import Operation, Parameter, Reply, Schema, in_path, in_query, json_reply
from smtpeter.web.api.openapi.shared import ADDRESS, ASKED_DAY, message_in_path

WINDOW: Final = (
    in_query("start", "The first day, UTC, YYYY-MM-DD. A month from it at the most.", ASKED_DAY),
    in_query("end", "The day before which it ends, UTC, YYYY-MM-DD.", ASKED_DAY),
)

TAGS: Final = in_query(
    "tags", "Only messages with all of these tags, with semicolons between; 20 at the most.", {"type": "string"}
)


def _event(type: EventType) -> Schema:
    names = fields_of(type)
    return {
        "title": f"{type.capitalize()}Event",
        "type": "object",
        "required": ["event", "type", "data"],
        "properties": {
            "event": {"const": type},
            "type": {"const": type, "description": "The same."},
            "data": {
                "type": "object",
                "required": list(names),
                "properties": {name: {"type": "string"} for name in names},
                "additionalProperties": False,
            },
        },
        "additionalProperties": False,
    }


EVENTS: Final[Schema] = {
    "title": "Events",
    "type": "array",
    "description": "Oldest first. All values are texts; what is not known is empty.",
    "maxItems": 1000,
    "items": {"oneOf": [_event(type) for type in get_args(EventType)]},
}

_PARAMETERS: Final[tuple[Parameter, ...]] = (
    *WINDOW,
    in_query(
        "extended", "1, true, yes or on: also the types of events that log files do not have.", {"type": "string"}, "1"
    ),
    in_query(
        "cursor",
        "Where to go on, from the Link of an answer.",
        {"type": "string", "pattern": r"^([0-9]{1,11}(\.[0-9]{1,12})?_[0-9]{1,18})?$"},
    ),
)

_REPLY: Reply = json_reply("The events, 1000 at the most.", EVENTS, "Link")


def _operation(name: str, title: str, parameter: Parameter) -> Operation:
    return Operation(
        name=name,
        group="Events",
        title=title,
        parameters=[parameter, *_PARAMETERS, TAGS],
        reply=_REPLY,
        errors={404: "There is no message of that id, or no id at all."},
    )


OF_MESSAGE = _operation("getEventsOfMessage", "What happened to a message", message_in_path())
OF_ADDRESS = _operation(
    "getEventsOfAddress",
    "What happened to the mail for an address",
    in_path("address", "An address.", "joe@example.net", ADDRESS),
)
OF_TEMPLATE = _operation(
    "getEventsOfTemplate",
    "What happened to the mail made from a template",
    in_path("id", "The id of a template.", "0", {"type": "string", "pattern": "^[0-9]{1,18}$"}),
)
OF_TAGS = _operation(
    "getEventsOfTags",
    "What happened to the mail that has all of some tags",
    in_path("names", "Tags with semicolons between.", "spring;news"),
)
