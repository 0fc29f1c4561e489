"""
Shows messages as they went out.

What was sent is not kept: it is made again, from the content as it was accepted, by the stage that made it for the
relay. So links, pixel and styles are those that the recipient has; a DKIM signature is made anew, by the key of today.
"""

from attrs import define
from typing_extensions import override

from smtpeter.boundaries.archive import SentMessages, SentStore
from smtpeter.boundaries.prepare import Preparer
from smtpeter.model.archive import SentEnvelope


@define(eq=False)
class SentRenderer(SentMessages):
    """Renders again what the archive keeps."""

    _store: SentStore
    _preparer: Preparer

    @override
    async def envelope(self, account_id: int, message_id: str) -> SentEnvelope | None:
        """Its addresses (L{SentMessages.envelope})."""
        return await self._store.envelope(account_id, message_id)

    @override
    async def content(self, account_id: int, message_id: str) -> bytes | None:
        """The message as sent (L{SentMessages.content})."""
        submission = await self._store.submission(account_id, message_id)
        if submission is None:
            return None
        prepared = await self._preparer.prepare(submission)
        return await prepared.render(message_id, seven_bit=False)
