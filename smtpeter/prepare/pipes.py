"""The server's end of the pipes to a worker process."""

from collections.abc import Callable
from contextlib import suppress

from attrs import define, field
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from typing_extensions import override

from smtpeter.prepare.frames import FrameReader, FrameTooLong, frame

MAX_LOGGED = 4096
"""Octets of a process's standard error that are logged."""


@define(eq=False)
class WorkerProcess(ProcessProtocol):
    """
    Speaks frames with one process.

    @ivar is_ready: whether it has said that it is ready, and lives.
    """

    _on_ready: Callable[[], None]
    _on_reply: Callable[[bytes], None]
    _on_end: Callable[[], None]
    is_ready: bool = field(init=False, default=False)
    _is_over: bool = field(init=False, default=False)
    _reader: FrameReader = field(init=False, factory=FrameReader)
    _logged: int = field(init=False, default=0)
    _log = Logger()

    def send(self, content: bytes) -> None:
        """Put a request to it."""
        if self.transport is not None:
            self.transport.write(frame(content))

    def kill(self) -> None:
        """End it now; its end is reported as any other."""
        self.is_ready = False
        self._is_over = True
        if self.transport is not None:
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")

    @override
    def outReceived(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except FrameTooLong:
            self.kill()
            return
        for content in frames:
            if self.is_ready:
                self._on_reply(content)
            elif not self._is_over:
                self.is_ready = True
                self._on_ready()

    @override
    def errReceived(self, data: bytes) -> None:
        text = data[: max(0, MAX_LOGGED - self._logged)].decode("utf-8", "replace")
        self._logged += len(data)
        if text:
            self._log.warn("a worker process says: {text}", text=text)

    @override
    def processEnded(self, reason: Failure) -> None:
        self._log.debug("a worker process ended: {reason}", reason=reason.getErrorMessage())
        self.is_ready = False
        self._on_end()
