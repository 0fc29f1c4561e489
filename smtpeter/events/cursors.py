"""Writes the place of an event as a text that a client hands back to go on from it."""

import re

from smtpeter.model.event import Event
from smtpeter.model.reading import Place

_FORM = re.compile(r"(\d{1,11}(?:\.\d{1,12})?)_(\d{1,18})", re.ASCII)


class BadCursor(ValueError):
    """The text is no cursor of ours."""


def write_cursor(event: Event) -> str:
    """The place behind an event that was read from the journal."""
    return f"{event.at!r}_{event.id or 0}"


def read_cursor(text: str) -> Place:
    """
    The reverse.

    @raise BadCursor: it was never given.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadCursor("cursor must be one that an answer named")
    return Place(float(match[1]), int(match[2]))
