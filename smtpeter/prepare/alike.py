"""
Which requests to a CSS engine have one answer.

Equal ones have, and those with one skeleton. To look for that pays for the letters of a mailing and costs a little for
all others; so style sheets with which nothing alike was met for a while are looked at seldom.
"""

from collections import OrderedDict
from hashlib import blake2b

from attrs import define, field

from smtpeter.boundaries.prepare import InlineRequest
from smtpeter.prepare.skeleton import skeleton

PATIENCE = 16
"""After so many requests with nothing alike only one of as many is looked at."""
MAX_KNOWN = 256

_KEY_BYTES = 16


@define(eq=False)
class Keys:
    """
    Makes keys that requests with one answer share.

    @ivar _missed: by style sheets, how many requests in a row had nothing alike; the least recent first.
    """

    _missed: OrderedDict[bytes, int] = field(init=False, factory=OrderedDict)

    def key(self, request: InlineRequest) -> bytes:
        """The key of a request. What came of it is to be told by L{note}."""
        place = style_key(request)
        missed = self._missed.get(place, 0)
        bare = None
        if missed < PATIENCE or missed % PATIENCE == 0:
            bare = skeleton(request.html, request.style_sheets)
        kind, text = (b"equal", request.html) if bare is None else (b"alike", bare)
        return blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES, key=kind, salt=place[:16]
        ).digest()

    def note(self, request: InlineRequest, is_known: bool) -> None:
        """Say whether there was an answer to that key, or one is under way."""
        place = style_key(request)
        self._missed[place] = 0 if is_known else self._missed.get(place, 0) + 1
        self._missed.move_to_end(place)
        if len(self._missed) > MAX_KNOWN:
            self._missed.popitem(last=False)


def style_key(request: InlineRequest) -> bytes:
    """What requests with the same style sheets share."""
    digest = blake2b(digest_size=_KEY_BYTES)
    for text in request.style_sheets:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8) + encoded)
    return digest.digest()
