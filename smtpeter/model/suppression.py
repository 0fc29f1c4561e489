"""An entry of an account's suppression list, and the form in which addresses stand there."""

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from attrs import frozen

from smtpeter.model.address import REMEMBERED, lookup_domain
from smtpeter.model.event import EventType

MAX_DESCRIPTION = 500
"""Characters of what is said of an entry; it is told again with each message that is held back."""

_ESCAPED = re.compile(r"\\(.)")
_NEEDS_QUOTES = re.compile(r'[\s"(),:;<>@\[\\\]]|\.\.|^\.|\.$|^$')


class SuppressionReason(Enum):
    """Why an address is not written to."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


WILLS = (SuppressionReason.COMPLAINT, SuppressionReason.UNSUBSCRIBE)
"""The reasons that are the recipient's own will: an entry with one is not lost to any other."""


EVENTS: Mapping[SuppressionReason, EventType] = {
    SuppressionReason.HARD_BOUNCE: "failure",
    SuppressionReason.COMPLAINT: "abuse",
    SuppressionReason.UNSUBSCRIBE: "unsubscribe",
}
"""The event that an entry comes from: it has the entry's message and its time."""


@frozen(kw_only=True)
class Suppression:
    """An address that an account does not write to."""

    account_id: int
    address: str
    """As L{listed_address} gives it, once it is on the list; before, as it was met."""
    reason: SuppressionReason
    at: float
    """POSIX seconds; that of the event, where there is one."""
    message_id: str | None = None
    """The message that led to it."""
    description: str = ""
    """In words, such as the reply that refused the address."""


def listed_address(address: str) -> str:
    """
    The form in which an address stands on a list: two ways to write one mailbox have the same.

    The domain is as it is looked up. The local part is in lower case and in normal form C, without quotes that it does
    not need (RFC 5321, 2.4 and 4.1.2, lets a host tell the case apart; none that matters does).

    @raise smtpeter.model.address.AddressError: there can be no such domain.
    """
    return listed_recipient(address, lookup_domain(address.rpartition("@")[2]))


@lru_cache(maxsize=REMEMBERED)
def listed_recipient(address: str, domain: str) -> str:
    """
    The same for a recipient whose domain was looked up when the mail was accepted: it cannot fail.

    @param domain: L{smtpeter.model.message.Message.domain}.
    """
    return f"{_listed_local(address.rpartition('@')[0])}@{domain}"


def _listed_local(local: str) -> str:
    name = _ESCAPED.sub(r"\1", local[1:-1]) if local[:1] == local[-1:] == '"' and len(local) > 1 else local
    if not name.isascii():
        name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
    name = name.lower()
    if not _NEEDS_QUOTES.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
