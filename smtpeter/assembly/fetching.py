"""Builds the HTTP client for addresses that strangers name, on the names that the relay knows."""

from collections.abc import Iterable, Sequence

from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate

from smtpeter.boundaries.fetch import FetchFailed
from smtpeter.fetch.client import FetchLimits, GuardedClient, Lookup
from smtpeter.fetch.gate import dial_over_tcp
from smtpeter.relay.destinations import NoDestination
from smtpeter.relay.resolver import MailResolver
from smtpeter.relay.tls import tls_source


def build_fetcher(
    reactor: ReactorBase,
    resolver: MailResolver,
    limits: FetchLimits,
    allow_private: bool = False,
    trusted: Iterable[Certificate] = (),
) -> GuardedClient:
    """
    The client.

    @param resolver: asks the servers of C{dns.servers}, and is shared with the relay.
    @param allow_private: whether addresses that are not public may be asked.
    @param trusted: authorities to believe instead of the system's.
    """
    tls_for = tls_source(trusted)
    return GuardedClient(
        lookup=lookup_by(resolver),
        dial=dial_over_tcp(reactor),
        tls_for=lambda host: tls_for(host, "verify"),
        clock=reactor,
        limits=limits,
        allow_private=allow_private,
    )


def lookup_by(resolver: MailResolver) -> Lookup:
    """
    All addresses of a host, of the hosts file or the DNS. None is left out: the client judges them together.

    A question goes on to its own end when a fetch is given up. Others may wait for the same answer, and the resolver
    would remember that the DNS had failed.
    """

    async def lookup(host: str) -> Sequence[str]:
        answer: Deferred[tuple[str, ...]] = Deferred()
        _ = Deferred.fromCoroutine(resolver.addresses(host, is_trusted=True)).chainDeferred(answer)
        try:
            return await answer
        except NoDestination:
            raise FetchFailed(f"it cannot be told now where {host} leads") from None

    return lookup
