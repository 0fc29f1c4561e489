"""The connections of all sites together, and whose they are."""

from typing import Any

from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpeter.model.outcome import Kind
from smtpeter.relay.slots import Slots
from tests.relay.support import MemoryServer, make_job, settle
from tests.relay.test_relay import RelayCase


@define(eq=False)
class Pool:
    """Wants so many connections for an account."""

    slots: Slots
    account: int
    wanted: int = 0
    held: int = 0

    def pump(self) -> None:
        while self.wanted and self.slots.take(self, [self.account]):
            self.wanted -= 1
            self.held += 1

    def close(self) -> None:
        self.held -= 1
        self.slots.give_back(self)


@define(eq=False)
class Kept:
    """A connection that notes its end."""

    name: str
    ended: list[str]

    def quit(self) -> None:
        self.ended.append(self.name)


class SlotsTests(SynchronousTestCase):
    def pools(self, limit: int, *wanted: int) -> tuple[Clock, list[Pool]]:
        """A pool for each account, which wants so many."""
        clock = Clock()
        slots = Slots(limit, clock)
        pools = [Pool(slots, account, wish) for account, wish in enumerate(wanted)]
        for pool in pools:
            pool.pump()
        return clock, pools

    def test_alone(self) -> None:
        """One account alone gets three quarters, and all of very few."""
        self.assertEqual(self.pools(1000, 5000)[1][0].held, 750)
        self.assertEqual(self.pools(1, 5)[1][0].held, 1)

    def test_newcomer(self) -> None:
        """Whoever comes after others have taken what they can still finds some free."""
        _, pools = self.pools(1000, 5000, 5000, 5000, 1)
        self.assertEqual(pools[3].held, 1)

    def test_waiting(self) -> None:
        """When one becomes free it goes to the account that holds least; what it leaves goes to the next."""
        clock, (flood, other) = self.pools(8, 50, 50)
        held = flood.held, other.held
        other.wanted = 1
        flood.close()
        clock.advance(0)
        self.assertEqual((flood.held, other.held), (held[0] - 1, held[1] + 1))
        other.close()
        other.close()
        clock.advance(0)
        self.assertGreater(flood.held, held[0] - 1)

    def test_longest_idle(self) -> None:
        """Of idle connections that which has been idle longest gives way; one that works again does not."""
        clock = Clock()
        slots = Slots(1, clock)
        ended: list[str] = []
        kept = {name: Kept(name, ended) for name in "abc"}
        for name in "abca":
            slots.busy(kept[name])
            slots.idle(kept[name])
        slots.busy(kept["b"])
        Pool(slots, 1, 1).pump()
        for _ in range(3):
            self.assertFalse(slots.take(Pool(slots, 2), [2]))
        clock.advance(0)
        self.assertEqual(ended, ["c", "a"])

    def test_no_longer_wanted(self) -> None:
        """Who needs none any more when called does not keep it from who waits behind."""
        clock, (first, second) = self.pools(2, 9, 9)
        self.assertEqual((first.held, second.held), (2, 0))
        second.wanted = 0
        first.close()
        clock.advance(0)
        self.assertEqual(first.held, 2)

    def test_many_become_free(self) -> None:
        """All that become free at a time are given away in one turn."""
        clock = Clock()
        slots = Slots(8, clock)
        pools = [Pool(slots, 1, 1) for _ in range(12)]
        for pool in pools:
            pool.pump()
        for pool in pools[:4]:
            pool.close()
        turn: Any = clock.getDelayedCalls()[0]
        turn.func()
        self.assertEqual([pool.held for pool in pools], [0] * 4 + [1] * 6 + [0] * 2)

    @settings(max_examples=50)
    @given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
    def test_bounded(self, limit: int, steps: list[tuple[int, bool]]) -> None:
        """Never more than there are, and when all is closed everybody gets what was wanted."""
        clock, pools = self.pools(limit, 0, 0, 0, 0)
        for number, is_wanted in steps:
            if is_wanted:
                pools[number].wanted += 1
                pools[number].pump()
            elif pools[number].held:
                pools[number].close()
            clock.advance(0)
            self.assertLessEqual(sum(pool.held for pool in pools), limit)
        for _ in range(200):
            for pool in pools:
                while pool.held:
                    pool.close()
            clock.advance(0)
        self.assertEqual(sum(pool.wanted + pool.held for pool in pools), 0)

    def idle(self, clock: Clock, *pools: Pool) -> list[Pool]:
        """A kept connection of each pool has nothing to do; gives those that are told to close, when they have."""
        told: list[Pool] = []

        @define(eq=False)
        class Kept:
            pool: Pool

            def quit(self) -> None:
                told.append(self.pool)

        for pool in pools:
            pool.slots.idle(Kept(pool))
            clock.advance(0)
        return told

    def test_idle(self) -> None:
        """A connection that becomes idle gives way to who waits already, and no more of them than who waits."""
        clock, (first, second) = self.pools(2, 2, 1)
        self.assertEqual((first.held, second.held), (2, 0))
        told = self.idle(clock, first, first)
        self.assertEqual(len(told), 1)
        first.close()
        clock.advance(0)
        self.assertEqual((first.held, second.held), (1, 1))

    def test_nobody_waits(self) -> None:
        """An idle connection is kept while nobody waits."""
        clock, (first, _) = self.pools(2, 2, 0)
        self.assertEqual(self.idle(clock, first, first), [])


class DestinationsTests(RelayCase):
    def test_one_message_each(self) -> None:
        """More destinations than connections get their mail one after the other, although connections are kept."""
        self.relay = self.make(max_connections=8)
        servers = []
        for number in range(50):
            servers.append(MemoryServer())
            self.resolver.domains[f"d{number}.org"] = [f"mx{number}"]
            self.resolver.hosts[f"mx{number}"] = (f"198.51.100.{number}",)
            self.network.servers[f"198.51.100.{number}"] = servers[-1]
            self.send(number, address=f"x@d{number}.org")
        settle(self.clock, 2000)
        self.assertEqual({outcome.kind for outcome in self.settled().values()}, {Kind.DELIVERED})
        self.assertEqual([len(server.mails) for server in servers], [1] * 50)


class DeadDestinationsTests(RelayCase):
    def test_many(self) -> None:
        """One account's mail to more silent destinations than there are connections delays nobody else's."""
        self.relay = self.make(max_connections=8)
        for number in range(50):
            self.resolver.domains[f"d{number}.org"] = [f"mx{number}"]
            self.resolver.hosts[f"mx{number}"] = (f"198.51.100.{number}",)
            self.network.servers[f"198.51.100.{number}"] = None
            self.send(number, address=f"x@d{number}.org")
        self.settled()
        self.relay.send(make_job(99, account_id=2), self.outcomes.append)
        self.assertEqual(self.settled()["m99"].kind, Kind.DELIVERED)
