"""
Runs database operations at once in the calling thread, for a program that has no reactor.

The groups, the failures and the engines are those of the server; only the threads are missing.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure
from typing_extensions import override

from smtpeter.storage.database import Database
from smtpeter.storage.groups import Operation
from smtpeter.storage.lanes import Lane, Run

T = TypeVar("T")


@define(eq=False, kw_only=True)
class DirectLane(Lane):
    """A lane without a thread: what is put is done."""

    _reactor: IReactorFromThreads
    _name: str
    _threads: int
    _limit: int
    _run: Run

    @override
    def start(self) -> None:
        """Nothing to start."""

    @override
    def put(self, operation: Operation) -> None:
        """Execute and answer."""
        self._run([operation])()

    @override
    async def stop(self) -> None:
        """Nothing to wait for."""


def open_database(url: str) -> Database:
    """A database that needs no reactor, started."""
    nobody = cast(IReactorFromThreads, None)
    database = Database(url=url, reactor=nobody, make_lane=DirectLane)
    database.start()
    return database


def run(work: Coroutine[Any, Any, T]) -> T:
    """
    The result of a coroutine that waits for nothing but such a database.

    @raise RuntimeError: it waits for something else.
    """
    results: list[T] = []
    failures: list[Failure] = []
    done = Deferred.fromCoroutine(work)
    _ = done.addCallbacks(results.append, failures.append)
    if failures:
        failures[0].raiseException()
    if not results:
        raise RuntimeError("the coroutine waits for something that needs a reactor")
    return results[0]
