"""
Prepares mail whose images are to be hosted: they are taken out and kept, then it is prepared like any other.

What comes after need not know of it: it gets a content without these images. An image is kept before its mail can be
sent, each time that its mail is prepared; so mail that waited for very long shows it too.
"""

from collections.abc import Callable

from attrs import define, evolve
from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from typing_extensions import override

from smtpeter.boundaries.images import ImageShelf
from smtpeter.boundaries.prepare import Prepared, Preparer
from smtpeter.model.message import Submission
from smtpeter.prepare.batches import Threads
from smtpeter.prepare.hosting import Hosted, ImageHost, host_images
from smtpeter.prepare.prepared import SMALL

FAILED = "embedded images stay in the message: they could not be processed"


@define(eq=False, kw_only=True)
class HostingPreparer(Preparer):
    """
    In front of another preparer.

    @ivar seconds: the clock on the wall.
    """

    _preparer: Preparer
    _host: ImageHost
    _shelf: ImageShelf
    _threads: Threads
    _seconds: Callable[[], float]
    _log = Logger()

    @override
    async def prepare(self, submission: Submission) -> Prepared:
        """
        Compile (L{Preparer.prepare}).

        @raise StorageBusy: also when images cannot be stored now.
        """
        if submission.features.images != "hosted" or submission.source == "dsn":
            return await self._preparer.prepare(submission)
        hosted = await self._hosted(submission)
        if hosted.images:
            await self._shelf.keep(submission.account_id, hosted.images, self._seconds())
        prepared = await self._preparer.prepare(evolve(submission, content=hosted.content))
        return _Warned(prepared, hosted.warnings) if hosted.warnings else prepared

    async def _hosted(self, submission: Submission) -> Hosted:
        content, account_id = submission.content, submission.account_id
        try:
            if len(content) <= SMALL:
                return host_images(content, account_id, self._host)
            return await self._threads.run(host_images, content, account_id, self._host)
        except CancelledError:
            raise
        except Exception:
            # A fault of ours must not keep a message back.
            self._log.failure("the images of {submission} could not be taken out", submission=submission.id)
            return Hosted(content=content, warnings=(FAILED,))


@define(eq=False)
class _Warned(Prepared):
    """What was prepared, with more to say."""

    _prepared: Prepared
    _more: tuple[str, ...]

    @property
    @override
    def is_shared(self) -> bool:
        return self._prepared.is_shared

    @property
    @override
    def is_eightbit(self) -> bool:
        return self._prepared.is_eightbit

    @property
    @override
    def needs_utf8(self) -> bool:
        return self._prepared.needs_utf8

    @property
    @override
    def size_bytes(self) -> int:
        return self._prepared.size_bytes

    @property
    @override
    def warnings(self) -> tuple[str, ...]:
        return (*self._more, *self._prepared.warnings)

    @override
    def reverse_path(self, message_id: str) -> str:
        return self._prepared.reverse_path(message_id)

    @override
    async def render(self, message_id: str, seven_bit: bool) -> bytes:
        return await self._prepared.render(message_id, seven_bit)
