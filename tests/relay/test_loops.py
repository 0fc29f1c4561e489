"""Connections that come back to ourselves, and what a retry forgets."""

from smtpeter.model.outcome import Kind
from smtpeter.relay.destinations import NoDestination
from smtpeter.relay.resolver import MailResolver
from smtpeter.relay.routes import Route
from tests.relay.support import MemoryServer
from tests.relay.test_relay import RelayCase
from tests.relay.test_resolver import Zone

OURSELVES = "192.0.2.9"
"""Where connections of L{tests.relay.support.MemoryTransport} come from."""


class LoopTests(RelayCase):
    def loop(self, *hosts: str) -> None:
        """Our own address is that of C{us}; mail goes to C{x@example.org} with these hosts."""
        self.ourselves = self.network.servers[OURSELVES] = MemoryServer()
        self.resolver.hosts["us"] = (OURSELVES,)
        self.resolver.domains["example.org"] = list(hosts)

    def test_loop(self) -> None:
        """A connection to our own address is a loop: 5.4.6 at once, without a word of SMTP, and nobody's fault."""
        self.loop("us")
        self.send(1, 2)
        for outcome in self.settled().values():
            self.assertEqual((outcome.kind, outcome.reason, outcome.is_hard), (Kind.FAILED, "loop", False))
            self.assertEqual(outcome.reply and outcome.reply.enhanced, "5.4.6")
        self.assertEqual(self.ourselves.commands, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_no_better_host(self) -> None:
        """Hosts behind ourselves are not tried: they would send the mail to us."""
        self.loop("us", "mx.example.org")
        self.send(1)
        self.assertEqual(self.settled()["m1"].kind, Kind.FAILED)
        self.assertEqual(self.server.transports, [])

    def test_better_host_is_down(self) -> None:
        """Where we are the reserve of a host that is down the mail waits for it, also while it is known to be dead."""
        self.loop("mx.dead.org", "us")
        for number in (1, 2):
            self.send(number)
            outcome = self.settled()[f"m{number}"]
            self.assertEqual((outcome.kind, outcome.stage), (Kind.DEFERRED, "connect"))
            self.clock.advance(100)
        self.network.servers["192.0.2.66"] = MemoryServer()
        self.clock.advance(1000)
        self.send(3)
        self.assertEqual(self.settled()["m3"].kind, Kind.DELIVERED)

    def test_better_host_is_unknown(self) -> None:
        """So it does where the DNS cannot tell the address of that host."""
        self.loop("mx.unknown.org", "us")
        self.resolver.hosts["mx.unknown.org"] = NoDestination(451, "4.4.3", "no answer")
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.reply and outcome.reply.enhanced), (Kind.DEFERRED, "4.4.3"))
        self.assertEqual(self.ourselves.commands, [])

    def test_route(self) -> None:
        """What an operator's route names may be this machine."""
        self.loop("us")
        self.relay = self.make(routes=(Route(domain="*", host="us", tls="none"),))
        self.send(1)
        self.assertEqual(self.settled()["m1"].kind, Kind.DELIVERED)

    def test_what_is_a_loop(self) -> None:
        """An address is ourselves when the connection comes from it, or it is known as ours; not if that is allowed."""
        for is_allowed in (False, True):
            resolver = MailResolver(
                client=Zone(), clock=self.clock, own_addresses=frozenset(("192.0.2.7",)), allow_private=is_allowed
            )
            self.assertEqual(resolver.is_loop("192.0.2.9", "192.0.2.9"), not is_allowed)
            self.assertEqual(resolver.is_loop("192.0.2.7", "192.0.2.9"), not is_allowed)
            self.assertFalse(resolver.is_loop("192.0.2.8", "192.0.2.9"))


class RetryTests(RelayCase):
    def test_others_are_remembered(self) -> None:
        """A retry of one destination forgets nothing of others: their dead addresses are still tried last."""
        self.resolver.domains["example.org"] = ["mx.dead.org", "mx.example.org"]
        self.resolver.domains["third.org"] = ["mx.third.org"]
        self.resolver.hosts["mx.third.org"] = ("192.0.2.3",)
        self.send(1)
        self.send(2, address="x@third.org")
        self.settled()
        self.server.transports[0].lose()
        self.settled()
        self.relay.retry_now("third.org")
        self.network.dialled.clear()
        self.send(3)
        self.settled()
        self.assertEqual([dialled[0] for dialled in self.network.dialled], ["192.0.2.1"])

    def test_own_is_forgotten(self) -> None:
        """It forgets the destination's dead addresses, and where its domain leads."""
        self.resolver.domains["example.org"] = ["mx.dead.org", "mx.example.org"]
        self.send(1)
        self.settled()
        self.server.transports[0].lose()
        self.settled()
        self.relay.retry_now("example.org")
        self.network.dialled.clear()
        self.network.servers["192.0.2.66"] = other = MemoryServer()
        self.send(2)
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)
        self.assertEqual(len(other.mails), 1)
        self.assertEqual(self.resolver.asked, ["example.org", "example.org"])
        self.assertEqual(sorted(self.resolver.forgotten), ["example.org", "mx.dead.org", "mx.example.org"])
