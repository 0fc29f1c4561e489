"""Tests of L{smtpeter.assembly.calls}."""

import os
import sys
from types import ModuleType
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.python import context, log
from twisted.python.log import ILogContext
from twisted.trial.unittest import TestCase
from typing_extensions import override

from smtpeter.assembly.calls import call_plainly


class _Pipe(FileDescriptor):
    """Is told by the reactor that there is something to read."""

    def __init__(self, test: TestCase) -> None:
        super().__init__()
        self.read_end, write_end = os.pipe()
        os.write(write_end, b"x")
        test.addCleanup(os.close, self.read_end)
        test.addCleanup(os.close, write_end)
        self.was_read: Deferred[Any] = Deferred()
        self.startReading()
        test.addCleanup(self.stopReading)

    @override
    def fileno(self) -> int:
        """Of the end to read."""
        return self.read_end

    @override
    def logPrefix(self) -> str:
        """What the context would name."""
        return "a pipe"

    @override
    def doRead(self) -> None:
        """Tell in which context."""
        self.stopReading()
        self.was_read.callback(context.get(ILogContext).get("system"))


class CallTests(TestCase):
    """With the reactor that runs the tests, where that is the one of epoll."""

    @override
    def setUp(self) -> None:
        self.module: Any = sys.modules.get("twisted.internet.epollreactor")
        if self.module is None:
            self.skipTest("this system has no epoll")
        self.patch(self.module, "log", log)

    async def test_without_context(self) -> None:
        """Connections are called, and no context is made for it."""
        self.assertEqual(await _Pipe(self).was_read, "a pipe")
        call_plainly()
        self.assertEqual(await _Pipe(self).was_read, "-")

    def test_fault(self) -> None:
        """What a connection raises is logged, and goes no further."""
        call_plainly()
        self.module.log.callWithLogger(_Pipe(self), _fail, ValueError("broken"))
        logged = self.flushLoggedErrors(ValueError)
        self.assertEqual([str(one.value) for one in logged], ["broken"])

    def test_other_reactor(self) -> None:
        """Where the reactor is another one nothing happens."""
        other = ModuleType("other")
        with_none = {name: module for name, module in sys.modules.items() if name != self.module.__name__}
        self.patch(sys, "modules", {**with_none, "other": other})
        call_plainly()
        self.assertIs(self.module.log, log)


def _fail(error: Exception) -> None:
    raise error
