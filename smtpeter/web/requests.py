"""
Requests and connections of the web server, with a limit on every byte and second.

twisted.web reads a body of any size before a handler runs, and its time-out begins anew with each byte. Here the head
and the body of a request have one deadline, which only bytes at a fair rate put off, and a body over the limit ends the
connection as soon as it is known. All bodies together are bounded too: each is held until it is whole.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, cast

from attrs import field, frozen
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site
from typing_extensions import override

REQUEST_SECONDS = 30.0
"""How long a client may take for head and body of one request, and longer for a large body that comes fast enough."""

BYTES_A_SECOND = 65_536
"""How fast is enough."""

IDLE_SECONDS = 60.0
"""How long a kept connection may be silent."""

_TOO_LARGE = (
    b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 30\r\n\r\nThe request body is too large\n"
)

_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Retry-After: 10\r\nContent-Length: 19\r\n\r\nToo busy, try again"
)

BODIES_AT_ONCE = 8
"""So many bodies of the largest size are held."""


@frozen
class BodyLimit:
    """
    How large a body may be.

    @ivar refusal: the whole answer to a larger one.
    @ivar busy: the whole answer when too much is held already.
    """

    size_bytes: int
    refusal: bytes = field(default=_TOO_LARGE, repr=False)
    busy: bytes = field(default=_BUSY, repr=False)


class WebRequest(Request):
    """A request whose body is bounded and whose answers are plain text unless they say otherwise."""

    channel: "WebChannel"
    defaultContentType = b"text/plain; charset=utf-8"
    _size_bytes = 0
    _limit: BodyLimit

    @override
    def gotLength(self, length: int | None) -> None:
        """Called with the announced length of the body, C{None} for a chunked one."""
        self.content = BytesIO()
        self._limit = self.channel.body_limit()
        if length is not None and length > self._limit.size_bytes:
            self.channel.refuse(self._limit.refusal)

    @override
    def handleContentChunk(self, data: bytes) -> None:
        """Called with a piece of the body."""
        site = self.channel.site
        if self.channel.is_refused:
            return
        self._size_bytes += len(data)
        site.held_bytes += len(data)
        if self._size_bytes > self._limit.size_bytes or site.is_crowded:
            is_large = self._size_bytes > self._limit.size_bytes
            self.channel.refuse(self._limit.refusal if is_large else self._limit.busy)
            self._let_go(site)
        else:
            self.channel.put_off(len(data) / BYTES_A_SECOND)
            super().handleContentChunk(data)

    @override
    def process(self) -> None:
        """Handle a whole request; one that was refused is none, though its end may have come in the same segment."""
        if not self.channel.is_refused:
            super().process()

    @override
    def finish(self) -> None:
        """The answer is complete."""
        self._let_go(self.channel.site)
        super().finish()

    @override
    def connectionLost(self, reason: Failure) -> None:
        """There is nobody to answer."""
        self._let_go(self.channel.site)
        super().connectionLost(reason)

    def _let_go(self, site: "WebSite") -> None:
        """Count the body no more."""
        site.held_bytes -= self._size_bytes
        self._size_bytes = 0

    @override
    def render(self, resrc: IResource) -> None:
        """Answer, without the server's name and version."""
        self.responseHeaders.removeHeader(b"Server")
        super().render(resrc)


class WebChannel(HTTPChannel):
    """An HTTP/1.1 connection with a deadline for each request."""

    site: "WebSite"
    transport: ITransport
    _deadline: IDelayedCall | None = None
    is_refused = False
    """Whether the answer was given before the request was whole."""

    @override
    def dataReceived(self, data: bytes) -> None:
        """Take bytes; the first ones of a request start its clock."""
        if self.is_refused:
            return
        if self._deadline is None and not self._handlingRequest:
            self._deadline = self.callLater(REQUEST_SECONDS, self._overdue)
        super().dataReceived(data)

    @override
    def allContentReceived(self) -> None:
        """The request is whole: it may take its time from here."""
        self._stop_clock()
        super().allContentReceived()

    @override
    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget the clock."""
        self._stop_clock()
        super().connectionLost(reason)

    def body_limit(self) -> BodyLimit:
        """How large the body of the request may be whose head has been read."""
        path = self._path.partition(b"?")[0]
        return self.site.body_limits.get(path[1:].partition(b"/")[0], self.site.body_limit)

    def put_off(self, seconds: float) -> None:
        """Give the request more time."""
        if self._deadline is not None:
            self._deadline.delay(seconds)

    def refuse(self, response: bytes) -> None:
        """Answer at once, whatever else the client sends, and close."""
        if self.is_refused:
            return
        self.is_refused = True
        self._stop_clock()
        self.transport.write(response)
        self.loseConnection()
        self._deadline = self.callLater(1.0, self._overdue)

    def _overdue(self) -> None:
        self._deadline = None
        self.forceAbortClient()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class WebSite(Site):
    """The factory of such connections; it writes no access log, which would take 40 % of the time of a redirect."""

    protocol = cast(Any, WebChannel)

    def __init__(
        self,
        resource: Resource,
        max_body_size: int,
        clock: IReactorTime,
        body_limits: Mapping[bytes, BodyLimit] | None = None,
    ) -> None:
        """
        @param body_limits: other limits than C{max_body_size}, by the first segment of the path.
        """
        super().__init__(
            resource, requestFactory=WebRequest, timeout=IDLE_SECONDS, reactor=clock, parsePOSTFormSubmission=False
        )
        self.body_limit = BodyLimit(max_body_size)
        self.body_limits = body_limits or {}
        self.held_bytes = 0
        self._most_held = BODIES_AT_ONCE * max(
            limit.size_bytes for limit in (self.body_limit, *self.body_limits.values())
        )

    @property
    def is_crowded(self) -> bool:
        """Whether all bodies together are too much."""
        return self.held_bytes > self._most_held

    @override
    def log(self, request: object) -> None:
        """Log nothing."""
