"""Threads for what would keep the reactor waiting: reading and compiling large contents, signing."""

from collections.abc import Callable
from typing import TypeVar

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from typing_extensions import ParamSpec, override

P = ParamSpec("P")
T = TypeVar("T")


@define(eq=False)
class WorkThreads(Service):
    """A pool of its own, apart from the one in which the reactor resolves names."""

    _reactor: IReactorFromThreads
    _count: int = 2
    _pool: ThreadPool = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._pool = ThreadPool(0, self._count, "work")

    async def run(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call a function in a thread, and give what it gives or raise what it raises."""
        result: T = await deferToThreadPool(self._reactor, self._pool, function, *arguments, **named)
        return result

    @override
    def startService(self) -> None:
        """Make the pool; its threads come with the first work."""
        super().startService()
        self._pool.start()

    @override
    def stopService(self) -> None:
        """End the threads when their work is done."""
        super().stopService()
        self._pool.stop()
