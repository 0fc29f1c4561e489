"""What the REST API asks of intake and of processing to show what would be sent."""

from collections.abc import Sequence
from typing import Protocol

from smtpeter.model.message import Draft, Submission
from smtpeter.model.preview import Preview


class PreviewsBusy(Exception):
    """Too many previews are wanted at the moment, or the server stops; nothing was done."""


class PreviewTooLarge(Exception):
    """
    All that would be shown is too large.

    @ivar limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Drawing(Protocol):
    """Judges mail as if it were handed in."""

    async def draw_up(self, draft: Draft) -> Submission:
        """
        What would be stored. Nothing is.

        @raise Refused: the content or its sender would not be accepted.
        @raise StorageBusy: cannot be told now.
        """


class Previewer(Protocol):
    """Shows what would be sent."""

    async def preview(self, submission: Submission) -> Sequence[Preview]:
        """
        Prepare each message of a submission that is stored nowhere.

        @raise PreviewsBusy: not now.
        @raise PreviewTooLarge: never.
        @raise StorageBusy: keys cannot be read now.
        """
