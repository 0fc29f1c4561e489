"""
Our own unsubscribe addresses (RFC 8058): C{POST} unsubscribes, C{GET} shows a page with a button that does.

A C{GET} never acts, since link scanners and prefetching programs follow every address in a mail. It reads no table
either. A C{POST} needs the body that mail programs send, and the button too.
"""

from typing import cast

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from typing_extensions import override

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.boundaries.storage import StorageBusy
from smtpeter.boundaries.unsubscribing import UnsubscribeBook
from smtpeter.model.keys import MacKeys
from smtpeter.tracking.tokens import Forged, read_unsubscribe
from smtpeter.web.oneclick import is_one_click
from smtpeter.web.tracking import not_found
from smtpeter.web.unsubscribe_pages import ASK, BUSY, DONE, HEADERS, WRONG

SEGMENT = b"u"
"""The first segment of the paths."""

RETRY_SECONDS = 30


@define(eq=False)
class Unsubscribing(Resource):
    """Answers under C{/u/} of the tracking host."""

    isLeaf = True
    _keys: MacKeys
    _base: str
    """The tracking URL; the tokens work on its host."""
    _book: UnsubscribeBook
    _clock: IReactorTime
    _answered: Tally = uncounted
    """Counts requests: C{unsubscribe}, C{not_found}."""
    _log = Logger()

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> object:
        """Answer; at once, unless the database is needed."""
        try:
            message_id = read_unsubscribe(self._keys, self._base.partition("://")[2], request.uri)
        except Forged:
            return self._end(request, self._not_found(request))
        if request.method in (b"GET", b"HEAD"):
            return self._end(request, _show(request, 200, ASK))
        if request.method != b"POST":
            request.setHeader(b"Allow", b"GET, HEAD, POST")
            return self._end(request, _show(request, 405, WRONG))
        body = request.content.read() if request.content is not None else b""
        if not is_one_click(_content_type(request), cast(bytes, body)):
            return self._end(request, _show(request, 400, WRONG))
        _ = Deferred.fromCoroutine(self._act(request, message_id))
        return NOT_DONE_YET

    async def _act(self, request: Request, message_id: str) -> None:
        """What has begun is finished, whether or not somebody waits for the answer."""
        try:
            is_known = await self._book.unsubscribe(message_id, self._clock.seconds())
        except StorageBusy:
            request.setHeader(b"Retry-After", b"%d" % RETRY_SECONDS)
            page = _show(request, 503, BUSY)
        except Exception:
            self._log.failure("the reader of {message} could not be unsubscribed", message=message_id)
            page = _show(request, 500, BUSY)
        else:
            if is_known:
                self._answered("unsubscribe")
            page = _show(request, 200, DONE) if is_known else self._not_found(request)
        self._end(request, page)

    def _not_found(self, request: Request) -> bytes:
        self._answered("not_found")
        return not_found(request)

    def _end(self, request: Request, page: bytes) -> int:
        # Twisted takes the channel away from a request whose visitor has gone.
        if getattr(request, "channel", None) is not None:
            request.write(page)
            request.finish()
        return NOT_DONE_YET


def _show(request: Request, status: int, page: bytes) -> bytes:
    request.setResponseCode(status)
    for name, value in HEADERS.items():
        request.responseHeaders.setRawHeaders(name, [value])
    request.responseHeaders.setRawHeaders("Content-Length", [str(len(page))])
    return page


def _content_type(request: Request) -> str:
    return str(request.getHeader("content-type") or "")
