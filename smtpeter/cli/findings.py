"""What an examination found, good or bad."""

from typing import Literal

from attrs import frozen

Level = Literal["ok", "warning", "error"]


@frozen
class Finding:
    """
    One thing that was looked at.

    @ivar level: an error keeps the server from starting or from working; a warning may be meant so.
    @ivar subject: what was looked at, such as C{certificate}.
    @ivar text: what was found, and what to do about it.
    """

    level: Level
    subject: str
    text: str
