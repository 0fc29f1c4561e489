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


COUNT = 2
"""RSA signing leaves the interpreter's lock, so that a second thread is worth something."""


@define(eq=False)
class WorkThreads(Service):
    """A pool of its own, apart from the one in which the reactor resolves names."""

    _reactor: IReactorFromThreads
    _pool: ThreadPool = field(factory=lambda: ThreadPool(0, COUNT, "work"))

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
