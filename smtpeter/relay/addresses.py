"""
Tells which IP addresses mail may be sent to.

C{ipaddress.is_global} alone lets loopback through in the shape of multicast, IPv4-compatible, NAT64 and 6to4
addresses: whatever carries an IPv4 address is judged by that one too.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")


def is_public(address: str) -> bool:
    """Whether an IP address in canonical text is one of the public network's; C{False} for what is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _is_public_v4(parsed) if isinstance(parsed, IPv4Address) else _is_public_v6(parsed)


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_public_v6(address: IPv6Address) -> bool:
    if address in _NAT64_LOCAL:
        return False
    if (embedded := _embedded(address)) is not None:
        return _is_public_v4(embedded)
    return address.is_global and not address.is_multicast and not address.is_site_local


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to it would reach."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
