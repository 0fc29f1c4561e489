"""
Changed HTML parts that are kept, so that repeated HTML costs nothing.

The least recently used go first when all together take too much memory. Who asks for what is being made waits for it.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import blake2b

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from smtpeter.mime.document import Part
from smtpeter.prepare.html_part import Change, Wanted
from smtpeter.prepare.transfer import Base64Lines, Segment

_MARK_BYTES = 600
"""About what a link keeps in memory: its MAC, begun."""

_ENTRY_BYTES = 1000


@frozen(kw_only=True, cache_hash=True)
class ChangeKey:
    """All that a change depends on."""

    digest: bytes
    """Of the encoded body."""
    encoding: str
    charset: str
    is_inlined: bool
    wanted: Wanted
    first_link: int


def change_key(content: bytes, part: Part, is_inlined: bool, wanted: Wanted, first_link: int) -> ChangeKey:
    """The key of a part's change."""
    return ChangeKey(
        digest=blake2b(memoryview(content)[part.body_start : part.end], digest_size=32).digest(),
        encoding=part.encoding,
        charset=part.charset,
        is_inlined=is_inlined,
        wanted=wanted,
        first_link=first_link,
    )


@frozen(kw_only=True)
class _Entry:
    change: Change
    size: int
    ends_at: float


@define(eq=False)
class Changes:
    """The kept changes. They belong to one set of keys and one tracking base."""

    _max_bytes: int
    _seconds: Callable[[], float]
    _entries: OrderedDict[ChangeKey, _Entry] = field(factory=OrderedDict, init=False, repr=False)
    _making: dict[ChangeKey, list[Deferred[Change]]] = field(factory=dict, init=False, repr=False)
    _bytes: int = field(default=0, init=False)

    async def get(self, key: ChangeKey, make: Callable[[], Awaitable[tuple[Change, float]]]) -> Change:
        """
        The change of that key.

        @param make: makes it, and tells for how many seconds it may be kept. What it raises, all who wait get.
        """
        entry = self._entries.get(key)
        if entry is not None and entry.ends_at > self._seconds():
            self._entries.move_to_end(key)
            return entry.change
        if key in self._making:
            done: Deferred[Change] = Deferred()
            self._making[key].append(done)
            return await done
        self._making[key] = []
        try:
            change, seconds = await make()
        except BaseException as problem:
            for waiting in self._making.pop(key):
                waiting.errback(problem)
            raise
        self._keep(key, change, seconds)
        for waiting in self._making.pop(key):
            waiting.callback(change)
        return change

    def _keep(self, key: ChangeKey, change: Change, seconds: float) -> None:
        self._remove(key)
        size = _ENTRY_BYTES + sum(map(_size, change.segments or ()))
        if size > self._max_bytes // 4:
            return
        self._entries[key] = _Entry(change=change, size=size, ends_at=self._seconds() + seconds)
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def _remove(self, key: ChangeKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size


def _size(segment: Segment) -> int:
    if isinstance(segment, bytes):
        return len(segment)
    if isinstance(segment, Base64Lines):
        return sum(map(_size, segment.pieces))
    return _MARK_BYTES
