"""
The tracking host: a redirect for a click, a picture for an open, and the same plain 404 page for everything else.

Tokens say all that is needed (L{smtpeter.tracking}), so nothing is looked up before the answer. This is a plain
resource and no Klein application: the paths that senders chose may hold anything, which Klein refuses where it is not
UTF-8, and its routing would be two thirds of the cost of a redirect.
"""

from functools import partial
from typing import Literal

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from typing_extensions import override

from smtpeter.boundaries.metrics import Tally, uncounted
from smtpeter.model.keys import MacKeys
from smtpeter.model.visit import Visit
from smtpeter.tracking.tokens import Click, Forged, read_click, read_pixel
from smtpeter.web.pages import NOT_FOUND, PIXEL
from smtpeter.web.proxies import NO_PROXIES, Proxies
from smtpeter.web.visits import Visits

MAX_HEADERS_CHARACTERS = 8192
"""How much of a visitor's header fields is kept."""


@define(eq=False)
class Tracking(Resource):
    """Answers C{GET} and C{HEAD} of the tracking host."""

    isLeaf = True
    _keys: MacKeys
    _base: str
    """The tracking URL; the tokens work on its host."""
    _visits: Visits
    _clock: IReactorTime
    _answered: Tally = uncounted
    """Counts requests: C{click}, C{open}, C{not_found}."""
    _proxies: Proxies = NO_PROXIES

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @override
    def render(self, request: Request) -> int:
        """Answer, then record; at once unless the journal has fallen behind."""
        self._visits.when_room(partial(self._answer, request))
        return NOT_DONE_YET

    def _answer(self, request: Request) -> None:
        # Twisted takes the channel away from a request whose visitor has gone.
        if getattr(request, "channel", None) is None:
            return
        is_pixel = request.path.endswith(b".gif") and request.path.count(b"/") == 1
        try:
            answer = self._pixel(request) if is_pixel else self._click(request)
        except Forged:
            answer = self._not_found(request)
        request.write(answer)
        request.finish()

    def _pixel(self, request: Request) -> bytes:
        message_id = read_pixel(self._keys, self._host(), request.uri)
        if not _is_read(request):
            return not_allowed(request)
        _prepare(request, b"image/gif", PIXEL)
        self._record(request, "open", message_id, {"protocol": self._protocol(request)})
        return PIXEL

    def _click(self, request: Request) -> bytes:
        click = read_click(self._keys, self._host(), request.uri)
        if not _is_read(request):
            return not_allowed(request)
        request.setResponseCode(302)
        request.responseHeaders.setRawHeaders(b"Location", [click.destination.encode("ascii")])
        request.responseHeaders.setRawHeaders(b"Referrer-Policy", [b"no-referrer"])
        _prepare(request, b"text/plain; charset=utf-8", b"")
        self._record(request, "click", click.message_id, self._click_data(request, click))
        return b""

    def _click_data(self, request: Request, click: Click) -> dict[str, str]:
        return {"url": self._base + request.uri.decode("latin-1"), "destination": click.destination}

    def _record(self, request: Request, type: Literal["click", "open"], message_id: str, data: dict[str, str]) -> None:
        if request.method == b"HEAD":
            return
        self._answered(type)
        facts = {"headers": _headers(request), "ip": self._visitor(request), **data}
        self._visits.record(Visit(message_id=message_id, type=type, at=self._clock.seconds(), data=facts))

    def _protocol(self, request: Request) -> str:
        said = _said(request, "X-Forwarded-Proto")
        return "https" if request.isSecure() or self._proxies.is_encrypted(_address(request), said) else "http"

    def _visitor(self, request: Request) -> str:
        return self._proxies.visitor(_address(request), _said(request, "X-Forwarded-For"))

    def _not_found(self, request: Request) -> bytes:
        self._answered("not_found")
        return not_found(request)

    def _host(self) -> str:
        return self._base.partition("://")[2]


def not_found(request: Request) -> bytes:
    """Answer with the plain 404 page."""
    request.setResponseCode(404)
    request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
    request.setHeader(b"Cache-Control", b"no-store")
    request.setHeader(b"Content-Length", b"%d" % len(NOT_FOUND))
    return NOT_FOUND


def _is_read(request: Request) -> bool:
    return request.method in (b"GET", b"HEAD")


def not_allowed(request: Request) -> bytes:
    """Answer that this is read and not written."""
    request.setResponseCode(405)
    request.setHeader(b"Allow", b"GET, HEAD")
    request.setHeader(b"Content-Length", b"0")
    return b""


def _prepare(request: Request, content_type: bytes, body: bytes) -> None:
    headers = request.responseHeaders
    headers.setRawHeaders(b"Cache-Control", [b"no-store"])
    headers.setRawHeaders(b"Content-Type", [content_type])
    headers.setRawHeaders(b"Content-Length", [b"%d" % len(body)])


def _address(request: Request) -> str:
    return str(getattr(request.getClientAddress(), "host", ""))


def _said(request: Request, name: str) -> str:
    """The fields of that name, in their order, as one."""
    return ",".join(request.requestHeaders.getRawHeaders(name, ()))


def _headers(request: Request) -> str:
    fields = request.requestHeaders.getAllRawHeaders()
    lines = (b"%s: %s" % (name, value) for name, values in fields for value in values)
    return b"\n".join(lines)[:MAX_HEADERS_CHARACTERS].decode("latin-1").replace("\0", "")
