"""
What is done to mail after its delivery, as steps that are bounded in rows and bytes.

A content is stored as it came: hashing and compressing it first would cost every acceptance what only the archive
gains, and the writer of the database is the narrowest place of all. When all messages of a submission are final it is
packed (L{smtpeter.mime.pieces}): read by a reader, divided and compressed in a work thread, written in a transaction
whose rows are small. Until then a crash finds it as it came; afterwards it is read from its pieces.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from attrs import define, field
from typing_extensions import override

from smtpeter.archive.threads import Threads
from smtpeter.boundaries.archive import PackingStore
from smtpeter.mime.pieces import pack
from smtpeter.model.archive import Packed, Swept

PACK_AFTER_SECONDS = 600.0
"""Younger contents are left alone: most of their time they wait for the last of their recipients."""

MAX_BYTES = 4 * 1024 * 1024
"""How much a step packs (or one content): this much is in memory, and compressed in some 50 ms of a thread."""

Sweep = Callable[[float, str, int], Awaitable[Swept]]
"""A method of L{smtpeter.boundaries.archive.RetentionStore}."""


class Chore(Protocol):
    """Work that comes up again and again."""

    @property
    def name(self) -> str:
        """What was done to how many, for the log."""

    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        """
        Do a bit.

        @param now: POSIX seconds.
        @param limit: how many rows may be looked at.
        @return: how many things were done, and whether there is more to do at once.
        @raise StorageBusy: not now; nothing was done.
        """


@define(eq=False)
class Packing(Chore):
    """Packs the contents of what is delivered."""

    name = "contents packed"
    _store: PackingStore
    _threads: Threads
    _after: str = field(default="", init=False)

    @override
    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        """Pack some."""
        found = await self._store.find_finished(now - PACK_AFTER_SECONDS, self._after, limit, MAX_BYTES)
        if found.contents:
            packed = await self._threads.run(pack_all, found.contents)
            if not await self._store.put_away(packed):
                return 0, False
        self._after = found.next or ""
        return len(found.contents), found.next is not None


@define(eq=False)
class Removal(Chore):
    """Removes one kind of things that are past their age."""

    name: str
    _sweep: Sweep
    _age_seconds: float
    _after: str = field(default="", init=False)

    @override
    async def step(self, now: float, limit: int) -> tuple[int, bool]:
        """Remove some."""
        swept = await self._sweep(now - self._age_seconds, self._after, limit)
        self._after = swept.next or ""
        return swept.removed, swept.next is not None


def pack_all(contents: Mapping[str, bytes]) -> dict[str, Packed]:
    """The packed forms; called in a thread."""
    return {key: pack(content) for key, content in contents.items()}
