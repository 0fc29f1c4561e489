"""
Tells which IP addresses belong to the public network.

C{ipaddress.is_global} alone lets loopback through in the shape of multicast, IPv4-compatible, NAT64 and 6to4 addresses,
and knows what was registered when Python was released. So the special-purpose registries of IANA stand here, IPv6 is
public only in the space that is given out (2000::/3), and whatever carries an IPv4 address is judged by that one.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
"""This network, private, shared, loopback, link-local, protocols, examples, benchmarks, multicast, reserved."""

_UNICAST = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
"""Teredo, ORCHID, benchmarks and other protocols; examples."""

_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier whose lower half is an IPv4 address (RFC 5214, 6.1)."""


def is_public(address: str) -> bool:
    """Whether an IP address in canonical text is one of the public network's; C{False} for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _SPECIAL_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return _is_public_v4(address.ipv4_mapped)
    if address in _NAT64:
        return _is_public_v4(_last_32_bits(address))
    is_special = address not in _UNICAST or any(address in network for network in _SPECIAL_V6)
    return not is_special and all(map(_is_public_v4, _tunnelled(address)))


def _tunnelled(address: IPv6Address) -> Iterable[IPv4Address]:
    """The IPv4 addresses to which a router or host with a tunnel might send what is for it."""
    if address.sixtofour is not None:
        yield address.sixtofour
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield _last_32_bits(address)


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)
