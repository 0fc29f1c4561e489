"""Tests of L{smtpeter.archive.chores}."""

from collections.abc import Callable, Mapping

from attrs import define, field
from twisted.trial.unittest import SynchronousTestCase
from typing_extensions import override

from smtpeter.archive.chores import PACK_AFTER_SECONDS, Packing, Removal
from smtpeter.boundaries.archive import PackingStore
from smtpeter.mime.pieces import unpack
from smtpeter.model.archive import Finished, Packed, Swept
from tests.support.database import now


class _Threads:
    """Without threads."""

    async def run(
        self, function: Callable[[Mapping[str, bytes]], dict[str, Packed]], contents: Mapping[str, bytes], /
    ) -> dict[str, Packed]:
        return function(contents)


@define(eq=False)
class _Store(PackingStore):
    """Notes what it is asked."""

    pages: list[Finished]
    is_free: bool = True
    asked: list[tuple[float, str, int]] = field(factory=list)
    put: dict[str, Packed] = field(factory=dict)

    @override
    async def find_finished(self, before: float, after: str, limit: int, max_bytes: int) -> Finished:
        self.asked.append((before, after, limit))
        return self.pages[0]

    @override
    async def put_away(self, packed: Mapping[str, Packed]) -> bool:
        if self.is_free:
            self.put.update(packed)
            del self.pages[0]
        return self.is_free


class PackingTests(SynchronousTestCase):
    """Packing, step by step."""

    def test_pages(self) -> None:
        """What is found is packed and put away; the next step goes on where this one ended, and in the end anew."""
        store = _Store([Finished(contents={"a": b"x" * 500}, next="a"), Finished(contents={}, next=None)])
        chore = Packing(store, _Threads())
        self.assertEqual(now(chore.step(5000.0, 7)), (1, True))
        self.assertEqual(unpack(store.put["a"]), b"x" * 500)
        self.assertEqual(now(chore.step(5000.0, 9)), (0, False))
        now(chore.step(5000.0, 9))
        young = 5000.0 - PACK_AFTER_SECONDS
        self.assertEqual(store.asked, [(young, "", 7), (young, "a", 9), (young, "", 9)])

    def test_not_our_turn(self) -> None:
        """While another node packs, this one stays where it is and asks again in the next round."""
        store = _Store([Finished(contents={"a": b"x"}, next="a")], is_free=False)
        chore = Packing(store, _Threads())
        self.assertEqual(now(chore.step(5000.0, 7)), (0, False))
        now(chore.step(5000.0, 7))
        self.assertEqual([after for _, after, _ in store.asked], ["", ""])


class RemovalTests(SynchronousTestCase):
    """Retention, step by step."""

    def test_pages(self) -> None:
        """Steps go through what is past its age, and then begin anew."""
        asked: list[tuple[float, str, int]] = []
        answers = [Swept(removed=3, next="c"), Swept(removed=0, next=None), Swept(removed=0, next=None)]

        async def sweep(before: float, after: str, limit: int) -> Swept:
            asked.append((before, after, limit))
            return answers[len(asked) - 1]

        chore = Removal("things removed", sweep, 100.0)
        self.assertEqual([now(chore.step(1000.0, 5)) for _ in range(3)], [(3, True), (0, False), (0, False)])
        self.assertEqual(asked, [(900.0, "", 5), (900.0, "c", 5), (900.0, "", 5)])
