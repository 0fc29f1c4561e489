"""One request and its answer, on a connection of its own that does not outlive them."""

from attrs import define, field
from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent, RequestTransmissionFailed, ResponseFailed
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse

from smtpeter.boundaries.fetch import FetchError, FetchFailed, FetchTooLarge
from smtpeter.fetch.answers import Head
from smtpeter.fetch.bodies import BoundedBody, WholeBody
from smtpeter.fetch.gate import Gate, Pinned
from smtpeter.fetch.targets import Target

CLOSING_SECONDS = 1.0
"""How long a server may take to close a connection that is done with."""


@define(eq=False, kw_only=True)
class Exchange:
    """Between L{ask} and L{abort}, or the end of L{read}, there is a connection."""

    target: Target
    way: Pinned
    clock: IReactorTime
    _response: IResponse | None = field(default=None, init=False)

    async def ask(self, method: bytes, headers: Headers, content: bytes | None = None) -> Head:
        """
        Send the request and wait for the head of the answer.

        @raise FetchFailed: there is none.
        @raise FetchTooLarge: it has no end.
        """
        agent = Agent.usingEndpointFactory(self.clock, self.way)
        body = None if content is None else WholeBody(content)
        try:
            response = await agent.request(method, self.target.url.encode("ascii"), headers, body)
        except (ResponseFailed, RequestTransmissionFailed) as error:
            raise self._trouble([reason.value for reason in error.reasons]) from None
        if not 100 <= response.code <= 999:
            raise self._trouble([])
        self._gate.open()
        self._response = response
        return _head(self.target.host, response)

    async def read(self, size_limit: int) -> bytes:
        """
        The body of the answer.

        @raise FetchTooLarge: it is longer.
        @raise FetchFailed: it has no proper end.
        """
        assert self._response is not None
        body = BoundedBody(self.target.host, size_limit, self._gate)
        self._response.deliverBody(body)
        content = await body.whole
        await self._closed()
        return content

    def abort(self) -> None:
        """Leave no connection behind."""
        if self.way.gate is not None:
            self.way.gate.abort()

    @property
    def _gate(self) -> Gate:
        assert self.way.gate is not None
        return self.way.gate

    async def _closed(self) -> None:
        """The client has begun to close the connection; with TLS that takes the other side too."""
        gone = self._gate.gone()
        _ = gone.addTimeout(CLOSING_SECONDS, self.clock, lambda result, seconds: None)
        await gone

    def _trouble(self, reasons: list[BaseException]) -> FetchError | CancelledError:
        """What to say when there was no answer."""
        host, header_bytes = self.target.host, self.way.header_bytes
        if any(isinstance(reason, CancelledError) for reason in reasons):
            return CancelledError()
        if self.way.gate is not None and self.way.gate.is_flooded:
            return FetchTooLarge(f"the header of the answer of {host} is larger than {header_bytes} bytes")
        if any(isinstance(reason, TLSError | VerificationError) for reason in reasons):
            return FetchFailed(f"{host} has no certificate that is valid for it, or cannot speak TLS with us")
        return FetchFailed(f"{host} did not answer as an HTTP server does")


def _head(host: str, response: IResponse) -> Head:
    def named(name: str) -> list[bytes]:
        found: list[bytes] = response.headers.getRawHeaders(name.encode("ascii"), [])
        return found

    location, type = named("location"), named("content-type")
    return Head(
        host=host,
        status=response.code,
        location=location[0].decode("utf-8", "surrogateescape") if location else None,
        encoding=b",".join(named("content-encoding")).decode("latin-1"),
        type=type[0].decode("latin-1") if type else "",
        length=None if response.length is UNKNOWN_LENGTH else response.length,
    )
