"""Reads the body of a request by its content type (pure)."""

from typing import Any

from smtpeter.web.api.faults import wrong
from smtpeter.web.api.forms import WrongForm, read_form
from smtpeter.web.api.json_text import WrongJSON, read_json

_FORM = "application/x-www-form-urlencoded"
_FORMS = frozenset((_FORM, "application/x-www-form-encoded"))
"""The second is no type; clients were written after a document that names it."""
_UTF8 = frozenset(("utf-8", "utf8", "us-ascii"))


def read_body(content_type: str, body: bytes) -> dict[str, Any]:
    """
    The object that a body holds; an empty body is an empty object.

    @param content_type: the header field, empty when there is none.
    @raise APIError: 400, the body cannot be read.
    """
    if not body:
        return {}
    kind, charset = _read_type(content_type)
    if charset not in _UTF8:
        raise wrong(f"The body has to be UTF-8, and Content-Type says {charset[:40]}.")
    try:
        if kind in _FORMS:
            return read_form(body)
        if kind == "application/json":
            return _object(read_json(body))
    except (WrongForm, WrongJSON) as error:
        raise wrong(str(error)) from None
    raise wrong(f"Content-Type has to be application/json or {_FORM}.")


def _read_type(content_type: str) -> tuple[str, str]:
    kind, *parameters = (part.strip() for part in content_type.lower().split(";"))
    named = dict(parameter.partition("=")[::2] for parameter in parameters)
    return kind, named.get("charset", "utf-8").strip('" ')


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong("The body has to be a JSON object: { … }.")
    return value
