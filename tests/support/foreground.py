"""
Stands where the reactor does for a database with real threads: what threads call is done while a test waits.

A test stays synchronous, and each of its waits has an end.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, cast

from attrs import define, field
from twisted.internet.interfaces import IReactorFromThreads

LONGEST_SECONDS = 30.0


@define(eq=False)
class Foreground:
    """The thread of the test."""

    _calls: "SimpleQueue[Callable[[], object]]" = field(factory=SimpleQueue)

    def callFromThread(self, call: Callable[..., object], *arguments: Any) -> None:
        """Do it in the test's thread, when that waits next."""
        self._calls.put(lambda: call(*arguments))

    def wait(self, is_over: Callable[[], bool], seconds: float = LONGEST_SECONDS) -> None:
        """
        Do what threads call until something is so.

        @raise TimeoutError: it is not so, and for so many seconds no thread has called.
        """
        while not is_over():
            try:
                call = self._calls.get(timeout=seconds)
            except Empty:
                raise TimeoutError(f"no thread has called in {seconds} s") from None
            call()

    def pass_by(self, seconds: float) -> None:
        """Do what threads call until nothing has come for so long."""
        try:
            self.wait(lambda: False, seconds)
        except TimeoutError:
            return

    @property
    def as_reactor(self) -> IReactorFromThreads:
        """For a database's constructor."""
        return cast(IReactorFromThreads, self)


FOREGROUND = Foreground()
"""The one of this process: a test's thread can only wait at one place."""
