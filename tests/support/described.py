"""
The description of the API as schemathesis gets it.

What a schema cannot say is added where it stands: which ids there are, and of what form texts are that are addresses,
base64 or a date. Nothing is allowed that the description does not allow, so all that is made by it has to be granted.
"""

import copy
from collections.abc import Mapping
from typing import Any

from smtpeter.web.api.openapi.shared import MESSAGE_ID

FORMS = {
    **dict.fromkeys(("envelope", "email"), "pure-address"),
    **dict.fromkeys(("recipient", "recipients"), "pure-addresses"),
    "from": "mailbox",
    **dict.fromkeys(("to", "cc", "replyto", "replyTo"), "mailboxes"),
    **dict.fromkeys(("subject", "extra"), "line"),
    **dict.fromkeys(("text", "html"), "some-text"),
    "name": "file-name",
    "data": "base64",
    "type": "media-type",
    "cid": "content-id",
    **dict.fromkeys(("url", "unsubscribe"), "https-url"),
    "notify": "notify",
    "orcpt": "orcpt",
}
"""Of texts, by the property that they stand in."""


DAYS = {"start": "^(19[7-9]|20)", "end": "^[3-8]"}


def known(document: Mapping[str, Any], things: Mapping[str, str]) -> dict[str, Any]:
    """
    With things that are there: often one of them is asked for. Windows of time begin before they end.

    @param things: by what the document shows in their place as an example.
    """
    found = copy.deepcopy(dict(document))
    for parameter in (one for methods in found["paths"].values() for one in _parameters(methods)):
        thing = things.get(parameter.get("example", ""))
        if parameter["in"] == "path" and thing is not None:
            parameter["schema"] = {"anyOf": [{"const": thing}, parameter["schema"]]}
            parameter["example"] = thing
        if parameter["name"] in DAYS:
            parameter["schema"]["anyOf"][0]["pattern"] = DAYS[parameter["name"]]
    for name in ("DataRequest", "DataRequestForm"):
        # A URL would be asked.
        monitor = found["components"]["schemas"][name]["properties"]["monitor"]
        monitor["anyOf"] = [one for one in monitor["anyOf"] if one.get("format") != "iri"]
        monitor["examples"] = [one for one in monitor["examples"] if "@" in one]
    for name in ("Resend", "ResendForm"):
        found["components"]["schemas"][name]["properties"]["message"] = {"const": things[MESSAGE_ID["examples"][0]]}
    return found


def composed(document: Mapping[str, Any], recipients: str, content: str) -> dict[str, Any]:
    """
    The send of a composed message in JSON alone, with the forms of its texts.

    @param recipients: C{recipient} or C{recipients}; the other is absent.
    @param content: C{text} or C{html}; the other is absent.
    """
    found = copy.deepcopy(dict(document))
    found["paths"] = {"/send": found["paths"]["/send"]}
    bodies = found["paths"]["/send"]["post"]["requestBody"]["content"]
    del bodies["application/x-www-form-urlencoded"], bodies["application/json"]["examples"]
    schemas = found["components"]["schemas"]
    for schema in (schemas["Send"], schemas["File"]):
        _form(schema["properties"])
    send = schemas["Send"]
    # A key would be used again with another body, which is 409.
    found["paths"]["/send"]["post"]["parameters"] = []
    schemas["Send"]["properties"]["maxdelivertime"] = {"enum": ["2099-12-31 23:59:59", "2096-02-29 00:00:00", None]}
    properties = send["properties"]
    properties["mime"] = {"type": "null"}
    del send["allOf"], properties["html" if content == "text" else "text"]
    del properties["recipient" if recipients == "recipients" else "recipients"]
    send["required"] = [recipients, "from", content]
    properties[content]["type"] = "string"
    for name in (recipients, "from"):
        properties[name]["anyOf"] = [one for one in properties[name]["anyOf"] if one["type"] == "string"]
    # A file has its data with it: nothing is fetched.
    schemas["File"]["properties"]["url"] = {"type": "null"}
    schemas["File"]["required"] = ["data"]
    schemas["File"]["properties"]["data"]["type"] = "string"
    del schemas["File"]["anyOf"]
    # One-click needs a URL, and of several ways out only one may be a URL.
    _, array, members, _ = properties["unsubscribe"]["anyOf"]
    array["maxItems"] = 1
    del members["properties"]["oneclick"]
    return found


def _parameters(methods: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [parameter for operation in methods.values() for parameter in operation.get("parameters", ())]


def _form(properties: Mapping[str, Any]) -> None:
    for name, schema in properties.items():
        _mark(schema, FORMS.get(name))


def _mark(schema: Any, form: str | None) -> None:
    """Give all texts within a schema a form."""
    if isinstance(schema, list):
        for one in schema:
            _mark(one, form)
    if not isinstance(schema, dict):
        return
    if form and "string" in schema.get("type", ()):
        schema["format"] = form
    if "propertyNames" in schema and form == "pure-addresses":
        schema["propertyNames"] = {"type": "string", "format": "pure-address"}
    for name in ("anyOf", "items", "additionalProperties"):
        _mark(schema.get(name), form)
    if isinstance(schema.get("properties"), dict):
        _form(schema["properties"])
