"""The relay from job to outcome, with servers in memory."""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.boundaries.relay import Relay
from smtpeter.model.outcome import Kind, Outcome
from smtpeter.relay.destinations import NoDestination
from smtpeter.relay.facts import Timeouts
from smtpeter.relay.relay import SITE_SECONDS, MailRelay, RelaySettings
from smtpeter.relay.routes import Route
from smtpeter.relay.shaping import CAP_SECONDS, LOST_IN_A_ROW, Limits
from tests.relay.support import FixedResolver, MemoryServer, Network, by_id, make_job, rendering, settle

QUEUED = b"250 2.0.0 queued\r\n"


class RelayCase(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.server = MemoryServer()
        self.network = Network(self.clock, {"192.0.2.1": self.server})
        self.resolver = FixedResolver(
            {"example.org": ["mx.example.org"], "other.org": ["mx.example.org"], "dead.org": ["mx.dead.org"]},
            {"mx.example.org": ("192.0.2.1",), "mx.dead.org": ("192.0.2.66",)},
        )
        self.outcomes: list[Outcome] = []
        self.relay = self.make()

    def make(self, limits: Limits | None = None, **settings: Any) -> MailRelay:
        given = RelaySettings(hostname="us.example", limits=lambda site: limits or Limits(), **settings)
        return MailRelay(self.clock, self.resolver, given, lambda: 0.5, connect=self.network.connect)

    def send(self, *numbers: int, **changes: Any) -> None:
        for number in numbers:
            self.relay.send(make_job(number, **changes), self.outcomes.append)

    def settled(self) -> dict[str, Outcome]:
        settle(self.clock)
        return by_id(self.outcomes)


class DeliveryTests(RelayCase):
    def test_delivered(self) -> None:
        """A job is delivered, and its outcome says where and how."""
        relay: Relay = self.relay
        relay.send(make_job(1), self.outcomes.append)
        self.assertEqual(self.outcomes, [])
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.stage), (Kind.DELIVERED, "message"))
        self.assertEqual((outcome.site, outcome.remote), ("mx.example.org", "mx.example.org [192.0.2.1]"))
        self.assertEqual((outcome.local, outcome.tls, outcome.peer_has_dsn), ("192.0.2.9", "", True))
        self.assertEqual((outcome.transcript[0][:7], outcome.transcript[-1]), ("C: MAIL", "S: 250 2.0.0 queued"))
        mail = (b"sender@example.com", [b"user1@example.org"], b"Subject: x\r\n\r\nhello\r\n")
        self.assertEqual(self.server.mails, [mail])

    def test_one_connection(self) -> None:
        """Later jobs of the site, of another domain too, use the kept connection."""
        self.send(1)
        self.settled()
        self.send(2, address="x@other.org")
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)
        self.assertEqual(len(self.server.transports), 1)

    def test_many(self) -> None:
        """Many jobs use at most the connections that the limit allows, and each is reported once."""
        self.relay = self.make(Limits(connections=3))
        self.send(*range(200))
        self.assertEqual({outcome.kind for outcome in self.settled().values()}, {Kind.DELIVERED})
        self.assertEqual((len(self.outcomes), len(self.server.mails)), (200, 200))
        self.assertEqual(len(self.server.transports), 3)

    def test_recorded_first(self) -> None:
        """A connection sends no further content until the result of the last one is recorded."""
        self.relay = self.make(Limits(connections=2))
        recorded: list[Deferred[None]] = []

        def report(outcome: Outcome) -> Deferred[None]:
            recorded.append(Deferred())
            return recorded[-1]

        for number in range(6):
            self.relay.send(make_job(number), report)
        settle(self.clock)
        self.assertEqual(len(self.server.mails), 2)
        self.clock.advance(100)
        self.assertNotIn(b"QUIT", self.server.commands)
        recorded[0].callback(None)
        settle(self.clock)
        self.assertEqual(len(self.server.mails), 3)
        for done in range(1, 6):
            recorded[done].callback(None)
            settle(self.clock)
        self.assertEqual((len(self.server.mails), len(self.server.transports)), (6, 2))
        self.clock.advance(60)
        settle(self.clock)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_all_recorded_first(self) -> None:
        """With several recipients of one content all results must be recorded; others do not wait for that."""
        self.relay = self.make(Limits(connections=1))
        recorded: list[Deferred[None]] = []

        def report(outcome: Outcome) -> Deferred[None]:
            recorded.append(Deferred())
            return recorded[-1]

        for number in range(2):
            self.relay.send(make_job(number, share_key="a"), report)
        self.relay.send(make_job(2), report)
        settle(self.clock)
        for done, mails in ((None, 1), (0, 1), (1, 2)):
            if done is not None:
                recorded[done].callback(None)
                settle(self.clock)
            self.assertEqual(len(self.server.mails), mails)

    def test_not_behind_a_record(self) -> None:
        """A job goes to a connection that is free rather than to one whose last result is not recorded yet."""
        self.relay = self.make(Limits(connections=2))
        self.server.is_mute_after_data = True
        told: list[Outcome] = []

        def report(outcome: Outcome) -> Deferred[None]:
            told.append(outcome)
            return Deferred()

        self.relay.send(make_job(1), report)
        settle(self.clock)
        self.server.is_mute_after_data = False
        self.send(2)
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)
        self.server.transports[0].say(QUEUED)
        settle(self.clock)
        self.assertEqual([outcome.kind for outcome in told], [Kind.DELIVERED])
        self.send(3)
        self.assertEqual(self.settled()["m3"].kind, Kind.DELIVERED)
        self.assertEqual(len(self.server.transports), 2)

    def test_shared(self) -> None:
        """Jobs with one content share a transaction, up to the limit of recipients."""
        self.relay = self.make(Limits(connections=1, recipients=3))
        self.send(*range(5), share_key="a")
        self.settled()
        self.assertEqual([len(mail[1]) for mail in self.server.mails], [3, 2])

    def test_messages_per_connection(self) -> None:
        """A connection is closed after its share, and the rest goes on another."""
        self.relay = self.make(Limits(connections=1, messages_per_connection=2))
        self.send(*range(5))
        self.assertEqual(len(self.settled()), 5)
        self.assertEqual(len(self.server.transports), 3)
        self.assertEqual(self.server.commands.count(b"QUIT"), 2)

    def test_idle(self) -> None:
        """A kept connection says QUIT after its idle time, and nothing remains of the site."""
        self.send(1)
        self.settled()
        self.clock.advance(59)
        self.assertNotIn(b"QUIT", self.server.commands)
        self.clock.advance(1)
        settle(self.clock)
        self.assertIn(b"QUIT", self.server.commands)
        self.assertEqual(self.relay._pools, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_seven_bit(self) -> None:
        """A hop without 8BITMIME gets the seven-bit form of what is not ASCII."""
        self.server.extensions = (b"PIPELINING",)
        self.send(1, is_eightbit=True)
        self.send(2)
        self.settled()
        self.assertEqual(sorted(mail[2][:5] for mail in self.server.mails), [b"Subje", b"seven"])

    def test_no_utf8(self) -> None:
        """Jobs that need SMTPUTF8 where it is not offered fail with 5.6.7, any number of them."""
        self.server.extensions = (b"PIPELINING",)
        self.send(*range(2000), needs_utf8=True)
        outcomes = self.settled()
        self.assertEqual(
            {(one.kind, one.reply and one.reply.enhanced) for one in outcomes.values()}, {(Kind.FAILED, "5.6.7")}
        )

    def test_no_wait_for_a_verdict(self) -> None:
        """A job does not wait behind a server that thinks about another one, while a further connection may help."""
        self.server.is_mute_after_data = True
        self.send(1)
        self.settled()
        self.server.is_mute_after_data = False
        self.send(2)
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)

    def test_unread_goodbye(self) -> None:
        """A connection whose server never closes is cut some seconds after QUIT."""
        self.send(1)
        self.settled()
        transport = self.server.transports[0]
        cut: list[float] = []
        transport.loseConnection = lambda: None  # type: ignore[method-assign]
        transport.abortConnection = lambda: cut.append(self.clock.seconds())  # type: ignore[method-assign]
        self.clock.advance(60)
        settle(self.clock)
        self.clock.advance(5)
        self.assertEqual(cut, [1065])

    def test_prefetch(self) -> None:
        """On a busy connection the next content is rendered before its turn, and its commands follow the data."""
        self.relay = self.make(Limits(connections=1))
        self.send(1, 2)
        self.settled()
        self.assertTrue(any(b"\r\n.\r\nMAIL FROM" in piece for piece in self.server.transports[0].written))


class RefusalTests(RelayCase):
    def test_kept_apart(self) -> None:
        """In one transaction each recipient keeps its own result."""
        self.server.answers = {b"RCPT TO:<user1": b"550 5.1.1 no\r\n", b"RCPT TO:<user2": b"450 4.2.1 later\r\n"}
        self.send(0, 1, 2, share_key="a")
        outcomes = self.settled()
        self.assertEqual([outcomes[f"m{n}"].kind for n in range(3)], [Kind.DELIVERED, Kind.FAILED, Kind.DEFERRED])
        self.assertEqual((outcomes["m1"].reason, outcomes["m1"].is_hard), ("user_unknown", True))
        self.assertEqual((outcomes["m2"].is_shared, outcomes["m2"].retry_at), (False, None))

    def test_hint(self) -> None:
        """A hint of the peer becomes the time of the next attempt."""
        self.server.answers = {b"RCPT": b"450 4.7.1 Greylisted, try again in 5 minutes\r\n"}
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.retry_at, outcome.is_shared), (Kind.DEFERRED, 1300, False))

    def test_too_many_recipients(self) -> None:
        """Recipients that are one too many go in another transaction at once, and later ones are not tried so."""
        self.relay = self.make(Limits(connections=1))
        self.server.max_recipients = 2
        self.send(*range(5), share_key="a")
        self.assertEqual({outcome.kind for outcome in self.settled().values()}, {Kind.DELIVERED})
        self.assertEqual([len(mail[1]) for mail in self.server.mails], [2, 2, 1])
        self.assertEqual(len([line for line in self.server.commands if line.startswith(b"RCPT")]), 8)

    def test_no_recipients_at_all(self) -> None:
        """A server that finds even one recipient too many defers it: nothing is tried in circles."""
        self.relay = self.make(Limits(connections=1))
        self.server.max_recipients = 0
        self.send(*range(5), share_key="a")
        outcomes = self.settled()
        self.assertEqual({(one.kind, one.stage) for one in outcomes.values()}, {(Kind.DEFERRED, "rcpt")})
        self.assertEqual(len(outcomes), 5)
        self.assertEqual(len([line for line in self.server.commands if line.startswith(b"RCPT")]), 5)

    def test_prepare_alone(self) -> None:
        """A connection whose only content could not be rendered goes on with what waits, and idles like others."""

        async def broken(seven_bit: bool) -> bytes:
            raise RuntimeError("bug")

        self.relay = self.make(Limits(connections=1))
        self.send(1, 2, render=broken)
        self.send(3)
        self.assertEqual(self.settled()["m3"].kind, Kind.DELIVERED)
        self.send(4, render=broken)
        self.settled()
        self.clock.advance(60)
        settle(self.clock)
        self.assertIn(b"QUIT", self.server.commands)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.flushLoggedErrors(RuntimeError)

    def test_prepare(self) -> None:
        """A content that cannot be rendered defers its job and no other."""

        async def broken(seven_bit: bool) -> bytes:
            raise RuntimeError("bug")

        self.send(1, render=broken)
        self.send(2)
        outcomes = self.settled()
        self.assertEqual((outcomes["m1"].kind, outcomes["m1"].stage), (Kind.DEFERRED, "prepare"))
        self.assertEqual(outcomes["m2"].kind, Kind.DELIVERED)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_line_end_in_address(self) -> None:
        """An address that holds a line end is never sent."""
        self.send(1, reverse_path="a@b.org>\r\nRSET")
        self.assertEqual(self.settled()["m1"].stage, "prepare")
        self.assertNotIn(b"RSET", self.server.commands)
        self.flushLoggedErrors(ValueError)


class SiteTests(RelayCase):
    def test_unreachable(self) -> None:
        """Whatever waits for a dead site is deferred together until its pause ends, without counting as attempts."""
        self.send(*range(5), address="x@dead.org")
        outcomes = self.settled()
        self.assertEqual(
            {(one.kind, one.is_shared, one.retry_at) for one in outcomes.values()}, {(Kind.DEFERRED, True, 1060)}
        )
        self.assertEqual(outcomes["m0"].stage, "connect")
        self.assertIn("mx.dead.org [192.0.2.66]", outcomes["m0"].description)
        self.assertEqual((len(self.network.dialled), self.relay.connections), (1, 0))

    def test_during_the_pause(self) -> None:
        """In a pause new jobs are deferred without a connection; after it one tries, and the next pause is longer."""
        self.send(1, address="x@dead.org")
        self.settled()
        self.send(2, address="x@dead.org")
        paused = self.settled()["m2"]
        self.assertEqual(paused.retry_at, 1060)
        # Whoever looks at that message is told what the pause is for.
        self.assertIn("mx.dead.org [192.0.2.66]", paused.description)
        self.assertEqual(len(self.network.dialled), 1)
        self.clock.advance(60)
        self.send(3, address="x@dead.org")
        self.assertEqual(self.settled()["m3"].retry_at, 1060 + 120)
        self.network.servers["192.0.2.66"] = MemoryServer()
        self.clock.advance(120)
        self.send(4, address="x@dead.org")
        self.assertEqual(self.settled()["m4"].kind, Kind.DELIVERED)

    def test_others_go_on(self) -> None:
        """A site that never answers delays no other."""
        self.network.servers["192.0.2.66"] = None
        self.send(*range(20), address="x@dead.org")
        self.send(21)
        self.assertEqual(self.settled()["m21"].kind, Kind.DELIVERED)
        self.assertEqual(len(self.outcomes), 1)
        # As long as nobody has answered there one connection is enough.
        self.assertEqual([dialled[0] for dialled in self.network.dialled].count("192.0.2.66"), 1)

    def test_421(self) -> None:
        """A 421 counts against the site: all that waits is deferred with it."""
        self.relay = self.make(Limits(connections=1))
        self.server.answers = {b"MAIL": b"421 4.7.0 slow down\r\n"}
        self.send(*range(5))
        outcomes = self.settled()
        self.assertEqual({(one.kind, one.is_shared) for one in outcomes.values()}, {(Kind.DEFERRED, True)})
        self.assertEqual({one.retry_at for one in outcomes.values()}, {1060})

    def test_421_hint(self) -> None:
        """A site that says for how long it wants to be left alone is left for that time, if it is over our pause."""
        for number, (words, retry_at) in enumerate(((b"30 minutes", 1000 + 1800), (b"5 seconds", 1000 + 60))):
            self.relay = self.make()
            self.server.answers = {b"MAIL": b"421 4.7.0 try again in " + words + b"\r\n"}
            self.send(number)
            self.assertEqual(self.settled()[f"m{number}"].retry_at, retry_at)

    def test_421_greeting(self) -> None:
        """A refused greeting counts against the site too, and the transcript shows it."""
        self.server.greeting = b"421 4.3.2 busy\r\n"
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual(
            (outcome.stage, outcome.is_shared, outcome.transcript), ("greeting", True, ("S: 421 4.3.2 busy",))
        )

    def test_hint_of_a_site(self) -> None:
        """A server that says when to come back is left alone until then, whatever else waits for it."""
        self.server.greeting = b"421 4.7.0 try again in 20 minutes\r\n"
        self.send(1)
        self.assertEqual(self.settled()["m1"].retry_at, self.clock.seconds() + 1200)
        self.server.greeting = b"220 mx\r\n"
        self.outcomes.clear()
        self.clock.advance(1190)
        self.send(2)
        self.assertEqual((self.settled()["m2"].kind, len(self.network.dialled)), (Kind.DEFERRED, 1))
        self.outcomes.clear()
        self.clock.advance(10)
        self.send(3)
        self.assertEqual(self.settled()["m3"].kind, Kind.DELIVERED)

    def test_no_mail_here(self) -> None:
        """A 521 greeting fails for good."""
        self.server.greeting = b"521 no mail here\r\n"
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.reason, outcome.is_hard), (Kind.FAILED, "domain_unknown", True))

    def test_no_mail_at_a_reserve(self) -> None:
        """A host that takes no mail decides nothing while another one may take it later."""
        self.server.greeting = b"521 no mail here\r\n"
        self.resolver.hosts["mx.unknown.org"] = NoDestination(451, "4.4.3", "no answer")
        for number, hosts in enumerate(
            (["mx.dead.org", "mx.example.org"], ["mx.example.org", "mx.dead.org"], ["mx.unknown.org", "mx.example.org"])
        ):
            self.resolver.domains[f"d{number}.org"] = hosts
            self.send(number, address=f"x@d{number}.org")
        for outcome in self.settled().values():
            self.assertEqual((outcome.kind, outcome.stage), (Kind.DEFERRED, "connect"))

    def test_crowded(self) -> None:
        """A refused further connection pauses nothing: the open ones do the work."""
        self.relay = self.make(Limits(connections=5))
        self.send(1)
        self.settled()
        self.server.greeting = b"421 4.7.0 too many connections\r\n"
        self.send(*range(2, 40))
        outcomes = self.settled()
        self.assertEqual({one.kind for one in outcomes.values()}, {Kind.DELIVERED})
        self.assertEqual(len(outcomes), 39)

    def test_crowded_for_a_time(self) -> None:
        """A site that refuses a further connection is not asked for more of them until ten minutes have passed."""
        self.relay = self.make(Limits(connections=3, idle_seconds=3600))
        self.send(1)
        self.settled()
        self.server.greeting = b"421 4.7.0 too many connections\r\n"
        self.send(*range(2, 20))
        self.settled()
        refused = len(self.network.dialled)
        self.assertEqual(refused, 1 + 2)
        self.clock.advance(CAP_SECONDS - 1)
        self.send(*range(20, 40))
        self.settled()
        self.assertEqual(len(self.network.dialled), refused)
        self.server.greeting = b"220 mx.example.org ESMTP\r\n"
        self.clock.advance(1)
        self.send(*range(40, 60))
        outcomes = self.settled()
        self.assertEqual(len(self.network.dialled), refused + 2)
        self.assertEqual({one.kind for one in outcomes.values()}, {Kind.DELIVERED})
        self.assertEqual(len(outcomes), 59)

    def test_fair(self) -> None:
        """One account's flood to a site does not hold another account's message up."""
        self.relay = self.make(Limits(connections=1))
        self.send(*range(100))
        self.send(100, account_id=2)
        self.settled()
        self.assertLess([mail[1][0] for mail in self.server.mails].index(b"user100@example.org"), 5)

    def test_next_host(self) -> None:
        """A host that cannot be reached is followed by the next address and the next host."""
        self.resolver.domains["example.org"] = ["mx.dead.org", "mx.example.org"]
        self.send(1)
        self.assertEqual(self.settled()["m1"].remote, "mx.example.org [192.0.2.1]")
        self.assertEqual([dialled[0] for dialled in self.network.dialled], ["192.0.2.66", "192.0.2.1"])

    def test_dead_last(self) -> None:
        """An address that was dead a moment ago is tried last."""
        self.relay = self.make(Limits(messages_per_connection=1))
        self.resolver.domains["example.org"] = ["mx.dead.org", "mx.example.org"]
        self.send(1)
        self.settled()
        self.send(2)
        self.settled()
        self.assertEqual([dialled[0] for dialled in self.network.dialled][2:], ["192.0.2.1"])

    def test_rate(self) -> None:
        """Connections per minute are kept."""
        self.relay = self.make(Limits(connections=1, messages_per_connection=1, connections_per_minute=2))
        self.send(*range(3))
        self.assertEqual(len(self.settled()), 2)
        self.clock.advance(60)
        self.assertEqual(len(self.settled()), 3)

    def test_total(self) -> None:
        """The connections of all sites are bounded; an idle one gives way."""
        self.relay = self.make(max_connections=1)
        self.network.servers["192.0.2.66"] = MemoryServer()
        self.send(1)
        self.settled()
        self.send(2, address="x@dead.org")
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)
        self.assertIn(b"QUIT", self.server.commands)

    def test_retry_now(self) -> None:
        """An operator's word ends a pause, and asks the DNS anew."""
        for domain in ("dead.org", None):
            self.send(1, address="x@dead.org")
            self.settled()
            self.outcomes.clear()
            self.relay.retry_now(domain)
            before = len(self.network.dialled)
            self.send(1, address="x@dead.org")
            self.settled()
            self.outcomes.clear()
            self.assertEqual(len(self.network.dialled), before + 1)
        self.assertEqual(self.resolver.forgotten, ["dead.org", "mx.dead.org"])


class LossTests(RelayCase):
    def test_after_data(self) -> None:
        """A connection lost before the verdict defers the message, and says that it may come twice."""
        self.server.is_mute_after_data = True
        self.send(1)
        settle(self.clock)
        self.server.transports[0].lose(ConnectionError("reset"))
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.stage, outcome.is_shared), (Kind.DEFERRED, "message", False))
        self.assertIn("twice", outcome.description)

    def test_timeout(self) -> None:
        """A silent server is left after the stage's time."""
        self.relay = self.make(timeouts=Timeouts(message=20))
        self.server.is_mute_after_data = True
        self.send(1)
        settle(self.clock)
        self.clock.advance(19)
        self.assertEqual(self.settled(), {})
        self.clock.advance(2)
        self.assertEqual(self.settled()["m1"].stage, "message")

    def test_silent_greeting(self) -> None:
        """A server without a greeting is left, too."""
        self.server.greeting = b""
        self.relay = self.make(timeouts=Timeouts(greeting=20))
        self.send(1)
        settle(self.clock)
        self.clock.advance(21)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.stage, outcome.is_shared), ("greeting", True))

    def test_kept_connection_lost(self) -> None:
        """A kept connection that the server has closed costs the next job nothing."""
        self.send(1)
        self.settled()
        self.server.transports[0].lose()
        self.send(2)
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)
        self.assertEqual(len(self.server.transports), 2)

    def test_always_hangs_up(self) -> None:
        """A server that hangs up at every MAIL pauses the site instead of being dialled for ever."""
        self.server.answers = {b"MAIL": b"garbage\r\n"}
        self.send(*range(30))
        outcomes = self.settled()
        self.assertEqual({one.kind for one in outcomes.values()}, {Kind.DEFERRED})
        self.assertEqual(len(outcomes), 30)
        self.assertLess(len(self.network.dialled), 15)

    def test_idle_connections_lost(self) -> None:
        """Kept connections that the server closes are nobody's fault, however many at once."""
        self.relay = self.make(Limits(connections=LOST_IN_A_ROW))
        self.send(*range(200))
        self.settled()
        self.assertEqual(len(self.server.transports), LOST_IN_A_ROW)
        for transport in tuple(self.server.transports):
            transport.lose(ConnectionError("reset"))
        settle(self.clock)
        self.send(200)
        self.assertEqual(self.settled()["m200"].kind, Kind.DELIVERED)

    def test_lost_in_a_row(self) -> None:
        """A site that breaks off one transaction after the other is paused, though each was on a connection alone."""
        self.server.is_mute_after_data = True
        for number in range(LOST_IN_A_ROW):
            self.send(number)
            settle(self.clock)
            self.server.transports[-1].lose(ConnectionError("reset"))
            self.assertFalse(self.settled()[f"m{number}"].is_shared)
        self.send(99)
        self.assertTrue(self.settled()["m99"].is_shared)
        self.assertEqual(len(self.network.dialled), LOST_IN_A_ROW)


class DestinationTests(RelayCase):
    def test_no_destination(self) -> None:
        """No such domain fails; a DNS that cannot tell defers."""
        self.resolver.domains["no.org"] = NoDestination(550, "5.1.2", "none")
        self.resolver.domains["null.org"] = NoDestination(556, "5.1.10", "null MX")
        self.resolver.domains["slow.org"] = NoDestination(451, "4.4.3", "servfail")
        self.send(1, address="x@no.org")
        self.send(2, address="x@null.org")
        self.send(3, address="x@slow.org")
        outcomes = self.settled()
        for number in (1, 2):
            outcome = outcomes[f"m{number}"]
            self.assertEqual((outcome.kind, outcome.reason, outcome.is_hard), (Kind.FAILED, "domain_unknown", True))
        self.assertEqual((outcomes["m3"].kind, outcomes["m3"].reason), (Kind.DEFERRED, "network"))

    def test_forbidden_address(self) -> None:
        """A host that leads to a private network fails; one without an address too, one that cannot be told waits."""
        self.resolver.domains.update({"p.org": ["p"], "n.org": ["n"], "t.org": ["t"], "tp.org": ["t", "p"]})
        self.resolver.hosts.update(
            {"p": NoDestination(550, "5.4.6", "private"), "n": (), "t": NoDestination(451, "4.4.3", "servfail")}
        )
        for number, domain in enumerate(("p.org", "n.org", "t.org", "tp.org")):
            self.send(number, address=f"x@{domain}")
        found = [(o.kind, o.reply and o.reply.enhanced, o.is_hard) for _, o in sorted(self.settled().items())]
        deferred = (Kind.DEFERRED, "4.4.3", False)
        self.assertEqual(found, [(Kind.FAILED, "5.4.6", False), (Kind.FAILED, "5.4.4", True), deferred, deferred])

    def test_one_question(self) -> None:
        """Many jobs of a new domain ask once."""
        self.send(*range(50))
        self.settled()
        self.assertEqual(self.resolver.asked, ["example.org"])

    def test_moved(self) -> None:
        """A domain whose hosts have changed is followed within a minute."""
        self.send(1)
        self.settled()
        self.resolver.domains["example.org"] = ["mx.dead.org"]
        self.network.servers["192.0.2.66"] = moved = MemoryServer()
        self.clock.advance(SITE_SECONDS)
        self.send(2)
        self.settled()
        self.assertEqual((len(self.server.mails), len(moved.mails)), (1, 1))

    def test_fault(self) -> None:
        """A fault in finding the site defers."""
        self.send(1, address="x@unknown.org")
        self.assertEqual(self.settled()["m1"].kind, Kind.DEFERRED)
        self.flushLoggedErrors(KeyError)

    def test_route(self) -> None:
        """A route goes to its host and port, with its credentials, and asks no MX."""
        route = Route(domain="*", host="smart", port=2525, tls="none", username="me", password="pw")
        self.resolver.hosts["smart"] = ("192.0.2.1",)
        self.server.extensions = (b"PIPELINING", b"AUTH PLAIN")
        self.server.answers = {b"AUTH": b"235 ok\r\n"}
        self.relay = self.make(routes=(route,))
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.site), (Kind.DELIVERED, "smart:2525"))
        self.assertEqual((self.network.dialled, self.resolver.asked), ([("192.0.2.1", 2525, "")], []))

    def test_auth_refused(self) -> None:
        """Wrong credentials of a route defer, since the mail is not at fault."""
        route = Route(domain="*", host="smart", tls="none", username="me", password="secret")
        self.resolver.hosts["smart"] = ("192.0.2.1",)
        self.server.extensions = (b"AUTH PLAIN",)
        self.server.answers = {b"AUTH": b"535 5.7.8 no\r\n"}
        self.relay = self.make(routes=(route,))
        self.send(1)
        outcome = self.settled()["m1"]
        self.assertEqual((outcome.kind, outcome.stage, outcome.is_shared), (Kind.DEFERRED, "auth", True))
        self.assertNotIn("secret", repr(outcome))
        self.assertNotIn("AG1l", repr(outcome))

    def test_source_addresses(self) -> None:
        """Our addresses take turns, each for its own family."""
        self.relay = self.make(
            Limits(messages_per_connection=1), source_addresses=("198.51.100.1", "198.51.100.2", "::5")
        )
        for number in range(2):
            self.send(number)
            self.settled()
        self.assertEqual({dialled[2] for dialled in self.network.dialled}, {"198.51.100.1", "198.51.100.2"})


class DrainTests(RelayCase):
    def drain(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.relay.drain())

    def advance_until(self, work: Deferred[None], seconds: float) -> None:
        end = self.clock.seconds() + seconds
        while not work.called and self.clock.seconds() < end:
            self.clock.advance(0.05)

    def test_waiting_is_released(self) -> None:
        """Waiting jobs are released, the open transaction ends, new jobs are released."""
        self.relay = self.make(Limits(connections=1))
        self.send(*range(9))
        settle(self.clock, 5)
        work = self.drain()
        self.send(9)
        self.advance_until(work, 10)
        self.successResultOf(work)
        kinds = [outcome.kind for outcome in by_id(self.outcomes).values()]
        self.assertEqual(len(kinds), 10)
        self.assertEqual(set(kinds), {Kind.DELIVERED, Kind.RELEASED})
        self.assertEqual(kinds.count(Kind.DELIVERED), len(self.server.mails))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle_is_closed(self) -> None:
        """Kept connections say QUIT."""
        self.send(1)
        self.settled()
        work = self.drain()
        self.advance_until(work, 5)
        self.successResultOf(work)
        self.assertIn(b"QUIT", self.server.commands)

    def test_limit(self) -> None:
        """What does not end in time is cut off; each job is still reported once."""
        self.relay = self.make(drain_seconds=3)
        self.server.is_mute_after_data = True
        self.send(1, 2)
        settle(self.clock)
        work = self.drain()
        self.advance_until(work, 2)
        self.assertNoResult(work)
        self.advance_until(work, 5)
        self.successResultOf(work)
        outcomes = by_id(self.outcomes)
        # Nothing was said about the second: it was never attempted.
        self.assertEqual([outcomes[one].kind for one in ("m1", "m2")], [Kind.DEFERRED, Kind.RELEASED])

    def test_cut_off(self) -> None:
        """A message that is cut off before its content was sent was not attempted: it is given back, not deferred."""
        self.relay = self.make(drain_seconds=3)
        self.server.extensions, self.server.answers = (b"DSN",), {b"RCPT": b"250-wait\r\n"}
        self.send(1)
        settle(self.clock)
        work = self.drain()
        self.advance_until(work, 10)
        self.successResultOf(work)
        self.assertEqual([outcome.kind for outcome in self.outcomes], [Kind.RELEASED])

    def test_dialling(self) -> None:
        """A dial under way is given up at once."""
        self.network.servers["192.0.2.66"] = None
        self.send(1, address="x@dead.org")
        settle(self.clock)
        work = self.drain()
        self.advance_until(work, 2)
        self.successResultOf(work)
        self.assertEqual(self.outcomes[0].kind, Kind.RELEASED)

    def test_rendering(self) -> None:
        """A render that never ends does not hold the server up, and its job is released."""

        def never(seven_bit: bool) -> Awaitable[bytes]:
            return Deferred()

        render: Callable[[bool], Awaitable[bytes]] = never
        self.relay = self.make(drain_seconds=1)
        self.send(1, render=render)
        settle(self.clock)
        work = self.drain()
        self.advance_until(work, 4)
        self.successResultOf(work)
        self.assertEqual([outcome.kind for outcome in self.outcomes], [Kind.RELEASED])


class SlowRenderTests(RelayCase):
    def test_connection_ends_meanwhile(self) -> None:
        """A job whose connection ends while it is rendered goes to another one."""
        pending: list[Deferred[bytes]] = []

        def slow(seven_bit: bool) -> Awaitable[bytes]:
            pending.append(Deferred())
            return pending[-1]

        self.send(1)
        self.settled()
        self.send(2, render=slow)
        settle(self.clock)
        self.server.transports[0].lose()
        pending[0].callback(b"late\r\n")
        settle(self.clock)
        pending[1].callback(b"x\r\n")
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)

    def test_connection_ended_long_ago(self) -> None:
        """So does a job that is rendered after all that followed from the end of its connection is done."""
        pending: list[Deferred[bytes]] = []

        def slow(seven_bit: bool) -> Awaitable[bytes]:
            pending.append(Deferred())
            return pending[-1]

        self.send(1)
        self.settled()
        self.send(2, render=slow)
        settle(self.clock)
        self.server.transports[0].lose()
        settle(self.clock)
        pending[0].callback(b"late\r\n")
        settle(self.clock)
        pending[1].callback(b"x\r\n")
        self.assertEqual(self.settled()["m2"].kind, Kind.DELIVERED)

    def test_connections_end_always(self) -> None:
        """A server that lets us in and breaks off before anything was sent is paused, not dialled for ever."""
        pending: list[Deferred[bytes]] = []

        def slow(seven_bit: bool) -> Awaitable[bytes]:
            pending.append(Deferred())
            return pending[-1]

        self.send(1, render=slow)
        settle(self.clock)
        for _ in range(LOST_IN_A_ROW):
            self.server.transports[-1].lose(ConnectionError("reset"))
            settle(self.clock)
            pending[-1].callback(b"x\r\n")
            settle(self.clock)
        self.assertTrue(self.settled()["m1"].is_shared)
        self.assertEqual(len(self.server.transports), LOST_IN_A_ROW)

    def test_order_of_need(self) -> None:
        """The content is asked for once per attempt."""
        count: list[bool] = []
        original = rendering()

        async def counted(seven_bit: bool) -> bytes:
            count.append(seven_bit)
            return await original(seven_bit)

        self.send(1, render=counted)
        self.settled()
        self.assertEqual(count, [False])
