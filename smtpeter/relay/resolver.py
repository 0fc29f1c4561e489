"""
Finds the site of a domain, and the addresses of a site's hosts.

MX, else the domain's own addresses (RFC 5321, 5.1); the null MX (RFC 7505); what points at ourselves or into private
networks is refused, except where an operator's route names it.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from attrs import define, field
from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IReactorTime
from twisted.names.client import Resolver as NamesResolver
from twisted.names.dns import DNSDatagramProtocol
from twisted.names.hosts import searchFileForAll
from twisted.python.filepath import FilePath

from smtpeter.model.address import AddressError, literal_address
from smtpeter.model.ip import is_public
from smtpeter.relay.destinations import Exchange, NoDestination, Site, site_of, without_loop
from smtpeter.relay.questions import DNSClient, LookupFailed, NoSuchName, Questions
from smtpeter.relay.records import AAAA, MX, A, exchanges_in

MAX_EXCHANGES = 20
QUERY_TIMEOUTS = (2, 4, 8)
"""Seconds, for each round over all servers."""

HostsFile = Callable[[str], Sequence[str]]
"""Gives the addresses that the system's hosts file has for a name."""


@define(eq=False, kw_only=True)
class MailResolver:
    """The DNS as mail sees it."""

    client: DNSClient
    clock: IReactorTime
    own_names: frozenset[str] = frozenset()
    """Our host names in lower case: an MX of that name is ourselves."""
    own_addresses: frozenset[str] = frozenset()
    allow_private: bool = False
    hosts_file: HostsFile = field(default=lambda name: ())
    _questions: Questions = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._questions = Questions(self.client, self.clock)

    async def find_site(self, domain: str, port: int) -> Site:
        """
        The site of a domain.

        @param domain: A-labels in lower case, or an address literal in brackets.
        @raise NoDestination: there is none, or none can be found now.
        """
        if domain.startswith("["):
            return site_of([Exchange(name=domain)], port)
        try:
            exchanges = exchanges_in(await self._questions.ask(domain, MX))
            if not exchanges:
                return site_of([await self._implicit(domain)], port)
        except NoSuchName:
            raise NoDestination(550, "5.1.2", f"the domain {domain} does not exist") from None
        except LookupFailed as error:
            raise NoDestination(451, "4.4.3", str(error)) from None
        return site_of(self._usable(domain, exchanges), port)

    async def addresses(self, host: str, is_trusted: bool = False) -> tuple[str, ...]:
        """
        The addresses of a host, IPv4 first; none when it has none.

        @param host: a name, or an address literal in brackets.
        @param is_trusted: whether an operator named it: it may be private, an IP address, or in the hosts file.
        @raise NoDestination: cannot be told now (4xx), or all of them are forbidden (5xx).
        """
        if host.startswith("["):
            found = [self._literal(host)]
        elif is_trusted and (fixed := self._fixed(host)):
            return tuple(fixed)
        else:
            found = await self._look_up(host)
        allowed = [address for address in found if is_trusted or self._is_allowed(address)]
        if found and not allowed:
            raise NoDestination(550, "5.4.6", f"{host} leads to ourselves or to a private network")
        return tuple(allowed)

    def is_loop(self, address: str, local: str) -> bool:
        """
        Whether a connection has come back to this machine, where mail may not go.

        @param local: the address that it comes from.
        """
        return not self.allow_private and (address == local or address in self.own_addresses)

    def forget(self, domain: str) -> None:
        """Ask anew for a domain."""
        self._questions.forget(domain)

    async def _implicit(self, domain: str) -> Exchange:
        """Without MX the domain itself is the host, if it has an address."""
        if domain in self.own_names:
            raise NoDestination(550, "5.4.6", f"mail for {domain} loops back to us")
        if not await self._both(domain):
            raise NoDestination(550, "5.1.2", f"the domain {domain} has no mail server")
        return Exchange(name=domain)

    def _usable(self, domain: str, exchanges: list[Exchange]) -> list[Exchange]:
        named = [exchange for exchange in exchanges if exchange.name]
        if not named:
            raise NoDestination(556, "5.1.10", f"the domain {domain} accepts no mail")
        usable = without_loop(named, self.own_names)
        if not usable:
            raise NoDestination(550, "5.4.6", f"mail for {domain} loops back to us")
        return sorted(usable, key=lambda exchange: (exchange.preference, exchange.name))[:MAX_EXCHANGES]

    async def _look_up(self, host: str) -> list[str]:
        try:
            return await self._both(host)
        except NoSuchName:
            return []
        except LookupFailed as error:
            raise NoDestination(451, "4.4.3", str(error)) from None

    async def _both(self, host: str) -> list[str]:
        """A and AAAA; one that cannot be told is missed only when the other has nothing."""
        found: list[str] = []
        trouble: Exception | None = None
        for type in (A, AAAA):
            try:
                answer = await self._questions.ask(host, type)
                found += [record.target for record in answer.records]
            except NoSuchName as error:
                trouble = trouble or error
            except LookupFailed as error:
                trouble = error
        if not found and trouble is not None:
            raise trouble
        return found

    def _literal(self, host: str) -> str:
        try:
            return literal_address(host)
        except AddressError as error:
            raise NoDestination(550, "5.1.3", str(error)) from None

    def _fixed(self, host: str) -> Sequence[str]:
        try:
            return [str(ip_address(host))]
        except ValueError:
            return self.hosts_file(host)

    def _is_allowed(self, address: str) -> bool:
        return self.allow_private or (address not in self.own_addresses and is_public(address))


def names_client(reactor: ReactorBase, servers: Sequence[str]) -> NamesResolver:
    """
    A DNS client. A truncated answer is asked for again over TCP.

    @param servers: such as C{127.0.0.1:5353} or C{[::1]}; empty: those of C{/etc/resolv.conf}, also when it changes.
    """
    DNSDatagramProtocol.noisy = False  # It would log four lines for each question.
    return NamesResolver(
        resolv=None if servers else "/etc/resolv.conf",
        servers=[server_address(server) for server in servers] or None,
        timeout=QUERY_TIMEOUTS,
        reactor=reactor,
    )


def server_address(text: str) -> tuple[str, int]:
    """
    Read a name server's address; the port is 53 when it is not said.

    @raise ValueError: it is no IP address, or the port no number.
    """
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, port = text.split(":")
    return str(ip_address(host)), int(port)


def system_hosts(path: str = "/etc/hosts") -> HostsFile:
    """The system's hosts file, read at each question."""
    return lambda name: searchFileForAll(FilePath(path), name.encode("ascii", "replace"))
