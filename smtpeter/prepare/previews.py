"""
Previews, one after the other, beside the mail and never in its way.

They are prepared by a compiler like that of the mail, which is given workers, threads and keys of its own
(L{smtpeter.assembly.previews}). So what a preview costs, mail does not wait for; and its tokens look like any other,
but lead nowhere: a preview makes no link, and no address, that no message stands behind.
"""

from collections import Counter

from attrs import define, field
from twisted.internet.defer import CancelledError, DeferredLock
from typing_extensions import override

from smtpeter.boundaries.prepare import Preparer
from smtpeter.boundaries.preview import Previewer, PreviewsBusy, PreviewTooLarge
from smtpeter.model.message import Submission
from smtpeter.model.preview import Preview
from smtpeter.prepare.batches import Threads
from smtpeter.prepare.html_part import Tracking
from smtpeter.prepare.preview import Rendered, read_preview

MAX_WAITING = 16
"""Previews that wait or are made at one time."""

MAX_OF_ACCOUNT = 4
"""Of these, so many for one account."""

MAX_BYTES = 8 * 1024 * 1024
"""Of all messages of a preview together, as they would be sent."""


@define(eq=False, kw_only=True)
class Previews(Previewer):
    """
    Makes them.

    @ivar preparer: of its own.
    @ivar threads: not those of the mail.
    @ivar tracking: with the keys of the preparer.
    """

    _preparer: Preparer
    _threads: Threads
    _tracking: Tracking
    _turn: DeferredLock = field(factory=DeferredLock, init=False)
    _waiting: Counter[int] = field(factory=Counter, init=False)

    @override
    async def preview(self, submission: Submission) -> tuple[Preview, ...]:
        """Prepare each message (L{Previewer.preview})."""
        account = submission.account_id
        if self._waiting.total() >= MAX_WAITING or self._waiting[account] >= MAX_OF_ACCOUNT:
            raise PreviewsBusy
        self._waiting[account] += 1
        try:
            return await self._in_turn(submission)
        except CancelledError:
            raise PreviewsBusy from None
        finally:
            self._waiting[account] -= 1
            if not self._waiting[account]:
                del self._waiting[account]

    async def _in_turn(self, submission: Submission) -> tuple[Preview, ...]:
        await self._turn.acquire()
        try:
            return await self._make(submission)
        finally:
            self._turn.release()

    async def _make(self, submission: Submission) -> tuple[Preview, ...]:
        prepared = await self._preparer.prepare(submission)
        if prepared.size_bytes * len(submission.messages) > MAX_BYTES:
            raise PreviewTooLarge(MAX_BYTES)
        shown: list[Preview] = []
        for message in submission.messages:
            rendered = Rendered(
                submission=submission,
                message=message,
                content=await prepared.render(message.id, seven_bit=False),
                reverse_path=prepared.reverse_path(message.id),
                warnings=prepared.warnings,
                needs_utf8=prepared.needs_utf8,
            )
            shown.append(await self._threads.run(read_preview, rendered, self._tracking))
        return tuple(shown)
