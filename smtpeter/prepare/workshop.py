"""
Makes whole messages in one go, where nothing waits: in a process of its own.

The same L{Compiler<smtpeter.prepare.compiler.Compiler>} does it as in the server, with collaborators that answer at
once. So a message is the same octet for octet, wherever it is made.
"""

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, evolve, field
from typing_extensions import override

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.prepare import Inliner, InlineRequest, InlineResult, InliningFailed
from smtpeter.model.account import SenderDomain, SigningKey
from smtpeter.model.keys import MacKeys
from smtpeter.prepare.alike import Keys
from smtpeter.prepare.compiler import Compiler, CompilerSettings
from smtpeter.prepare.engines import InlineEngine
from smtpeter.prepare.orders import Made, Order

T = TypeVar("T")

CACHE_BYTES = 16 * 1024 * 1024
"""For changed HTML, in each process."""
MAX_RESULTS = 256
"""Answers of the engine that are kept."""


def run_through(work: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine that waits for nothing.

    @raise RuntimeError: it does, which is a bug.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("it waits")


@define(eq=False)
class Workshop:
    """Makes one message at a time."""

    _compiler: Compiler
    _bench: "_Bench"

    def make(self, order: Order) -> Made:
        """Make a message."""
        self._bench.order = order
        return run_through(self._make(order))

    async def _make(self, order: Order) -> Made:
        message_id = order.submission.messages[0].id
        prepared = await self._compiler.prepare(order.submission)
        content = await prepared.render(message_id, seven_bit=False)
        return Made(
            reverse_path=prepared.reverse_path(message_id),
            is_shared=prepared.is_shared,
            is_eightbit=prepared.is_eightbit,
            needs_utf8=prepared.needs_utf8,
            size_bytes=prepared.size_bytes,
            warnings=prepared.warnings,
            content=content,
        )


def make_workshop(settings: CompilerSettings, keys: MacKeys, engine: InlineEngine | None) -> Workshop:
    """
    Furnish one.

    @param engine: for style sheets, where orders may ask for that.
    """
    bench = _Bench(engine)
    settings = evolve(settings, cache_bytes=CACHE_BYTES)
    return Workshop(Compiler(bench, bench, keys, settings, bench, bench, bench), bench)


@define(eq=False)
class _Bench(SenderDomains, Inliner):
    """All that a compiler works with: the order's key and clock, an engine, and no threads."""

    _engine: InlineEngine | None
    order: Order | None = field(init=False, default=None)
    _keys: Keys = field(init=False, factory=Keys)
    _results: OrderedDict[bytes, InlineResult] = field(init=False, factory=OrderedDict)

    def seconds(self) -> float:
        return 0.0 if self.order is None else self.order.now

    async def run(self, function: Callable[..., T], /, *arguments: Any) -> T:
        return function(*arguments)

    @override
    async def find_domain(self, account_id: int, name: str) -> SenderDomain | None:
        key: SigningKey | None = None if self.order is None else self.order.key
        return SenderDomain(account_id=account_id, name=name, is_approved=True, key=key)

    @override
    async def is_served(self, name: str) -> bool:
        return False

    @override
    async def inline(self, request: InlineRequest) -> InlineResult:
        if self._engine is None:
            raise InliningFailed("This process has no CSS engine.")
        key = self._keys.key(request)
        result = self._results.get(key)
        self._keys.note(request, result is not None)
        if result is None:
            result = self._results[key] = self._engine.inline(request)
            if len(self._results) > MAX_RESULTS:
                self._results.popitem(last=False)
        else:
            self._results.move_to_end(key)
        return result
