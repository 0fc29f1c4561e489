"""
Asks the DNS, once for everybody who wants to know the same, and remembers the answers.

Only NXDOMAIN says that a name does not exist: every other failure (SERVFAIL, REFUSED, no answer, a loop of aliases)
may be different in a minute. How many questions are under way is bounded by who asks: so many domains that are looked
for (L{smtpeter.relay.locating}), and one question for each connection that is to be opened.
"""

from collections.abc import Iterable
from typing import Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.names import dns
from twisted.names.error import DNSNameError

from smtpeter.relay.memory import Memory
from smtpeter.relay.records import AAAA, CNAME, MX, A, Answer, Record, address_text, read_answer

MIN_TTL = 30
MAX_TTL = 3600
NEGATIVE_TTL = 60
FAILURE_TTL = 15
MAX_ALIASES = 8
MAX_ENTRIES = 20000

_Lookup = tuple[list[dns.RRHeader], list[dns.RRHeader], list[dns.RRHeader]]


class NoSuchName(Exception):
    """The DNS says that the name does not exist (NXDOMAIN)."""


class LookupFailed(Exception):
    """The DNS cannot tell now; the message says why."""


class DNSClient(Protocol):
    """The part of C{twisted.internet.interfaces.IResolver} that is used."""

    def lookupMailExchange(self, name: str) -> Deferred[_Lookup]:
        """Ask for MX records."""

    def lookupAddress(self, name: str) -> Deferred[_Lookup]:
        """Ask for A records."""

    def lookupIPV6Address(self, name: str) -> Deferred[_Lookup]:
        """Ask for AAAA records."""


@define(eq=False)
class Questions:
    """A cache in front of a DNS client."""

    _client: DNSClient
    _clock: IReactorTime
    _known: Memory[tuple[str, int], Answer | Exception] = field(factory=lambda: Memory(MAX_ENTRIES))
    _asking: dict[tuple[str, int], list[Deferred[Answer]]] = field(factory=dict)
    _log: Logger = field(factory=Logger)

    async def ask(self, name: str, type: int) -> Answer:
        """
        The records of a name; none when it has none of that type.

        @raise NoSuchName: there is no such name.
        @raise LookupFailed: cannot be told now.
        """
        key = (name, type)
        known = self._known.get(key, self._clock.seconds())
        if known is None:
            known = await self._ask_together(key)
        if isinstance(known, Exception):
            raise known
        return known

    def forget(self, name: str) -> None:
        """Ask anew for a name."""
        for type in (MX, A, AAAA):
            self._known.forget((name, type))

    async def _ask_together(self, key: tuple[str, int]) -> Answer:
        if key in self._asking:
            waiting: Deferred[Answer] = Deferred()
            self._asking[key].append(waiting)
            return await waiting
        self._asking[key] = []
        result: Answer | Exception
        try:
            result = await self._follow(*key)
        except (NoSuchName, LookupFailed) as error:
            result = error
        self._remember(key, result)
        for waiting in self._asking.pop(key):
            if isinstance(result, Exception):
                waiting.errback(result)
            else:
                waiting.callback(result)
        if isinstance(result, Exception):
            raise result
        return result

    def _remember(self, key: tuple[str, int], result: Answer | Exception) -> None:
        if isinstance(result, LookupFailed):
            seconds = FAILURE_TTL
        elif isinstance(result, Exception) or not result.records:
            seconds = NEGATIVE_TTL
        else:
            seconds = min(MAX_TTL, max(MIN_TTL, result.ttl_seconds))
        self._known.put(key, result, self._clock.seconds() + seconds)

    async def _follow(self, name: str, type: int) -> Answer:
        """Ask, and ask again at the end of a chain of aliases that the answer does not resolve."""
        asked = name
        for _ in range(MAX_ALIASES):
            answer = read_answer(asked, type, await self._look_up(asked, type))
            if not answer.alias:
                return answer
            asked = answer.alias
        raise LookupFailed(f"too many aliases from {name}")

    async def _look_up(self, name: str, type: int) -> list[Record]:
        lookups = {
            MX: self._client.lookupMailExchange,
            A: self._client.lookupAddress,
            AAAA: self._client.lookupIPV6Address,
        }
        try:
            answers, _, _ = await lookups[type](name)
            return list(_records(answers))
        except DNSNameError:
            raise NoSuchName(name) from None
        except Exception as error:
            # Whatever a resolver or a broken packet throws at us, the mail waits.
            self._log.info("lookup of {name} failed: {error!r}", name=name, error=error)
            raise LookupFailed(f"the DNS cannot tell the mail servers of {name} now") from None


def _records(headers: Iterable[dns.RRHeader]) -> Iterable[Record]:
    for header in headers:
        payload: object = header.payload
        target, preference = "", 0
        if isinstance(payload, dns.Record_MX):
            target, preference = _name(payload.name), int(payload.preference)
        elif isinstance(payload, dns.Record_CNAME):
            target = _name(payload.name)
        elif isinstance(payload, (dns.Record_A, dns.Record_AAAA)):
            target = address_text(header.type, bytes(payload.address or b""))
        else:
            continue
        if header.type in (MX, A, AAAA, CNAME):
            yield Record(
                owner=_name(header.name),
                type=header.type,
                ttl_seconds=int(header.ttl or 0),
                target=target,
                preference=preference,
            )


def _name(name: dns.Name | None) -> str:
    return "" if name is None else name.name.decode("ascii", "replace").lower().rstrip(".")
