"""
Who makes a message: a process of its own, where that pays, or the server itself.

A submission of one message that is signed, or whose HTML is changed, is made whole by a maker: the server's thread, the
scarcest thing there is, only passes octets on. A submission of many is compiled here once, since each of its messages
then costs little. What a maker will not do is done here, as all was before there were makers.
"""

from attrs import define, field
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.accounts import SenderDomains
from smtpeter.boundaries.prepare import Prepared, Preparer
from smtpeter.model.message import Submission
from smtpeter.prepare.makers import Making, Overtaxed
from smtpeter.prepare.orders import Made, NotMade, Order
from smtpeter.prepare.signers import Watch

MAX_BYTES = 1024 * 1024
"""Of content; a larger one would take as long through the pipe as in a thread."""
SHUN_SECONDS = 300.0
"""How long the mail of a sender domain is made here after a maker broke down over a letter of it."""
MAX_SHUNNED = 1000


def is_entrusted(submission: Submission, has_key: bool) -> bool:
    """Whether a submission is worth the way to another process and back."""
    features = submission.features
    is_changed = has_key or features.inlinecss or features.trackclicks or features.trackopens
    return (
        is_changed
        and len(submission.messages) == 1
        and submission.source != "dsn"
        and len(submission.content) <= MAX_BYTES
    )


@define(eq=False)
class EntrustedMessage:
    """A L{Prepared} that was made already, but for forms that are seldom asked for."""

    _submission: Submission = field(repr=False)
    _made: Made
    _preparer: Preparer
    _others: Prepared | None = field(init=False, default=None)

    @property
    def is_shared(self) -> bool:
        """Whether content and reverse-path are the same for every recipient."""
        return self._made.is_shared

    @property
    def is_eightbit(self) -> bool:
        """Whether the content has octets over 127."""
        return self._made.is_eightbit

    @property
    def needs_utf8(self) -> bool:
        """Whether header fields need SMTPUTF8 at the next hop."""
        return self._made.needs_utf8

    @property
    def size_bytes(self) -> int:
        """How large a rendered message is, a signature included."""
        return self._made.size_bytes

    @property
    def warnings(self) -> tuple[str, ...]:
        """What could not be done, in words for the sender."""
        return self._made.warnings

    def reverse_path(self, message_id: str) -> str:
        """What MAIL FROM says; the submission has one message."""
        return self._made.reverse_path

    async def render(self, message_id: str, seven_bit: bool) -> bytes:
        """The content as sent, signed; CRLF line ends, dots not stuffed."""
        if message_id == self._submission.messages[0].id and not (seven_bit and self._made.is_eightbit):
            return self._made.content
        if self._others is None:
            self._others = await self._preparer.prepare(self._submission)
        return await self._others.render(message_id, seven_bit)


@define(eq=False)
class EntrustingPreparer(Preparer):
    """
    Has messages made.

    @ivar _here: makes what makers do not.
    @ivar _plain: makers for what has no style sheets: it never waits behind them.
    @ivar _styled: makers for the rest.
    @ivar _shunned: until when a sender's mail is made here.
    """

    _here: Preparer
    _sender_domains: SenderDomains
    _plain: Making
    _styled: Making
    _clock: Watch
    _shunned: dict[tuple[int, str], float] = field(init=False, factory=dict)
    _log = Logger()

    @override
    async def prepare(self, submission: Submission) -> Prepared:
        """Compile, or have it made (L{Preparer.prepare})."""
        place, now = (submission.account_id, submission.sender_domain), self._clock.seconds()
        domain = await self._sender_domains.find_domain(*place) if place[1] else None
        key = None if domain is None else domain.key
        if not is_entrusted(submission, key is not None) or self._is_shunned(place, now):
            return await self._here.prepare(submission)
        makers = self._styled if submission.features.inlinecss else self._plain
        try:
            made = await makers.make(Order(submission=submission, key=key, now=now))
        except NotMade as reason:
            if isinstance(reason, Overtaxed):
                self._shun(place, now)
            self._log.debug("{submission} is made here: {reason}", submission=submission.id, reason=reason)
            return await self._here.prepare(submission)
        return EntrustedMessage(submission, made, self._here)

    def _is_shunned(self, place: tuple[int, str], now: float) -> bool:
        return bool(self._shunned) and self._shunned.get(place, 0.0) > now

    def _shun(self, place: tuple[int, str], now: float) -> None:
        if len(self._shunned) >= MAX_SHUNNED:
            self._shunned.clear()
        self._shunned[place] = now + SHUN_SECONDS
