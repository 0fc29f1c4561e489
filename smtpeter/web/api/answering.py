"""Between a request of twisted.web and the values of the API."""

from collections.abc import AsyncIterator

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from smtpeter.model.message import Trace
from smtpeter.web.api.answers import Answer, Streamed
from smtpeter.web.api.faults import wrong


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
        await _stream(request, answer.pieces)
        return b""
    request.setResponseCode(answer.status)
    if answer.status == 204:
        request.responseHeaders.removeHeader("Content-Type")
    else:
        request.responseHeaders.setRawHeaders("Content-Length", [str(len(answer.body))])
    request.write(answer.body)
    return b""


async def _stream(request: Request, pieces: AsyncIterator[bytes]) -> None:
    """Ask for a piece when there is room, until the end or until the client has gone."""
    flow = _Flow()
    _ = request.notifyFinish().addErrback(lambda _: flow.stopProducing())
    request.registerProducer(flow, True)
    try:
        async for piece in pieces:
            if has_gone(request):
                break
            request.write(piece)
            await flow.room()
            if has_gone(request):
                break
    finally:
        if not has_gone(request):
            request.unregisterProducer()
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()


@implementer(IPushProducer)
@define(eq=False)
class _Flow:
    """Tells whether the client takes more."""

    _waiting: "Deferred[None] | None" = field(default=None, init=False)
    _is_paused: bool = field(default=False, init=False)

    async def room(self) -> None:
        """Wait until there is."""
        if self._is_paused:
            self._waiting = Deferred()
            await self._waiting

    def pauseProducing(self) -> None:
        """The client is slow."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """The client has taken what there was."""
        self._is_paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """The client has gone."""
        self.resumeProducing()
