"""Between a request of twisted.web and the values of the API."""

from typing import Final
from urllib.parse import parse_qs

from twisted.web.server import Request

from smtpeter.model.message import Trace
from smtpeter.web.api.answers import Answer, Streamed
from smtpeter.web.api.faults import wrong
from smtpeter.web.streaming import stream

MAX_VALUES: Final = 1000
"""In a query."""


def read_headers(request: Request) -> dict[str, str]:
    """The header fields by name in lower case, the last of several."""
    fields = request.requestHeaders.getAllRawHeaders()
    return {name.decode("latin-1").lower(): values[-1].decode("latin-1") for name, values in fields}


def read_query(request: Request) -> dict[str, list[str]]:
    """
    The query. Not as twisted.web reads it, for whom a semicolon ends a value: here it stands between tags.

    @raise APIError: 400, it is not UTF-8, or has too many values.
    """
    try:
        text = request.uri.partition(b"?")[2].decode("ascii")
        return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_VALUES)
    except UnicodeError:
        raise wrong("The query of the address is not UTF-8.") from None
    except ValueError:
        raise wrong(f"The query of the address has more than {MAX_VALUES} values.") from None


def trace_of(request: Request) -> Trace:
    """How a request came in."""
    peer = str(getattr(request.getClientAddress(), "host", ""))
    return Trace(protocol="HTTPS" if request.isSecure() else "HTTP", peer=peer)


def has_gone(request: Request) -> bool:
    """Whether the client has hung up; nothing can be written then."""
    return bool(request._disconnected)


async def write(request: Request, answer: Answer | Streamed) -> bytes:
    """
    Write an answer; nothing when the client has gone.

    @return: what is still to be written: nothing.
    """
    if has_gone(request):
        return b""
    for name, value in {"Content-Type": answer.content_type, "Cache-Control": "no-store", **answer.headers}.items():
        request.responseHeaders.setRawHeaders(name, [value])
    if isinstance(answer, Streamed):
        await stream(request, answer.pieces)
        return b""
    request.setResponseCode(answer.status)
    if answer.status == 204:
        request.responseHeaders.removeHeader("Content-Type")
    else:
        request.responseHeaders.setRawHeaders("Content-Length", [str(len(answer.body))])
    request.write(answer.body)
    return b""
