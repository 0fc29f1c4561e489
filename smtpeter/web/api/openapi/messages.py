"""The description of what is read of a message."""

from collections.abc import Mapping
from typing import Final

from smtpeter.web.api.openapi.operations import Operation, Reply, Schema, in_path, json_reply, text_reply
from smtpeter.web.api.openapi.shared import message_in_path

_UNKNOWN = "There is no message of that id, it is kept no longer, or it has no such part."

_COLUMNS: Mapping[str, Schema] = {
    "number": {"type": "integer", "minimum": 0},
    "name": {"type": "string"},
    "type": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
    "size": {"type": "integer", "minimum": 0, "description": "Bytes."},
}


def _files(title: str, columns: Mapping[str, Schema]) -> Schema:
    file = {"title": title, "type": "object", "required": list(columns), "properties": columns}
    return {"type": "array", "items": {**file, "additionalProperties": False}}


ATTACHMENTS: Final = _files("Attachment", _COLUMNS)
EMBEDS: Final = _files("Embed", {**_COLUMNS, "cid": {"type": "string", "description": "Its content id."}})

_TEXTS = {
    "recipient": ("getRecipient", "The address that a message went to"),
    "envelope": ("getEnvelope", "The envelope address as it was given, possibly empty"),
    "text": ("getText", "The text of a message, decoded"),
    "html": ("getHtml", "The HTML of a message, decoded"),
    "headers": ("getHeaders", "The header of a message as it was sent"),
    "header": ("getHeader", "The same as headers"),
    "mime": ("getMime", "A whole message as it was sent"),
}


def _read(name: str, title: str, reply: Reply) -> Operation:
    return Operation(
        name=name, group="Messages", title=title, parameters=[message_in_path()], reply=reply, errors={404: _UNKNOWN}
    )


def _file(name: str, kind: str, text: str) -> Operation:
    return Operation(
        name=name,
        group="Messages",
        title=f"One of the {kind} files of a message",
        parameters=[message_in_path(), in_path("which", text, "0")],
        reply=Reply(
            text="The file, with the type that it has in the message.",
            contents={"*/*": {"type": "string", "format": "binary"}},
            headers=["X-Content-Type-Options", "Content-Disposition"],
        ),
        errors={404: _UNKNOWN},
    )


MESSAGES: Final[Mapping[str, Operation]] = {
    **{name: _read(call, title, text_reply(f"{title}.")) for name, (call, title) in _TEXTS.items()},
    "attachments": _read("getAttachments", "The attached files of a message", json_reply("The files.", ATTACHMENTS)),
    "embeds": _read("getEmbeds", "The embedded files of a message", json_reply("The files.", EMBEDS)),
}
"""By the first segment of the path."""

FILES: Final[Mapping[str, Operation]] = {
    "attachments": _file("getAttachment", "attached", "Its name, or its number from zero."),
    "embeds": _file("getEmbed", "embedded", "Its name, its number from zero, or its content id."),
}
"""Likewise."""
