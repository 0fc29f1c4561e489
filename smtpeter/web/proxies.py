"""What proxies in front of the web ports say of a request: whether it was encrypted, who asks (pure)."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from attrs import frozen


@frozen
class Proxies:
    """
    The proxies in front of us.

    @ivar _ranges: the addresses whose word is taken.
    """

    _ranges: tuple[IPv4Network | IPv6Network, ...] = ()

    def is_encrypted(self, peer: str, forwarded_proto: str) -> bool:
        """
        Whether a request that came to us in clear came to a proxy of ours by HTTPS.

        @param forwarded_proto: X-Forwarded-Proto; of several words the last was written nearest to us.
        """
        return self.trusts(peer) and forwarded_proto.rpartition(",")[2].strip().lower() == "https"

    def client(self, peer: str, forwarded_for: str) -> str:
        """
        Who asks.

        @param forwarded_for: X-Forwarded-For; of several addresses the last was written nearest to us.
        @return: an address, or whatever a proxy of ours says instead; empty when it says nothing.
        """
        return forwarded_for.rpartition(",")[2].strip() if self.trusts(peer) else peer

    def visitor(self, peer: str, forwarded_for: str) -> str:
        """The address of who asks; that of a proxy of ours when it says no address."""
        client = self.client(peer, forwarded_for)
        return peer if _parsed(client) is None else client

    def trusts(self, peer: str) -> bool:
        """Whether a proxy of ours has that address."""
        address = _parsed(peer) if self._ranges else None
        if address is None:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in proxy for proxy in self._ranges)


NO_PROXIES = Proxies()
"""Requests come straight from who asks."""


@frozen(kw_only=True)
class Transport:
    """
    Which requests count as encrypted.

    @ivar allow_insecure: all of them.
    """

    allow_insecure: bool
    proxies: Proxies

    def is_fit(self, is_encrypted: bool, peer: str, forwarded_proto: str) -> bool:
        """Whether a request may be answered (L{Proxies.is_encrypted})."""
        return is_encrypted or self.allow_insecure or self.proxies.is_encrypted(peer, forwarded_proto)


def proxies(ranges: Sequence[str]) -> Proxies:
    """From the configuration."""
    return Proxies(tuple(ip_network(one) for one in ranges))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
