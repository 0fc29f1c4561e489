"""Between a request of twisted.web and the values of the API."""

from twisted.web.server import Request

from smtpeter.model.message import Trace
from smtpeter.web.api.answers import Answer, Streamed
from smtpeter.web.api.faults import wrong
from smtpeter.web.streaming import stream


def read_headers(request: Request) -> dict[str, str]:
    """The header fields by name in lower case, the last of several."""
    fields = request.requestHeaders.getAllRawHeaders()
    return {name.decode("latin-1").lower(): values[-1].decode("latin-1") for name, values in fields}


def read_query(request: Request) -> dict[str, list[str]]:
    """
    The query.

    @raise APIError: 400, it is not UTF-8.
    """
    try:
        return {name.decode(): [value.decode() for value in values] for name, values in (request.args or {}).items()}
    except UnicodeDecodeError:
        raise wrong("The query of the address is not UTF-8.") from None


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
