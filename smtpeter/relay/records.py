"""Reads answers of the DNS: the records that were asked for, along the chain of aliases (RFC 1034, 3.6.2)."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from attrs import frozen

from smtpeter.relay.destinations import Exchange

MX, A, AAAA, CNAME = 15, 1, 28, 5
MAX_RECORDS = 50
"""Of one answer; more than that is nobody's mail host."""


@frozen(kw_only=True)
class Record:
    """One resource record, names in lower case without a trailing dot."""

    owner: str
    type: int
    ttl_seconds: int
    target: str
    """A host name, or an address as text."""
    preference: int = 0


@frozen(kw_only=True)
class Answer:
    """What a question came to."""

    records: tuple[Record, ...]
    """Empty when the name has none of that type."""
    ttl_seconds: int
    alias: str = ""
    """Where the chain of aliases ends without the records that were asked for: ask there."""


def read_answer(name: str, type: int, records: Sequence[Record]) -> Answer:
    """Follow the aliases inside one answer."""
    aliases = {record.owner: record for record in records if record.type == CNAME}
    owner, ttl, seen = name, 2**31, {name}
    while owner in aliases:
        alias = aliases[owner]
        owner, ttl = alias.target, min(ttl, alias.ttl_seconds)
        if owner in seen:
            return Answer(records=(), ttl_seconds=0, alias=owner)
        seen.add(owner)
    found = tuple(record for record in records if record.type == type and record.owner == owner)[:MAX_RECORDS]
    ttl = min([ttl, *(record.ttl_seconds for record in found)])
    return Answer(records=found, ttl_seconds=ttl, alias="" if found or owner == name else owner)


def exchanges_in(answer: Answer) -> list[Exchange]:
    """The MX hosts of an answer; the null MX is one with an empty name (RFC 7505)."""
    return [Exchange(name=record.target, preference=record.preference) for record in answer.records]


def address_text(type: int, packed: bytes) -> str:
    """The canonical text of an address record."""
    return str(IPv4Address(packed) if type == A else IPv6Address(packed))
