"""The guarded client and the relay ask the same resolver, and neither spoils it for the other."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.names.error import DNSServerError
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.assembly.fetching import lookup_by
from smtpeter.boundaries.fetch import FetchFailed
from smtpeter.relay.resolver import MailResolver
from tests.relay.test_resolver import Zone, a, headers


class LookupTests(SynchronousTestCase):
    def begin(self, resolver: MailResolver) -> "Deferred[Any]":
        """Look a name up as the client does."""

        async def look_up() -> list[str]:
            return list(await lookup_by(resolver)("a.example"))

        return Deferred.fromCoroutine(look_up())

    def test_all(self) -> None:
        """Private addresses are told too, so that the client sees what a name leads to."""
        zone = Zone({("a.example", "A"): a("8.8.8.8", "127.0.0.1")})
        found = self.successResultOf(self.begin(MailResolver(client=zone, clock=Clock())))
        self.assertEqual(found, ["8.8.8.8", "127.0.0.1"])

    def test_failed(self) -> None:
        """A DNS that cannot tell is told as that."""
        zone = Zone({("a.example", "A"): DNSServerError(None), ("a.example", "AAAA"): DNSServerError(None)})
        done = self.begin(MailResolver(client=zone, clock=Clock()))
        self.assertEqual(
            str(self.failureResultOf(done, FetchFailed).value), "it cannot be told now where a.example leads"
        )

    def test_given_up(self) -> None:
        """A fetch that is given up leaves its question to whoever else asks: the DNS has not failed."""
        answer: Deferred[Any] = Deferred()
        resolver = MailResolver(client=Zone({("a.example", "A"): answer}), clock=Clock(), allow_private=True)
        given_up = self.begin(resolver)
        relay = Deferred.fromCoroutine(resolver.addresses("a.example"))
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        answer.callback((headers("a.example", a("10.0.0.1")), [], []))
        self.assertEqual(self.successResultOf(relay), ("10.0.0.1",))
