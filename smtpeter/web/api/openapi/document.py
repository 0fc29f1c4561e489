"""
Makes the OpenAPI document of the routes that there are (pure).

Method, path and scope are those of the routes themselves, so they cannot differ from what is served.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from smtpeter.model.account import SCOPES
from smtpeter.web.api.openapi.operations import JSON, Body, Operation, Parameter, Reply, Schema, json_reply
from smtpeter.web.api.openapi.shared import ALWAYS, ERROR, ERROR_HEADERS, ERRORS, HEADERS
from smtpeter.web.api.routes import Route

DOCUMENT_PATH: Final = "/openapi.json"
API_VERSION: Final = "1"

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")

_TEXT = """\
Every address also answers OPTIONS, and HEAD where it takes GET. A slash at the end of an address does not count.
Other methods get 405, whose Allow names those that there are. Errors are JSON on every address.
Unknown values of a query and unknown properties of a body are ignored; a property that is null counts as absent.
"""

_SELF = Operation(
    name="getDescription",
    group="Description",
    title="This document",
    text="No token is needed.",
    reply=json_reply("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "info", "paths"]}),
)


class Unfit(ValueError):
    """Descriptions contradict each other or their route."""


def make_document(routes: Sequence[Route]) -> dict[str, Any]:
    """
    Describe all routes that have a description, and the document itself.

    @raise Unfit: names are used twice for different things, or a path and its parameters differ.
    """
    paths: dict[str, dict[str, Any]] = {DOCUMENT_PATH: {"get": {**_operation(_SELF, (400, 500)), "security": []}}}
    for route in routes:
        if route.described is not None:
            path = _VARIABLE.sub(r"{\1}", route.path)
            paths.setdefault(path, {})[route.method.lower()] = _of_route(path, route, route.described)
    _check_names(paths)
    schemas: dict[str, Any] = {}
    components = {
        "headers": HEADERS,
        "responses": {name_of(status): _error(status, text) for status, text in ERRORS.items()},
        "securitySchemes": _schemes(),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "SMTPeter", "version": API_VERSION, "description": _TEXT},
        "servers": [{"url": "/v1"}],
        "tags": [{"name": name} for name in dict.fromkeys(_groups(paths))],
        "paths": _collected(paths, schemas),
        "components": {**_collected(components, schemas), "schemas": schemas},
    }


def name_of(status: int) -> str:
    """Under what name the answer with an error status stands among the components."""
    return f"Error{status}"


def _of_route(path: str, route: Route, described: Operation) -> dict[str, Any]:
    variable = [one.name for one in described.parameters if one.place == "path"]
    if variable != re.findall(r"{(\w+)}", path) or bool(variable) > (404 in described.errors):
        raise Unfit(f"{route.method} {path} is not what is described: {variable}")
    statuses = (*ALWAYS, *((413,) if described.body else ()))
    scope = [route.scope]
    return {**_operation(described, statuses), "security": [{"bearer": scope}, {"access_token": scope}]}


def _operation(described: Operation, statuses: Iterable[int]) -> dict[str, Any]:
    errors = {**{status: ERRORS[status] for status in statuses}, **described.errors}
    shown: dict[str, Any] = {
        "operationId": described.name,
        "tags": [described.group],
        "summary": described.title,
        "responses": {
            str(described.reply.status): _reply(described.reply),
            **{str(one): _shared(one, errors[one]) for one in sorted(errors)},
        },
    }
    if described.text:
        shown["description"] = described.text
    if described.parameters:
        shown["parameters"] = list(map(_parameter, described.parameters))
    if described.body:
        shown["requestBody"] = _body(described.body)
    return shown


def _parameter(one: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": one.name, "in": one.place, "description": one.text, "schema": one.schema}
    if one.place == "path":
        shown["required"] = True
    return shown if one.example is None else {**shown, "example": one.example}


def _body(body: Body) -> dict[str, Any]:
    contents: dict[str, dict[str, Any]] = {type: {"schema": schema} for type, schema in body.contents.items()}
    if body.examples:
        contents[JSON]["examples"] = {name: {"value": value} for name, value in body.examples.items()}
    return {"required": True, "content": contents}


def _reply(reply: Reply) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": reply.text,
        "content": {type: {"schema": schema} for type, schema in reply.contents.items()},
    }
    return {**shown, "headers": _headers(reply.headers)} if reply.headers else shown


def _shared(status: int, text: str) -> dict[str, Any]:
    if ERRORS.get(status) == text:
        return {"$ref": f"#/components/responses/{name_of(status)}"}
    return _error(status, text)


def _error(status: int, text: str) -> dict[str, Any]:
    shown = {"description": text, "content": {JSON: {"schema": ERROR}}}
    name = ERROR_HEADERS.get(status)
    return {**shown, "headers": _headers([name])} if name else shown


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schemes() -> dict[str, Any]:
    scopes = f"A token has some of the scopes {', '.join(SCOPES)}."
    query = "The same; the header is better, since addresses end up in logs."
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": f"Authorization: Bearer TOKEN. {scopes}"},
        "access_token": {"type": "apiKey", "in": "query", "name": "access_token", "description": query},
    }


def _groups(paths: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    return (tag for methods in paths.values() for one in methods.values() for tag in one["tags"])


def _check_names(paths: Mapping[str, Mapping[str, Any]]) -> None:
    names = [one["operationId"] for methods in paths.values() for one in methods.values()]
    if len(set(names)) < len(names):
        raise Unfit(f"an operation's name is used twice: {sorted(names)}")


def _collected(value: Any, schemas: dict[str, Any]) -> Any:
    """The value with a reference in the place of each schema that has a title."""
    if isinstance(value, Mapping):
        title = value.get("title")
        if isinstance(title, str) and "type" in value:
            return _referred(title, value, schemas)
        return {name: _collected(one, schemas) for name, one in value.items()}
    return [_collected(one, schemas) for one in value] if isinstance(value, list | tuple) else value


def _referred(title: str, schema: Schema, schemas: dict[str, Any]) -> dict[str, str]:
    shown = {name: _collected(one, schemas) for name, one in schema.items()}
    if schemas.setdefault(title, shown) != shown:
        raise Unfit(f"{title} means two things")
    return {"$ref": f"#/components/schemas/{title}"}
