"""Tests of the search for sites: who waits for whom."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.model.outcome import Outcome, Reply
from smtpeter.relay.destinations import Exchange, NoDestination, Site, site_of
from smtpeter.relay.lines import Entry
from smtpeter.relay.locating import Locator
from smtpeter.relay.slots import Slots
from tests.relay.support import make_job, settle


class LocatorTests(SynchronousTestCase):
    """L{Locator} with eight slots."""

    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: dict[str, Deferred[Site]] = {}
        self.told: list[tuple[str, str, list[str]]] = []
        self.locator = Locator(find=self.find, found=self.found, unfound=self.unfound, slots=Slots(8, self.clock))

    async def find(self, domain: str) -> Site:
        assert domain not in self.asked, "asked for twice"
        self.asked[domain] = Deferred()
        return await self.asked[domain]

    def found(self, domain: str, site: Site, entries: list[Entry]) -> None:
        self.told.append((domain, site.name, [entry.job.message_id for entry in entries]))

    def unfound(self, domain: str, reply: Reply, entries: list[Entry]) -> None:
        self.told.append((domain, reply.enhanced, [entry.job.message_id for entry in entries]))

    def add(self, number: int, domain: str, account: int = 1) -> None:
        """Another message for that domain."""

        def report(outcome: Outcome) -> None:
            raise AssertionError("told by the locator")

        self.locator.add(Entry(make_job(number, f"x@{domain}", account_id=account), report))

    def answer(self, domain: str) -> None:
        """The DNS says where it is."""
        self.asked[domain].callback(site_of([Exchange(name=f"mx.{domain}")], 25))
        settle(self.clock)

    def test_once(self) -> None:
        """A domain is looked for once, and all who want to know are told; later ones ask anew."""
        self.add(1, "a")
        self.add(2, "a")
        self.answer("a")
        self.assertEqual(self.told, [("a", "mx.a", ["m1", "m2"])])
        del self.asked["a"]
        self.add(3, "a")
        self.assertIn("a", self.asked)

    def test_unfound(self) -> None:
        """What the DNS says is passed on; a fault of ours is logged, and the mail waits."""
        self.add(1, "a")
        self.add(2, "b")
        self.asked["a"].errback(NoDestination(550, "5.1.2", "no such domain"))
        self.asked["b"].errback(ZeroDivisionError())
        self.assertEqual(self.told, [("a", "5.1.2", ["m1"]), ("b", "4.3.0", ["m2"])])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_silent_domains(self) -> None:
        """Domains of one account that are not answered hold up neither another account's search nor all slots."""
        for number in range(100):
            self.add(number, f"silent{number}")
        self.assertEqual(len(self.asked), 6)
        self.add(100, "good", account=2)
        self.answer("good")
        self.assertEqual(self.told, [("good", "mx.good", ["m100"])])

    def test_waiting(self) -> None:
        """Who waits gets the next slot, and each domain its turn."""
        for number in range(50):
            self.add(number, f"d{number}")
        while waiting := [domain for domain, asked in self.asked.items() if not asked.called]:
            self.assertLessEqual(len(waiting), 6)
            self.answer(waiting[0])
        self.assertEqual(
            sorted(message for *_, found in self.told for message in found), sorted(f"m{n}" for n in range(50))
        )

    def test_same_domain(self) -> None:
        """Who wants to know a domain that waits in another's name has it looked for in the own name."""
        for number in range(7):
            self.add(number, f"silent{number}")
        self.assertNotIn("silent6", self.asked)
        self.add(7, "silent6", account=2)
        self.assertIn("silent6", self.asked)

    def test_taken_out(self) -> None:
        """What is taken out is nobody's any more, whether it was begun or not, and harms nothing later."""
        for number in range(8):
            self.add(number, f"d{number}")
        self.assertEqual(len(self.locator.take_all()), 8)
        self.answer("d0")
        self.assertEqual(self.told, [("d0", "mx.d0", [])])
        self.assertEqual(len(self.asked), 6)
        self.assertEqual(self.locator.take_all(), [])
