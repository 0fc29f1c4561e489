"""The description of C{/v1/tag}, C{/v1/recent-tags} and C{/v1/statistics}."""

from typing import Final

from smtpeter.events.series import COUNTED, STEPS
from smtpeter.web.api.openapi.events import TAGS, WINDOW
from smtpeter.web.api.openapi.operations import Operation, Schema, in_path, in_query, json_reply
from smtpeter.web.api.openapi.shared import NOTHING, TIME

_DOMAIN: Schema = {"type": "string", "format": "idn-hostname"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNTS = ("all_opens", "unique_opens", "all_clicks", "unique_clicks", "messages", "deliveries")

TOTALS: Final[Schema] = {
    "title": "TagTotals",
    "type": "object",
    "required": ["tag", "first", "last", *_COUNTS],
    "properties": {
        "tag": {"type": "string"},
        "first": {**TIME, "description": "Of its first event, UTC."},
        "last": {**TIME, "description": "Of its last event, UTC."},
        **dict.fromkeys(_COUNTS, _COUNT),
    },
    "additionalProperties": False,
}

STATISTICS: Final[Schema] = {
    "title": "Statistics",
    "type": "object",
    "required": ["start", "end", "interval", "series"],
    "properties": {
        "start": TIME,
        "end": {**TIME, "description": "Not included."},
        "interval": {"enum": list(STEPS)},
        "series": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["time", *COUNTED],
                "properties": {"time": TIME, **dict.fromkeys(COUNTED, _COUNT)},
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}

TAG = Operation(
    name="getTag",
    group="Statistics",
    title="What the messages with a tag have come to",
    parameters=[in_path("tag", "The tag; a slash in it may stand as it is.", "spring")],
    reply=json_reply("Its totals.", TOTALS),
    errors={404: "No message has that tag."},
)

RECENT_TAGS = Operation(
    name="getRecentTags",
    group="Statistics",
    title="The ten tags with the latest events",
    reply=json_reply("Their totals.", {"type": "array", "items": TOTALS, "maxItems": 10}),
)

SERIES = Operation(
    name="getStatistics",
    group="Statistics",
    title="What happened in each hour or day of a period",
    parameters=[
        *WINDOW,
        in_query("interval", "Day if not said.", {"enum": [*STEPS, ""]}),
        TAGS,
        in_query("domain", "Only recipients at that domain.", {"anyOf": [_DOMAIN, NOTHING]}, "example.net"),
    ],
    reply=json_reply("Numbers for every part of the period, also where nothing happened.", STATISTICS),
)
