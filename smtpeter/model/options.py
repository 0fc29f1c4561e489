"""What is done to a message: a login's features, a message's own overrides, their precedence."""

from typing import Literal

from attrs import asdict, evolve, frozen

Images = Literal["default", "hosted"]

SWITCHES = ("inlinecss", "trackclicks", "trackopens", "trackbounces", "preventscam")
"""The features that are on or off, in the order in which they are always listed."""


@frozen(kw_only=True)
class Features:
    """What is switched on for a login or a message."""

    inlinecss: bool = False
    trackclicks: bool = False
    trackopens: bool = False
    trackbounces: bool = False
    preventscam: bool = False
    images: Images = "default"
    unsubscribe: bool = False
    """Whether List-Unsubscribe has an address of ours. A message alone asks for it, so it is no switch of a login."""

    def enabled(self) -> tuple[str, ...]:
        """The names of the switches that are on."""
        return tuple(name for name in SWITCHES if getattr(self, name))


@frozen(kw_only=True)
class Overrides:
    """What one message asks for itself; C{None} leaves the login's value."""

    inlinecss: bool | None = None
    trackclicks: bool | None = None
    trackopens: bool | None = None
    trackbounces: bool | None = None
    preventscam: bool | None = None
    images: Images | None = None


def override(features: Features, overrides: Overrides) -> Features:
    """A login's features as one message wants them."""
    wanted = {name: value for name, value in asdict(overrides).items() if value is not None}
    return evolve(features, **wanted)
