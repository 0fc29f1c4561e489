"""Sites and addresses from a DNS that may answer anything, or nothing."""

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as NoAnswer
from twisted.internet.task import Clock
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSQueryRefusedError, DNSServerError, DomainError
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.relay.destinations import Exchange, NoDestination, in_order
from smtpeter.relay.records import MAX_RECORDS
from smtpeter.relay.resolver import MAX_EXCHANGES, MailResolver, server_address

Rows = list[tuple[str, Any]]


@define(eq=False)
class Zone:
    """A DNS client with fixed answers; names without one do not exist."""

    answers: dict[tuple[str, str], Rows | Exception | Deferred[Any]] = field(factory=dict)
    asked: list[tuple[str, str]] = field(factory=list)

    def _answer(self, name: str, type: str) -> Deferred[Any]:
        self.asked.append((name, type))
        known = {key[0] for key in self.answers}
        found = self.answers.get((name, type), [] if name in known else DNSNameError(dns.Message()))
        if isinstance(found, Deferred):
            return found
        if isinstance(found, Exception):
            return fail(found)
        return succeed((headers(name, found), [], []))

    def lookupMailExchange(self, name: str) -> Deferred[Any]:
        return self._answer(name, "MX")

    def lookupAddress(self, name: str) -> Deferred[Any]:
        return self._answer(name, "A")

    def lookupIPV6Address(self, name: str) -> Deferred[Any]:
        return self._answer(name, "AAAA")


def headers(name: str, rows: Rows, ttl: int = 300) -> list[dns.RRHeader]:
    return [dns.RRHeader(owner or name, payload.TYPE, dns.IN, ttl, payload) for owner, payload in rows]


def mx(*hosts: str) -> Rows:
    """Hosts with preferences 0, 10, 20, ..."""
    return [("", dns.Record_MX(10 * i, host, 300)) for i, host in enumerate(hosts)]


def a(*addresses: str) -> Rows:
    return [("", dns.Record_A(address, 300)) for address in addresses]


def cname(owner: str, target: str) -> tuple[str, Any]:
    return (owner, dns.Record_CNAME(target, 300))


class ResolverCase(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.zone, self.clock = Zone(), Clock()
        self.resolver = self.make()

    def make(self, **changes: Any) -> MailResolver:
        return MailResolver(client=self.zone, clock=self.clock, **changes)

    def site(self, domain: str, resolver: MailResolver | None = None) -> tuple[str, list[str]]:
        found = self.successResultOf(Deferred.fromCoroutine((resolver or self.resolver).find_site(domain, 25)))
        return found.name, [exchange.name for exchange in found.exchanges]

    def no_site(self, domain: str, resolver: MailResolver | None = None) -> tuple[int, str]:
        work = Deferred.fromCoroutine((resolver or self.resolver).find_site(domain, 25))
        return self.refusal(work)

    def refusal(self, work: Deferred[Any]) -> tuple[int, str]:
        error = self.failureResultOf(work, NoDestination).value
        return error.reply.code, error.reply.enhanced

    def addresses(self, host: str, resolver: MailResolver | None = None, is_trusted: bool = False) -> tuple[str, ...]:
        return self.successResultOf(Deferred.fromCoroutine((resolver or self.resolver).addresses(host, is_trusted)))


class FindSiteTests(ResolverCase):
    def test_exchanges(self) -> None:
        """A site has its hosts in order of preference; its name has them in order of letters, whatever the domain."""
        self.zone.answers["one.org", "MX"] = mx("z.example.net", "A.example.net")
        self.zone.answers["two.org", "MX"] = mx("a.example.net", "z.example.net")
        self.assertEqual(self.site("one.org"), ("a.example.net,z.example.net", ["z.example.net", "a.example.net"]))
        self.assertEqual(self.site("two.org"), ("a.example.net,z.example.net", ["a.example.net", "z.example.net"]))

    def test_implicit(self) -> None:
        """Without MX the domain's own A or AAAA counts."""
        self.zone.answers["four.org", "A"] = a("8.8.8.8")
        self.zone.answers["six.org", "AAAA"] = [("", dns.Record_AAAA("2001:4860::1", 300))]
        self.assertEqual(self.site("four.org"), ("four.org", ["four.org"]))
        self.assertEqual(self.site("six.org"), ("six.org", ["six.org"]))

    def test_nothing(self) -> None:
        """No such domain, no server, and a null MX fail for good."""
        self.zone.answers["empty.org", "MX"] = []
        self.zone.answers["null.org", "MX"] = mx("")
        self.assertEqual(self.no_site("missing.org"), (550, "5.1.2"))
        self.assertEqual(self.no_site("empty.org"), (550, "5.1.2"))
        self.assertEqual(self.no_site("null.org"), (556, "5.1.10"))

    def test_cannot_tell(self) -> None:
        """SERVFAIL, REFUSED, time-outs, broken answers and whatever else defer, and never fail."""
        troubles = [DNSServerError(dns.Message()), DNSQueryRefusedError(dns.Message()), NoAnswer(), DomainError()]
        for number, trouble in enumerate([*troubles, ValueError("broken packet")]):
            self.zone.answers[f"d{number}.org", "MX"] = trouble
            self.assertEqual(self.no_site(f"d{number}.org"), (451, "4.4.3"))
        self.zone.answers["half.org", "MX"] = []
        self.zone.answers["half.org", "A"] = NoAnswer()
        self.assertEqual(self.no_site("half.org"), (451, "4.4.3"))

    def test_ourselves(self) -> None:
        """An MX of our name, and those no better than it, are left out; alone it is a loop."""
        resolver = self.make(own_names=frozenset({"us.example"}))
        self.zone.answers["backup.org", "MX"] = mx("better.org", "us.example", "worse.org")
        self.zone.answers["loop.org", "MX"] = mx("us.example", "worse.org")
        self.zone.answers["us.example", "A"] = a("8.8.8.8")
        self.assertEqual(self.site("backup.org", resolver), ("better.org", ["better.org"]))
        self.assertEqual(self.no_site("loop.org", resolver), (550, "5.4.6"))
        self.assertEqual(self.no_site("us.example", resolver), (550, "5.4.6"))

    def test_literal(self) -> None:
        """An address literal is its own host."""
        self.assertEqual(self.site("[8.8.8.8]"), ("[8.8.8.8]", ["[8.8.8.8]"]))
        self.assertEqual(self.zone.asked, [])


class AliasTests(ResolverCase):
    def test_inside(self) -> None:
        """Aliases inside an answer are followed; records of other owners do not count."""
        self.zone.answers["www.org", "MX"] = [
            cname("www.org", "real.org"),
            ("real.org", dns.Record_MX(0, "mx.real.org", 300)),
            ("evil.org", dns.Record_MX(0, "mx.evil.org", 300)),
        ]
        self.assertEqual(self.site("www.org")[1], ["mx.real.org"])

    def test_across(self) -> None:
        """Where the answer stops at an alias, its target is asked for."""
        self.zone.answers["www.org", "MX"] = [cname("www.org", "real.org")]
        self.zone.answers["real.org", "MX"] = mx("mx.real.org")
        self.assertEqual(self.site("www.org")[1], ["mx.real.org"])

    def test_loop(self) -> None:
        """A loop of aliases, inside an answer or across answers, defers."""
        self.zone.answers["a.org", "MX"] = [cname("a.org", "b.org"), cname("b.org", "a.org")]
        self.zone.answers["x.org", "MX"] = [cname("x.org", "y.org")]
        self.zone.answers["y.org", "MX"] = [cname("y.org", "x.org")]
        self.assertEqual(self.no_site("a.org"), (451, "4.4.3"))
        self.assertEqual(self.no_site("x.org"), (451, "4.4.3"))
        self.assertLess(len(self.zone.asked), 20)


class AddressTests(ResolverCase):
    def test_both(self) -> None:
        """A and AAAA are joined; one that cannot be told is not missed when the other has something."""
        self.zone.answers["mx.org", "A"] = a("8.8.8.8", "8.8.4.4")
        self.zone.answers["mx.org", "AAAA"] = [("", dns.Record_AAAA("2001:4860::1", 300))]
        self.zone.answers["half.org", "A"] = NoAnswer()
        self.zone.answers["half.org", "AAAA"] = [("", dns.Record_AAAA("2001:4860::2", 300))]
        self.assertEqual(self.addresses("mx.org"), ("8.8.8.8", "8.8.4.4", "2001:4860::1"))
        self.assertEqual(self.addresses("half.org"), ("2001:4860::2",))
        # As long as one cannot be told it is not said that there is none, though the other is said not to exist.
        for number, types in enumerate((("A", "AAAA"), ("AAAA", "A"))):
            unknown, missing = types
            self.zone.answers[f"d{number}.org", unknown] = NoAnswer()
            self.zone.answers[f"d{number}.org", missing] = DNSNameError(dns.Message())
            work = Deferred.fromCoroutine(self.resolver.addresses(f"d{number}.org"))
            self.assertEqual(self.refusal(work), (451, "4.4.3"))
        self.assertEqual(self.addresses("missing.org"), ())

    def test_private(self) -> None:
        """Private addresses are left out; a host with nothing else is refused, unless they are allowed."""
        self.zone.answers["mixed.org", "A"] = a("127.0.0.1", "8.8.8.8")
        self.zone.answers["inner.org", "A"] = a("10.0.0.1")
        self.assertEqual(self.addresses("mixed.org"), ("8.8.8.8",))
        work = Deferred.fromCoroutine(self.resolver.addresses("inner.org"))
        self.assertEqual(self.refusal(work), (550, "5.4.6"))
        self.assertEqual(self.addresses("inner.org", self.make(allow_private=True)), ("10.0.0.1",))
        self.assertEqual(self.refusal(Deferred.fromCoroutine(self.resolver.addresses("[127.0.0.1]"))), (550, "5.4.6"))

    def test_own(self) -> None:
        """Our own addresses are refused too."""
        resolver = self.make(own_addresses=frozenset({"8.8.8.8"}))
        self.zone.answers["mx.org", "A"] = a("8.8.8.8")
        work = Deferred.fromCoroutine(resolver.addresses("mx.org"))
        self.assertEqual(self.refusal(work), (550, "5.4.6"))

    def test_trusted(self) -> None:
        """What an operator names may be private, an address, or in the hosts file."""
        resolver = self.make(hosts_file=lambda name: ["127.0.0.1"] if name == "localhost" else [])
        self.zone.answers["inner.org", "A"] = a("10.0.0.1")
        self.assertEqual(self.addresses("inner.org", resolver, is_trusted=True), ("10.0.0.1",))
        self.assertEqual(self.addresses("::1", resolver, is_trusted=True), ("::1",))
        self.assertEqual(self.addresses("localhost", resolver, is_trusted=True), ("127.0.0.1",))
        self.assertEqual(self.addresses("localhost", resolver), ())


class CacheTests(ResolverCase):
    def test_ttl(self) -> None:
        """An answer is kept for its TTL, a missing name for a minute, a failure for seconds."""
        self.zone.answers["a.org", "MX"] = mx("mx.org")
        self.zone.answers["f.org", "MX"] = NoAnswer()
        for age, asked in ((0, 3), (10, 3), (10, 4), (50, 6), (200, 8), (100, 11)):
            self.clock.advance(age)
            self.site("a.org")
            self.no_site("b.org")
            self.no_site("f.org")
            self.assertEqual(len(self.zone.asked), asked, self.clock.seconds())

    def test_bounds_of_ttl(self) -> None:
        """No answer is kept for less than half a minute or more than an hour, whatever its TTL."""
        for ttl, kept in ((0, 30), (10**6, 3600)):
            for age, asked in ((0, 1), (kept - 1, 1), (1, 2)):
                self.clock.advance(age)
                found = headers(f"t{ttl}.org", mx("mx.org"), ttl)
                self.zone.answers[f"t{ttl}.org", "MX"] = succeed((found, [], []))
                self.site(f"t{ttl}.org")
                self.assertEqual(self.zone.asked.count((f"t{ttl}.org", "MX")), asked, (ttl, age))

    def test_many_records(self) -> None:
        """Of an answer so many records count as a mail host may have; of MX hosts only the best are used."""
        self.zone.answers["mx.org", "A"] = a(*(f"8.8.{number}.8" for number in range(200)))
        self.assertEqual(len(self.addresses("mx.org")), MAX_RECORDS)
        self.zone.answers["a.org", "MX"] = mx(*(f"mx{number}.org" for number in range(40)))
        self.assertEqual(self.site("a.org")[1], [f"mx{number}.org" for number in range(MAX_EXCHANGES)])

    def test_joined(self) -> None:
        """Who asks while the same is being asked waits for that answer."""
        pending: Deferred[Any] = Deferred()
        self.zone.answers["a.org", "MX"] = pending
        works = [Deferred.fromCoroutine(self.resolver.find_site("a.org", 25)) for _ in range(3)]
        self.assertEqual(len(self.zone.asked), 1)
        pending.callback((headers("a.org", mx("mx.org")), [], []))
        self.assertEqual({self.successResultOf(work).name for work in works}, {"mx.org"})

    def test_forget(self) -> None:
        """A forgotten domain is asked for anew."""
        self.zone.answers["a.org", "MX"] = mx("mx.org")
        self.site("a.org")
        self.resolver.forget("a.org")
        self.site("a.org")
        self.assertEqual(len(self.zone.asked), 2)


class OrderTests(SynchronousTestCase):
    def test_in_order(self) -> None:
        """Lower preference first; equal ones in any order, as chance has it."""
        exchanges = [Exchange(name=name, preference=p) for name, p in (("c", 20), ("a", 10), ("b", 10))]
        orders = [in_order(exchanges, lambda: 0.0), in_order(exchanges, lambda: 0.99)]
        self.assertEqual({tuple(one.name for one in order) for order in orders}, {("a", "b", "c"), ("b", "a", "c")})


class ServerAddressTests(SynchronousTestCase):
    def test_forms(self) -> None:
        """IPv4 and IPv6, with and without a port."""
        self.assertEqual(server_address("127.0.0.1:5353"), ("127.0.0.1", 5353))
        self.assertEqual(server_address("127.0.0.1"), ("127.0.0.1", 53))
        self.assertEqual(server_address("[::1]:5353"), ("::1", 5353))
        self.assertEqual(server_address("::1"), ("::1", 53))
        for text in ("ns.example.org", "127.0.0.1:x", ""):
            with self.assertRaises(ValueError):
                server_address(text)
