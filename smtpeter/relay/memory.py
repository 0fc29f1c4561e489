"""Remembers a bounded number of things for a time: the oldest go first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@define(eq=False)
class Memory(Generic[K, V]):
    """A map whose entries end by themselves. Times are seconds of one clock."""

    _max_entries: int
    _entries: OrderedDict[K, tuple[float, V]] = field(factory=OrderedDict)

    def get(self, key: K, now: float) -> V | None:
        """What is remembered; C{None} when nothing is, or not any more."""
        found = self._entries.get(key)
        if found is None:
            return None
        if found[0] <= now:
            del self._entries[key]
            return None
        return found[1]

    def put(self, key: K, value: V, until: float) -> None:
        """Remember until then, unless too much newer comes."""
        self._entries[key] = (until, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def forget(self, key: K) -> None:
        """Remember it no longer."""
        self._entries.pop(key, None)

    def values(self) -> list[V]:
        """Everything that is still kept, oldest first."""
        return [value for _, value in self._entries.values()]

    def clear(self) -> None:
        """Remember nothing."""
        self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
