"""What a resource answers: JSON, text, a file, or a stream that does not fit in memory (pure)."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Final

from attrs import field, frozen

from smtpeter.web.api.faults import APIError, Fault, unavailable

JSON: Final = "application/json"
"""Without parameters: existing clients compare the whole text."""
TEXT: Final = "text/plain; charset=utf-8"


@frozen(kw_only=True)
class Answer:
    """An answer that is at hand."""

    body: bytes = field(repr=False)
    content_type: str = JSON
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Streamed:
    """
    An answer in pieces, each asked for when the client has room for it.

    @ivar pieces: closed when the client has gone.
    """

    pieces: AsyncIterator[bytes] = field(repr=False)
    content_type: str
    headers: Mapping[str, str] = field(factory=dict)


def as_json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """JSON in ASCII: any text is safe in it."""
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    return Answer(body=body, status=status, headers=headers or {})


def as_text(text: str) -> Answer:
    """Plain text."""
    return Answer(body=text.encode("utf-8", "replace"), content_type=TEXT)


def as_error(error: APIError) -> Answer:
    """An error as every route tells it."""
    return as_json(error.shown(), error.status, error.headers)


def too_large(limit: int) -> bytes:
    """The whole response to a body over the limit, which is sent before the request is whole."""
    return _whole("Content Too Large", as_error(APIError(413, (Fault(f"The body is larger than {limit} bytes."),))))


def too_busy() -> bytes:
    """The whole response when too many bodies are coming in."""
    return _whole("Service Unavailable", as_error(unavailable("Too much is coming in at once; nothing was changed.")))


def _whole(reason: str, answer: Answer) -> bytes:
    headers = {"Content-Type": JSON, "Content-Length": str(len(answer.body)), "Connection": "close", **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + answer.body
