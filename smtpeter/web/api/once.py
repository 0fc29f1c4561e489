"""
Requests under an C{Idempotency-Key}: sent once, however often they are asked.

The key is stored in the transaction of the messages, so that there are never messages without it. Between two servers
the constraint of the table decides; whoever comes second answers what the first has answered.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256

from attrs import define, field

from smtpeter.boundaries.requests import AlreadyAsked, Earlier, RequestLog
from smtpeter.model.message import KEPT_SECONDS, Once
from smtpeter.web.api.answers import Answer, as_json
from smtpeter.web.api.faults import conflict, wrong
from smtpeter.web.api.routes import Arguments, Caller

MAX_KEY = 255

Work = Callable[[Once | None], Awaitable[Answer]]


@define(eq=False)
class OnceOnly:
    """
    Does work unless it was done.

    @ivar clock: POSIX seconds.
    """

    _log: RequestLog
    _clock: Callable[[], float]
    _running: set[tuple[int, str]] = field(factory=set, init=False)

    async def do(self, caller: Caller, arguments: Arguments, work: Work) -> Answer:
        """
        Do it, or answer what was answered before.

        @param work: called with what is to be stored; C{None} for a request without a key.
        @raise APIError: 400, the key cannot be one; 409, another request has it, or this one is being done.
        """
        key = arguments.headers.get("idempotency-key")
        if key is None:
            return await work(None)
        if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
            raise wrong(f"Idempotency-Key has to be 1 to {MAX_KEY} printable ASCII characters.")
        running = (caller.account.id, key)
        if running in self._running:
            raise conflict("A request with this Idempotency-Key is being done; ask again later.")
        self._running.add(running)
        try:
            return await self._do(caller, Once(key=key, fingerprint=_fingerprint(arguments)), work)
        finally:
            self._running.discard(running)

    async def _do(self, caller: Caller, once: Once, work: Work) -> Answer:
        earlier = await self._find(caller, once)
        if earlier is not None:
            return _repeat(earlier, once)
        try:
            return await work(once)
        except AlreadyAsked:
            earlier = await self._find(caller, once)
            if earlier is None:
                raise conflict("Another request with this Idempotency-Key is being done; ask again later.") from None
            return _repeat(earlier, once)

    async def _find(self, caller: Caller, once: Once) -> Earlier | None:
        return await self._log.find_request(caller.account.id, once.key, self._clock() - KEPT_SECONDS)


def _repeat(earlier: Earlier, once: Once) -> Answer:
    if earlier.fingerprint != once.fingerprint:
        raise conflict("This Idempotency-Key was used for another request.")
    return as_json(dict(earlier.recipients))


def _fingerprint(arguments: Arguments) -> bytes:
    """Of what was asked: the route, and the body byte for byte."""
    return sha256(arguments.route.encode() + b"\n" + arguments.raw_body).digest()
