"""
Sends an answer that does not fit in memory, at the pace of its reader.

A piece is made when the one before has gone out: while the client does not read, nothing is read from the database for
it. The status is sent with the first piece, so a failure after it can only cut the answer off, and does: a part must
not look like the whole.
"""

from collections.abc import AsyncIterator
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from typing_extensions import override
from zope.interface import implementer

_log = Logger()


class ReaderGone(Exception):
    """The client has hung up."""


@define(eq=False)
class Begun(AsyncIterator[bytes]):
    """Pieces whose first one is made, so that what can fail at once has not failed."""

    _first: bytes | None
    _rest: AsyncIterator[bytes]

    @override
    async def __anext__(self) -> bytes:
        first, self._first = self._first, None
        return await anext(self._rest) if first is None else first

    async def aclose(self) -> None:
        """Make no more."""
        await close(self._rest)


async def begin(pieces: AsyncIterator[bytes]) -> Begun:
    """
    Make the first piece.

    @raise Exception: what making it raises.
    """
    return Begun(await anext(pieces, None), pieces)


async def close(pieces: AsyncIterator[bytes]) -> None:
    """End whoever makes them."""
    if hasattr(pieces, "aclose"):
        await pieces.aclose()


@implementer(IPushProducer)
@define(eq=False)
class Flow:
    """Whether the connection takes more; the producer of a request."""

    _waiting: Deferred[None] | None = field(default=None, init=False)
    _is_paused: bool = field(default=False, init=False)
    _is_gone: bool = field(default=False, init=False)

    def pauseProducing(self) -> None:
        """The connection has enough for now."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """It takes more."""
        self._is_paused = False
        self._go_on()

    def stopProducing(self) -> None:
        """It is lost; the request learns of it after us, and until then it must not be finished."""

    def lose(self) -> None:
        """The request has learned that it is lost."""
        self._is_gone = True
        self._go_on()

    async def ready(self) -> None:
        """
        Wait until the connection takes more.

        @raise ReaderGone: it never will.
        """
        if self._is_paused and not self._is_gone:
            self._waiting = Deferred()
            await self._waiting
        if self._is_gone:
            raise ReaderGone

    async def lost(self) -> None:
        """Wait until the connection is."""
        while not self._is_gone:
            self._waiting = Deferred()
            await self._waiting

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)


async def stream(request: Any, pieces: AsyncIterator[bytes]) -> None:
    """
    Write all pieces to a request, or as many as its client takes. It is finished by the caller.

    @param request: its status and header fields are set, and its client is there; nothing else writes to it.
    """
    flow = Flow()
    _ = request.notifyFinish().addErrback(lambda _: flow.lose())
    request.registerProducer(flow, True)
    try:
        await _write(request, pieces, flow)
        request.unregisterProducer()
    except ReaderGone:
        pass
    except Exception:
        _log.failure("an answer was cut off")
        request.unregisterProducer()
        request.channel.forceAbortClient()
        await flow.lost()
    finally:
        await close(pieces)


async def _write(request: Any, pieces: AsyncIterator[bytes], flow: Flow) -> None:
    async for piece in pieces:
        # It may have hung up, or stopped reading, while the piece was made.
        await flow.ready()
        request.write(piece)
        if request.method == b"HEAD":
            # The header is out, and nothing else is wanted.
            return
        await flow.ready()
