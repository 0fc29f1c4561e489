"""
The guarded HTTP client (L{smtpeter.boundaries.fetch.Fetcher}).

Each hop: read the URL, look its host up once, judge all of its addresses, connect to one of those. Built on Twisted's
C{Agent}: treq always asks for compressed answers and unpacks them without a limit, and its time limit ends with the
header.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from attrs import define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IReactorTime
from twisted.web.http_headers import Headers

from smtpeter.boundaries.fetch import Fetched, FetchFailed, FetchRefused, FetchTooLarge, FetchTooSlow
from smtpeter.fetch.answers import Head, check_body, check_success, media_type
from smtpeter.fetch.exchange import Exchange
from smtpeter.fetch.gate import Dial, Pinned, TLSFor
from smtpeter.fetch.targets import Target, check_addresses, read_target, redirected

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Gives all addresses of a host name, the best first, or none. Raises L{FetchFailed} when it cannot tell."""

MAX_ADDRESSES = 4
"""Of a host, that are tried."""

T = TypeVar("T")


@frozen(kw_only=True)
class FetchLimits:
    """What one fetch may cost."""

    size_bytes: int = 25 * 1024 * 1024
    """Of the body of the answer."""
    header_bytes: int = 32 * 1024
    """Of everything before the body, for each hop."""
    seconds: float = 30.0
    """From the call to the last octet, with all redirects."""
    connect_seconds: float = 10.0
    """For each address."""
    redirects: int = 5


@define(eq=False, kw_only=True)
class GuardedClient:
    """Asks servers of the public network, and others only where the operator allows it."""

    lookup: Lookup
    dial: Dial
    tls_for: TLSFor
    clock: IReactorTime
    limits: FetchLimits = FetchLimits()
    allow_private: bool = False

    async def get(self, url: str, size_limit: int | None = None) -> Fetched:
        """See L{smtpeter.boundaries.fetch.Fetcher.get}."""
        size = self.limits.size_bytes if size_limit is None else min(size_limit, self.limits.size_bytes)
        return await self._in_time(self._follow(read_target(url, self.allow_private), size))

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Fetched:
        """See L{smtpeter.boundaries.fetch.Fetcher.post}."""
        return await self._in_time(self._give(read_target(url, self.allow_private), content, _headers(headers)))

    async def _in_time(self, work: Coroutine[Deferred[Any], Any, T]) -> T:
        """Do it, or give up when its time has passed, wherever it is then."""

        def expire(result: object, seconds: float) -> NoReturn:
            raise FetchTooSlow(f"the answer was not complete within {seconds:g} seconds")

        return await Deferred.fromCoroutine(work).addTimeout(self.limits.seconds, self.clock, expire)

    async def _follow(self, target: Target, size_limit: int) -> Fetched:
        for _ in range(self.limits.redirects + 1):
            exchange = await self._exchange(target)
            try:
                head = await exchange.ask(b"GET", _headers({}))
                if head.redirect is None:
                    check_success(head)
                    check_body(head, size_limit)
                    return _fetched(head, await exchange.read(size_limit))
            finally:
                exchange.abort()
            target = redirected(target, head.redirect, self.allow_private)
        raise FetchFailed(f"there are more than {self.limits.redirects} redirects")

    async def _give(self, target: Target, content: bytes, headers: Headers) -> Fetched:
        exchange = await self._exchange(target)
        try:
            head = await exchange.ask(b"POST", headers, content)
            try:
                answer = await exchange.read(self.limits.size_bytes)
            except FetchTooLarge:
                answer = b""
            return _fetched(head, b"" if head.is_encoded else answer)
        finally:
            exchange.abort()

    async def _exchange(self, target: Target) -> Exchange:
        """A way to ask, to addresses that were judged."""
        way = Pinned(
            host=target.host,
            addresses=await self._addresses(target),
            port=target.port,
            tls=self._tls(target),
            dial=self.dial,
            connect_seconds=self.limits.connect_seconds,
            header_bytes=self.limits.header_bytes,
        )
        return Exchange(target=target, way=way, clock=self.clock)

    def _tls(self, target: Target) -> IOpenSSLClientConnectionCreator | None:
        if target.scheme == "http":
            return None
        try:
            return self.tls_for(target.host)
        except UnicodeError:
            # Twisted takes names of RFC 5891 only: no underscores, no xn-- that means nothing.
            raise FetchRefused(f"{target.host} is not a name that a certificate can be checked for") from None

    async def _addresses(self, target: Target) -> Sequence[str]:
        if target.is_address:
            return (target.host,)
        found = tuple(await self.lookup(target.host))
        if not found:
            raise FetchFailed(f"{target.host} has no address")
        check_addresses(target.host, found, self.allow_private)
        return found[:MAX_ADDRESSES]


def _headers(more: Mapping[str, str]) -> Headers:
    """What every request says, and what this one says."""
    said = {"User-Agent": "SMTPeter", "Accept": "*/*", "Accept-Encoding": "identity", **more}
    return Headers({name: [value] for name, value in said.items()})


def _fetched(head: Head, content: bytes) -> Fetched:
    type, charset = media_type(head.type)
    return Fetched(status=head.status, type=type, charset=charset, content=content)
