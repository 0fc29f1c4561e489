"""What intake must know of a content before it can be accepted: pure, linear in its size."""

from attrs import frozen

from smtpeter.boundaries.intake import Refused
from smtpeter.mime.addresses import FromError, sender_domain
from smtpeter.mime.limits import HeaderTooLarge, LimitExceeded, TooManyHops, read_within_limits
from smtpeter.mime.options import Wishes, read_options


@frozen(kw_only=True)
class Reading:
    """What a content says for itself."""

    wishes: Wishes
    sender_domain: str
    """The domain of From as A-labels in lower case; empty when there is no single one."""
    fault: str = ""
    """Why there is none, for a person."""


def read_content(content: bytes) -> Reading:
    """
    Read options and sender.

    @param content: with CRLF line ends.
    @raise Refused: its header, hops or nesting are over the limits.
    """
    try:
        headers = read_within_limits(content)
    except LimitExceeded as exceeded:
        raise _refusal(exceeded) from None
    wishes = read_options(headers)
    try:
        return Reading(wishes=wishes, sender_domain=sender_domain(headers))
    except FromError as fault:
        return Reading(wishes=wishes, sender_domain="", fault=str(fault))


def check_limits(content: bytes) -> None:
    """
    The limits alone, for mail that comes back.

    @raise Refused: they are exceeded.
    """
    try:
        read_within_limits(content)
    except LimitExceeded as exceeded:
        raise _refusal(exceeded) from None


def _refusal(exceeded: LimitExceeded) -> Refused:
    """Spec: smtp, what the server must survive."""
    if isinstance(exceeded, HeaderTooLarge):
        return Refused(552, "5.3.4", str(exceeded))
    if isinstance(exceeded, TooManyHops):
        return Refused(554, "5.4.6", str(exceeded))
    return Refused(554, "5.6.0", str(exceeded))
