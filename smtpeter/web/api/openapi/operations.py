"""What is told of an operation: its parameters, its body, its answers (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from attrs import frozen

Schema = Mapping[str, Any]
"""A JSON Schema (2020-12). One with a C{title} stands once, under that name, among the components."""

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
TEXT: Final = "text/plain"


@frozen(kw_only=True)
class Parameter:
    """A part of the path, a value of the query, a field of the header."""

    name: str
    place: Literal["path", "query", "header"]
    text: str
    schema: Schema
    example: object = None


@frozen(kw_only=True)
class Body:
    """
    What is sent.

    @ivar contents: schemas by content type.
    @ivar examples: whole bodies in JSON, by name; all of them are granted.
    """

    contents: Mapping[str, Schema]
    examples: Mapping[str, object] = {}


@frozen(kw_only=True)
class Reply:
    """
    An answer that is no error.

    @ivar status: the HTTP status.
    @ivar contents: schemas by content type.
    @ivar headers: names of header fields, of L{smtpeter.web.api.openapi.shared.HEADERS}.
    """

    text: str
    contents: Mapping[str, Schema]
    headers: Sequence[str] = ()
    status: int = 200


@frozen(kw_only=True)
class Operation:
    """
    A method on a path.

    @ivar name: unique; clients that are generated call it so.
    @ivar group: under which heading it stands.
    @ivar reply: where all went well.
    @ivar errors: what it may answer beside what all operations may, by status; a path with variable parts needs 404.
    """

    name: str
    group: str
    title: str
    reply: Reply
    text: str = ""
    parameters: Sequence[Parameter] = ()
    body: Body | None = None
    errors: Mapping[int, str] = {}


def in_path(name: str, text: str, example: object = None, schema: Schema | None = None) -> Parameter:
    """A variable part of the path."""
    shown = schema or {"type": "string", "minLength": 1}
    return Parameter(name=name, place="path", text=text, schema=shown, example=example)


def in_query(name: str, text: str, schema: Schema, example: object = None) -> Parameter:
    """A value of the query; none has to be there."""
    return Parameter(name=name, place="query", text=text, schema=schema, example=example)


def json_reply(text: str, schema: Schema, *headers: str) -> Reply:
    """JSON."""
    return Reply(text=text, contents={JSON: schema}, headers=headers)


def text_reply(text: str) -> Reply:
    """Plain text, of a message."""
    return Reply(text=text, contents={TEXT: {"type": "string"}}, headers=("X-Content-Type-Options",))
