"""Tests of what is kept of changed parts, and for how long."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.prepare.changes import ChangeKey, Changes
from smtpeter.prepare.html_part import Change, Wanted
from smtpeter.prepare.transfer import Base64Lines

WANTED = Wanted(clicks=True, opens=True, preventscam=False, kept=frozenset())


def key(name: str) -> ChangeKey:
    """Of a part of that name."""
    return ChangeKey(digest=name.encode(), encoding="", charset="", is_inlined=False, wanted=WANTED, first_link=1)


class ChangesTests(SynchronousTestCase):
    @override
    def setUp(self) -> None:
        self.clock = Clock()
        self.changes = Changes(20_000, self.clock.seconds)
        self.made: list[str] = []

    def ask(self, name: str, change: Change | None = None, seconds: float = 60.0) -> Change:
        """Ask for a change, and make it if it is not kept."""

        async def make() -> tuple[Change, float]:
            self.made.append(name)
            return change or Change(segments=(b"x" * 3000,)), seconds

        found: Change = self.successResultOf(Deferred.fromCoroutine(self.changes.get(key(name), make)))
        return found

    def test_longest_unused(self) -> None:
        """When there is too much, what was not asked for longest goes first."""
        for name in "abcde":
            self.ask(name)
        self.ask("a")
        self.ask("f")
        self.ask("a")
        self.assertEqual("".join(self.made), "abcdef")
        self.ask("b")
        self.assertEqual("".join(self.made), "abcdefb")

    def test_large(self) -> None:
        """What takes over a quarter is not kept: it would drive out too many; base64 counts by what is in it."""
        plain, lines = (b"x" * 4500,), (Base64Lines(pieces=(b"x" * 4500,), length=76, end=b""),)
        for segments in (plain, lines):
            for _ in range(2):
                self.ask("a", Change(segments=segments))
        self.assertEqual(self.made, ["a"] * 4)
        for _ in range(2):
            self.ask("b", Change(segments=(b"x" * 3900,)))
        self.assertEqual(self.made, ["a"] * 4 + ["b"])

    def test_time(self) -> None:
        """It is kept as long as its maker says, and made anew then."""
        for age, count in ((0, 1), (59, 1), (1, 2)):
            self.clock.advance(age)
            self.ask("a")
            self.assertEqual(len(self.made), count)

    def test_size_is_given_back(self) -> None:
        """What is made anew takes the place of what was kept, and no more room."""
        for _ in range(50):
            self.ask("a", seconds=0)
        self.ask("b")
        self.ask("b")
        self.assertEqual(self.made.count("b"), 1)

    def test_together(self) -> None:
        """Who asks for what is being made waits for it; when that fails all are told, and the next makes it anew."""
        for is_made in (True, False):
            making: Deferred[tuple[Change, float]] = Deferred()
            asked = [self.wait_for(f"{is_made}", making) for _ in range(3)]
            self.assertEqual(len(self.made), 1)
            if is_made:
                making.callback((change := Change(links=7), 60.0))
                self.assertEqual([self.successResultOf(one) for one in asked], [change] * 3)
            else:
                making.errback(ZeroDivisionError())
                for one in asked:
                    self.failureResultOf(one, ZeroDivisionError)
            self.ask(f"{is_made}")
            self.assertEqual(len(self.made), 1 if is_made else 2)
            self.made.clear()

    def wait_for(self, name: str, making: "Deferred[tuple[Change, float]]") -> "Deferred[Change]":
        """Ask for a change that takes its time."""

        async def make() -> tuple[Change, float]:
            self.made.append(name)
            return await making

        return Deferred.fromCoroutine(self.changes.get(key(name), make))
