"""The keys under which tokens are made."""

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class MacKeys:
    """
    Keys of message authentication codes by their id. All verify; new tokens use C{current}.

    @ivar current: an id from 0 to 255.
    """

    current: int
    keys: Mapping[int, bytes] = field(repr=False)
