"""Runs functions in the threads of a pool, for everything that would keep the reactor waiting."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


@define(eq=False)
class PoolThreads:
    """
    Implements L{smtpeter.prepare.batches.Threads}.

    The pool is started and stopped by whoever made it.
    """

    _reactor: IReactorFromThreads
    _pool: ThreadPool

    async def run(self, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call it in a thread; its result or exception is the answer."""
        result: T = await deferToThreadPool(self._reactor, self._pool, function, *arguments)
        return result
