"""What mail is sent to: a site, which is a set of MX hosts or a route's host, and the order of its hosts."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from attrs import frozen

from smtpeter.model.outcome import Reply
from smtpeter.relay.routes import Route

Jitter = Callable[[], float]
"""Gives numbers from 0 up to, not including, 1."""


class NoDestination(Exception):
    """
    There is nowhere to send to.

    @ivar reply: what we say about it ourselves; 4xx when it may be different later.
    """

    def __init__(self, code: int, enhanced: str, text: str) -> None:
        super().__init__(code, enhanced, text)
        self.reply = Reply(code=code, enhanced=enhanced, text=text)


@frozen(kw_only=True)
class Exchange:
    """An MX host."""

    name: str
    """A-labels in lower case, or an address literal in brackets."""
    preference: int = 0


@frozen(kw_only=True)
class Site:
    """A destination. Domains with the same hosts share it: its connections, limits and pauses."""

    name: str
    """For logs and figures."""
    exchanges: tuple[Exchange, ...]
    port: int
    route: Route | None = None

    @property
    def key(self) -> tuple[str, int, Route | None]:
        """What makes it the same site."""
        return (self.name, self.port, self.route)


def site_of(exchanges: Iterable[Exchange], port: int) -> Site:
    """The site of MX hosts."""
    found = tuple(exchanges)
    return Site(name=",".join(sorted({exchange.name for exchange in found})), exchanges=found, port=port)


def site_of_route(route: Route) -> Site:
    """The site of a static route."""
    exchange = Exchange(name=route.host)
    return Site(name=f"{route.host}:{route.port}", exchanges=(exchange,), port=route.port, route=route)


def in_order(exchanges: Iterable[Exchange], jitter: Jitter) -> list[Exchange]:
    """Lower preference first, equal ones shuffled (RFC 5321, 5.1)."""
    ordered = sorted(exchanges, key=_preference)
    return [exchange for _, equal in groupby(ordered, key=_preference) for exchange in shuffled(list(equal), jitter)]


def shuffled(items: list[Exchange], jitter: Jitter) -> list[Exchange]:
    """The same in any order, each equally likely."""
    for last in range(len(items) - 1, 0, -1):
        other = int(jitter() * (last + 1))
        items[last], items[other] = items[other], items[last]
    return items


def without_loop(exchanges: Sequence[Exchange], own_names: frozenset[str]) -> list[Exchange]:
    """Leave out ourselves and every host that is no better than we are: it would send the mail to us."""
    own = [exchange.preference for exchange in exchanges if exchange.name in own_names]
    return [exchange for exchange in exchanges if not own or exchange.preference < min(own)]


def _preference(exchange: Exchange) -> int:
    return exchange.preference
