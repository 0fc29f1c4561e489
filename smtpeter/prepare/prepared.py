"""
A compiled submission, from which each message is rendered and signed.

What is the same for all messages is made once and kept. A small message is put together at once, and only its
signature is made in a thread: two threads that both write messages would spend as much time again on the interpreter's
lock. A large message is written in a thread.
"""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from smtpeter.mime.dkim import Signer
from smtpeter.mime.headers import find_body, skip_mbox_line
from smtpeter.mime.scanner import TooDeep
from smtpeter.mime.sevenbit import to_seven_bit
from smtpeter.model.keys import MacKeys
from smtpeter.model.message import Submission
from smtpeter.prepare.batches import Threads
from smtpeter.prepare.envelope import reverse_path
from smtpeter.prepare.recipe import ANY_MESSAGE, Recipe
from smtpeter.tracking.tokens import raw_id

SMALL = 64 * 1024
"""Octets that the reactor's thread may work on."""

_SIGNATURE_BYTES = 800


@define(eq=False, kw_only=True)
class PreparedMessage:
    """Implements L{smtpeter.boundaries.prepare.Prepared}."""

    _submission: Submission = field(repr=False)
    _recipe: Recipe = field(repr=False)
    _signer: Signer | None
    _keys: MacKeys = field(repr=False)
    _bounce_domain: str
    _has_bounce_address: bool
    _batches: Threads = field(repr=False)
    _seconds: Callable[[], float]
    _warnings: tuple[str, ...]
    _is_shared: bool
    _is_eightbit: bool
    _needs_utf8: bool
    _size_bytes: int
    _body_hash: str = field(default="", init=False)
    _kept: dict[bool, bytes] = field(factory=dict, init=False, repr=False)
    _waiting: dict[bool, list[Deferred[bytes]]] = field(factory=dict, init=False, repr=False)
    _log = Logger()

    @property
    def is_shared(self) -> bool:
        """Whether content and reverse-path are the same for every recipient."""
        return self._is_shared

    @property
    def is_eightbit(self) -> bool:
        """Whether the content has octets over 127."""
        return self._is_eightbit

    @property
    def needs_utf8(self) -> bool:
        """Whether header fields need SMTPUTF8 at the next hop."""
        return self._needs_utf8

    @property
    def size_bytes(self) -> int:
        """How large a rendered message is, a signature included."""
        return self._size_bytes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be done, in words for the sender."""
        return self._warnings

    def reverse_path(self, message_id: str) -> str:
        """What MAIL FROM says for that message."""
        return reverse_path(self._submission, self._has_bounce_address, self._keys, self._bounce_domain, message_id)

    async def render(self, message_id: str, seven_bit: bool) -> bytes:
        """The content as sent, signed; CRLF line ends, dots not stuffed."""
        is_recoded = seven_bit and self._is_eightbit
        if not self._is_shared:
            return await self._make(raw_id(message_id), is_recoded)
        if is_recoded not in self._kept:
            await self._make_shared(is_recoded)
        return self._kept[is_recoded]

    async def _make_shared(self, is_recoded: bool) -> None:
        """Make it, or wait until the one who makes it has done so."""
        if is_recoded in self._waiting:
            done: Deferred[bytes] = Deferred()
            self._waiting[is_recoded].append(done)
            await done
            return
        self._waiting[is_recoded] = []
        try:
            self._kept[is_recoded] = await self._make(ANY_MESSAGE, is_recoded)
        except BaseException as problem:
            for waiting in self._waiting.pop(is_recoded):
                waiting.errback(problem)
            raise
        for waiting in self._waiting.pop(is_recoded):
            waiting.callback(self._kept[is_recoded])

    async def _make(self, message: bytes, is_recoded: bool) -> bytes:
        if self._signer is None and self._size_bytes <= SMALL:
            return b"".join(self._write(message, is_recoded))
        now = self._seconds()
        try:
            if self._signer is not None and self._size_bytes <= SMALL:
                return await self._sign(self._signer, message, is_recoded, now)
            return await self._batches.run(lambda: self._write_signed(message, is_recoded, now))
        except (CancelledError, MemoryError):
            raise
        except Exception:
            self._log.failure("a message of {submission} could not be signed", submission=self._submission.id)
            return b"".join(self._write(message, is_recoded))

    async def _sign(self, signer: Signer, message: bytes, is_recoded: bool, now: float) -> bytes:
        header, body = self._write(message, is_recoded)
        unsigned = signer.begin(header, self._hash(signer, body, is_recoded), now)
        signature = await self._batches.run(lambda: signer.signature(unsigned.canonical))
        return unsigned.complete(signature) + header + body

    def _write_signed(self, message: bytes, is_recoded: bool, now: float) -> bytes:
        """In a thread."""
        header, body = self._write(message, is_recoded)
        if self._signer is None:
            return header + body
        return self._signer.sign(header, self._hash(self._signer, body, is_recoded), now) + header + body

    def _hash(self, signer: Signer, body: bytes, is_recoded: bool) -> str:
        if is_recoded or not self._recipe.is_body_fixed:
            return signer.body_hash(body)
        if not self._body_hash:
            self._body_hash = signer.body_hash(body)
        return self._body_hash

    def _write(self, message: bytes, is_recoded: bool) -> tuple[bytes, bytes]:
        header, body = self._recipe.write_header(message), self._recipe.write_body(message)
        if not is_recoded:
            return header, body
        try:
            content = to_seven_bit(header + body)
        except TooDeep:
            return header, body
        _, body_start = find_body(content, skip_mbox_line(content))
        return content[:body_start], content[body_start:]


def prepare_message(submission: Submission, recipe: Recipe, signer: Signer | None, **others: Any) -> PreparedMessage:
    """Tell what a recipe's renderings have in common."""
    size_bytes, is_ascii_header, is_ascii_body = recipe.measure()
    return PreparedMessage(
        submission=submission,
        recipe=recipe,
        signer=signer,
        is_shared=recipe.is_fixed,
        is_eightbit=not (is_ascii_header and is_ascii_body),
        needs_utf8=submission.is_utf8 and not is_ascii_header,
        size_bytes=size_bytes + (_SIGNATURE_BYTES if signer else 0),
        **others,
    )
