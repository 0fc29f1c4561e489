"""
What a message asks for itself in C{x-smtpeter-} fields.

Of several fields with one name the last that can be understood counts; if they contradict one another there is a
warning. Tags of several fields are joined.
"""

import re
from typing import get_args

from attrs import define, field, frozen

from smtpeter.mime.headers import Field, HeaderBlock
from smtpeter.mime.words import decode_text
from smtpeter.model.options import SWITCHES, Images, Overrides

PREFIX = "x-smtpeter-"

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_IMAGES: dict[str, Images] = {value: value for value in get_args(Images)}
_UNFIT_FOR_TAG = re.compile(r"[\s;]")
_SHOWN = 60
_MAX_WARNINGS = 20


@frozen(kw_only=True)
class Wishes:
    """What the fields say."""

    overrides: Overrides
    tags: tuple[str, ...] = ()
    """In order, none twice."""
    warnings: tuple[str, ...] = ()
    """What could not be understood, in words for the sender."""


NO_WISHES = Wishes(overrides=Overrides())
"""What most messages ask for: nothing."""


def is_option(header: Field) -> bool:
    """Whether it is a field for us, known or not, which is removed before delivery."""
    return header.key.startswith(PREFIX)


def read_options(headers: HeaderBlock) -> Wishes:
    """Read what a message asks for; nothing in it is an error."""
    options = [each for each in headers.fields if each.key.startswith(PREFIX)]
    if not options:
        return NO_WISHES
    reading = _Reading()
    for each in options:
        reading.read(each.key.removeprefix(PREFIX), decode_text(each.raw).strip())
    return reading.wishes()


@define(eq=False)
class _Reading:
    """Collects from field to field."""

    _switches: dict[str, bool] = field(init=False, factory=dict)
    _tags: dict[str, None] = field(init=False, factory=dict)
    _images: Images | None = field(init=False, default=None)
    _warnings: dict[str, None] = field(init=False, factory=dict)

    def wishes(self) -> Wishes:
        warnings = tuple(self._warnings)
        if len(warnings) > _MAX_WARNINGS:
            warnings = (*warnings[:_MAX_WARNINGS], f"{len(warnings) - _MAX_WARNINGS} more warnings")
        return Wishes(overrides=self._overrides(), tags=tuple(self._tags), warnings=warnings)

    def _overrides(self) -> Overrides:
        asked = self._switches.get
        return Overrides(
            inlinecss=asked("inlinecss"),
            trackclicks=asked("trackclicks"),
            trackopens=asked("trackopens"),
            trackbounces=asked("trackbounces"),
            preventscam=asked("preventscam"),
            images=self._images,
        )

    def read(self, name: str, value: str) -> None:
        if name in SWITCHES:
            self._read_switch(name, value)
        elif name == "tags":
            self._read_tags(value)
        elif name == "images":
            self._read_images(value)
        else:
            self._warn(f"{PREFIX}{_shown(name)}: not known, ignored")

    def _read_switch(self, name: str, value: str) -> None:
        wanted = _BOOLEANS.get(value.lower())
        if wanted is None:
            self._warn(f"{PREFIX}{name}: {_quoted(value)} is neither true nor false, ignored")
            return
        if self._switches.setdefault(name, wanted) != wanted:
            self._warn(f"{PREFIX}{name}: given more than once with different values, the last one counts")
        self._switches[name] = wanted

    def _read_tags(self, value: str) -> None:
        for tag in filter(None, (piece.strip() for piece in value.split(","))):
            if _UNFIT_FOR_TAG.search(tag):
                self._warn(f"{PREFIX}tags: {_quoted(tag)} contains white space or a semicolon, ignored")
            else:
                self._tags[tag] = None

    def _read_images(self, value: str) -> None:
        wanted = _IMAGES.get(value.lower())
        if wanted is None:
            self._warn(f"{PREFIX}images: {_quoted(value)} is neither hosted nor default, ignored")
            return
        if self._images not in (None, wanted):
            self._warn(f"{PREFIX}images: given more than once with different values, the last one counts")
        self._images = wanted

    def _warn(self, text: str) -> None:
        self._warnings[text] = None


def _quoted(text: str) -> str:
    return f'"{_shown(text)}"'


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
