"""
The tracking host: a redirect for a click, a picture for an open, and the same plain 404 page for everything else.

Tokens say all that is needed (L{smtpeter.tracking}), so nothing is looked up before the answer.
"""

from typing import Literal

from attrs import define
from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IRequest

from smtpeter.model.keys import MacKeys
from smtpeter.tracking.tokens import Click, Forged, read_click, read_pixel
from smtpeter.web.pages import NOT_FOUND, PIXEL
from smtpeter.web.visits import Visit, Visits

MAX_HEADERS_CHARACTERS = 8192
"""How much of a visitor's header fields is kept."""


@define(eq=False)
class Tracking:
    """
    Answers C{GET} and C{HEAD} of the tracking host. L{smtpeter.web.site} sends requests here by name, since the paths
    that senders chose may hold anything: Klein would refuse those that are not UTF-8.
    """

    app = Klein()
    _keys: MacKeys
    _base: str
    """The tracking URL; the tokens work on its host."""
    _visits: Visits
    _clock: IReactorTime

    @app.route("/pixel")
    def pixel(self, request: IRequest) -> bytes:
        """Send the picture, then record the open."""
        try:
            message_id = read_pixel(self._keys, self._host(), request.uri)
        except Forged:
            return not_found(request)
        if not _is_read(request):
            return _not_allowed(request)
        _send(request, b"image/gif", PIXEL)
        self._record(request, "open", message_id, {"protocol": "https" if request.isSecure() else "http"})
        return b""

    @app.route("/click")
    def click(self, request: IRequest) -> bytes:
        """Redirect, then record the click."""
        try:
            click = read_click(self._keys, self._host(), request.uri)
        except Forged:
            return not_found(request)
        if not _is_read(request):
            return _not_allowed(request)
        request.setResponseCode(302)
        request.setHeader(b"Location", click.destination.encode("ascii"))
        request.setHeader(b"Referrer-Policy", b"no-referrer")
        _send(request, b"text/plain; charset=utf-8", b"")
        self._record(request, "click", click.message_id, self._click_data(request, click))
        return b""

    def _click_data(self, request: IRequest, click: Click) -> dict[str, str]:
        return {"url": self._base + request.uri.decode("latin-1"), "destination": click.destination}

    def _record(self, request: IRequest, type: Literal["click", "open"], message_id: str, data: dict[str, str]) -> None:
        if request.method == b"HEAD":
            return
        facts = {"headers": _headers(request), "ip": _address(request), **data}
        self._visits.record(Visit(message_id=message_id, type=type, at=self._clock.seconds(), data=facts))

    def _host(self) -> str:
        return self._base.partition("://")[2]


def not_found(request: IRequest) -> bytes:
    """Answer with the plain 404 page."""
    request.setResponseCode(404)
    request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
    request.setHeader(b"Cache-Control", b"no-store")
    request.setHeader(b"Content-Length", b"%d" % len(NOT_FOUND))
    return NOT_FOUND


def _is_read(request: IRequest) -> bool:
    return request.method in (b"GET", b"HEAD")


def _not_allowed(request: IRequest) -> bytes:
    request.setResponseCode(405)
    request.setHeader(b"Allow", b"GET, HEAD")
    request.setHeader(b"Content-Length", b"0")
    return b""


def _send(request: IRequest, content_type: bytes, body: bytes) -> None:
    """Write the whole answer at once; Klein finishes it."""
    request.setHeader(b"Cache-Control", b"no-store")
    request.setHeader(b"Content-Type", content_type)
    request.setHeader(b"Content-Length", b"%d" % len(body))
    request.write(body)


def _address(request: IRequest) -> str:
    return str(getattr(request.getClientAddress(), "host", ""))


def _headers(request: IRequest) -> str:
    fields = request.requestHeaders.getAllRawHeaders()
    lines = (b"%s: %s" % (name, value) for name, values in fields for value in values)
    return b"\n".join(lines)[:MAX_HEADERS_CHARACTERS].decode("latin-1").replace("\0", "")
