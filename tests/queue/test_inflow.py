"""Tests of L{smtpeter.queue.inflow}, alone and in the pump."""

from collections.abc import Awaitable

from attrs import fields_dict
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.message import State, Submission
from smtpeter.queue.inflow import IMPATIENT_SECONDS, LINES_AT_ONCE, MOST_MESSAGES, Ask, Inflow
from smtpeter.queue.pump import Pump
from tests.queue.bench import Bench, bench
from tests.queue.samples import submission
from tests.support.relay import delivered


def ask(messages: int = 1, account_id: int = 1, domain: str = "example.net") -> Ask:
    """Room for some messages of 100 octets."""
    return Ask(messages, 100, account_id, frozenset((domain,)))


class InflowTests(SynchronousTestCase):
    """The lines."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.room = 0
        self.tried: list[Ask] = []
        self.inflow = Inflow(self.clock, 1.0, self.reserve)
        self.answers: list[tuple[str, bool]] = []

    def reserve(self, wanted: Ask) -> bool:
        """While there is room."""
        self.tried.append(wanted)
        if self.room < wanted.messages:
            return False
        self.room -= wanted.messages
        return True

    def wait(self, name: str, wanted: Ask | None = None) -> None:
        """Somebody waits."""
        _ = self.inflow.wait(wanted or ask()).addCallback(lambda granted: self.answers.append((name, granted)))

    def test_order(self) -> None:
        """Room that becomes free is given in the order of coming, to as many as it is enough for."""
        for name in "abc":
            self.wait(name)
        self.inflow.freed()
        self.assertEqual(self.answers, [])
        self.room = 2
        self.inflow.freed()
        self.assertEqual((self.answers, self.room), ([("a", True), ("b", True)], 0))
        self.assertTrue(self.inflow.has_line(ask()))
        self.room = 1
        self.inflow.freed()
        self.assertEqual(self.answers[2:], [("c", True)])
        self.assertFalse(self.inflow.is_waiting or self.inflow.has_line(ask()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lines(self) -> None:
        """Who waits for other shares waits in another line, and lines that are looked at in vain go behind the rest."""
        count = LINES_AT_ONCE + 2
        for account in range(count):
            self.wait(str(account), ask(account_id=account))
        self.inflow.freed()
        self.inflow.freed()
        tried = [one.account_id for one in self.tried]
        self.assertEqual(tried, [*range(count), *range(2 * LINES_AT_ONCE - count)])
        self.assertFalse(self.inflow.has_line(ask(domain="example.org")))

    def test_in_vain(self) -> None:
        """Who finds none in time is told so; then nobody waits for a while."""
        self.wait("a")
        self.clock.advance(0.5)
        self.wait("b")
        self.assertTrue(self.inflow.may_wait(1))
        self.clock.advance(0.5)
        self.assertEqual(self.answers, [("a", False)])
        self.assertFalse(self.inflow.may_wait(1))
        self.clock.advance(0.5)
        self.assertEqual(self.answers[1:], [("b", False)])
        self.assertFalse(self.inflow.is_waiting)
        self.clock.advance(IMPATIENT_SECONDS - 0.5)
        self.assertTrue(self.inflow.may_wait(1))

    def test_large(self) -> None:
        """Many recipients do not wait."""
        self.assertTrue(self.inflow.may_wait(MOST_MESSAGES))
        self.assertFalse(self.inflow.may_wait(MOST_MESSAGES + 1))

    def test_end(self) -> None:
        """At the end all are told no, and nobody waits any more, nor a timer."""
        self.wait("a")
        self.clock.advance(1)
        self.wait("b")
        self.inflow.clear()
        self.assertEqual(self.answers, [("a", False), ("b", False)])
        self.assertFalse(self.inflow.may_wait(1) or self.inflow.is_waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_meanwhile(self) -> None:
        """Who comes while answers are given stands behind those who waited."""
        _ = self.inflow.wait(ask()).addCallback(lambda granted: self.wait("late"))
        self.wait("early")
        self.room = 1
        self.inflow.freed()
        self.room = 1
        self.inflow.freed()
        self.assertEqual(self.answers, [("early", True)])
        self.room = 1
        self.inflow.freed()
        self.assertEqual(self.answers, [("early", True), ("late", True)])

    def test_in_front(self) -> None:
        """Who is in front has the room first, even if it is too little and would be enough for the next."""
        self.wait("much", ask(messages=3))
        self.wait("little")
        self.room = 2
        self.inflow.freed()
        self.assertEqual(self.answers, [])
        self.room = 4
        self.inflow.freed()
        self.assertEqual(self.answers, [("much", True), ("little", True)])


class PumpTests(SynchronousTestCase):
    """New mail before a memory that is full, as far as the shares of an account and a domain go."""

    @override
    def setUp(self) -> None:
        self.desk: Bench = bench(max_messages=16, wait_seconds=1.0)
        self.sent: list[Submission] = []
        while self.desk.pump.budget.may_add(1, {"example.net"}):
            self.sent.append(submission())
            self.desk.accept(self.sent[-1])
        self.desk.settle_down()
        self.granted: list[bool] = []

    def ask(self, account_id: int = 1, domain: str = "example.net", messages: int = 1) -> "bool | Awaitable[bool]":
        """More mail comes."""
        room = self.desk.pump.reserve(messages, 100, account_id, {domain})
        if isinstance(room, Deferred):
            _ = room.addCallback(self.granted.append)
        return room

    def deliver(self, mail: Submission) -> None:
        """One message leaves the memory."""
        self.desk.relay.end(mail.messages[0].id, delivered())
        self.assertEqual(self.desk.states(mail), [State.DELIVERED])

    def test_of_the_server(self) -> None:
        """Where nothing else is said it waits for up to a second."""
        self.assertEqual(fields_dict(Pump)["wait_seconds"].default, 1.0)

    def test_waits(self) -> None:
        """It gets the room that a delivery leaves; who has a share of their own does not wait."""
        self.assertIsInstance(self.ask(), Deferred)
        self.assertIs(self.ask(account_id=2, domain="example.org"), True)
        self.assertEqual(self.granted, [])
        self.deliver(self.sent[0])
        self.deliver(self.sent[1])
        self.assertEqual(self.granted, [True])

    def test_behind(self) -> None:
        """Who comes later stands behind who waits, even where there would be room."""
        self.assertIsInstance(self.ask(messages=20), Deferred)
        for mail in self.sent:
            self.deliver(mail)
        self.assertTrue(self.desk.pump.budget.may_add(1, {"example.net"}))
        self.assertIsInstance(self.ask(), Deferred)
        self.assertEqual(self.granted, [])

    def test_closed(self) -> None:
        """While mail does not move nobody waits."""
        self.desk.pump._gate.close("a test")
        self.assertIs(self.ask(), False)

    def test_backlog(self) -> None:
        """While mail in storage has found no room nobody waits: it would be overtaken for ever."""
        self.ask()
        self.desk.clock.advance(1)
        self.assertEqual(self.granted, [False])
        self.desk.store.faults["claim_due"] = RuntimeError()
        self.desk.settle_down(IMPATIENT_SECONDS + 1)
        self.flushLoggedErrors(RuntimeError)
        self.assertIs(self.ask(), False)

    def test_stop(self) -> None:
        """A stop keeps nobody waiting."""
        self.ask()
        _ = self.desk.pump.stopService()
        self.assertEqual(self.granted, [False])
