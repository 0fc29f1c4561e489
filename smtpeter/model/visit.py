"""A click or an open, as it is seen by the tracking host."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen


@frozen(kw_only=True)
class Visit:
    """Somebody followed a link or fetched the pixel of a message."""

    message_id: str
    type: Literal["click", "open"]
    at: float
    """POSIX seconds."""
    data: Mapping[str, str]
    """The fields of the event, under the names of the log files."""
