"""Failed authentications by the address that they came from (pure)."""

from collections import deque
from ipaddress import IPv6Address, ip_address

from attrs import define, field


def address_key(host: str) -> str:
    """
    What counts as one address: an IPv4 address, or the /64 of an IPv6 address, of which one customer has a whole one.
    Empty for what is no IP address, such as a UNIX socket, which is never limited.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> 64 << 64)) + "/64"
    return str(address)


@define(eq=False)
class FailureTable:
    """
    Failures by address within a window of time. Memory is bounded: at most C{addresses} keys, the one that failed
    longest ago is forgotten first, with at most C{most} times each.

    @ivar most: so many failures within the window, and nothing more from there is looked at.
    @ivar seconds: the window.
    """

    _most: int = 30
    _seconds: float = 600
    _addresses: int = 10_000
    _failures: dict[str, deque[float]] = field(factory=dict, init=False, repr=False)

    def record(self, key: str, now: float) -> None:
        """Something from there failed. @param key: from L{address_key}."""
        if not key:
            return
        times = self._failures.pop(key, None) or deque(maxlen=self._most)
        times.append(now)
        self._failures[key] = times
        if len(self._failures) > self._addresses:
            del self._failures[next(iter(self._failures))]

    def wait_seconds(self, key: str, now: float) -> float:
        """For how long nothing from there is looked at; 0 when it is."""
        times = self._failures.get(key)
        if times is None or len(times) < self._most:
            return 0.0
        return max(0.0, times[0] + self._seconds - now)

    def is_blocked(self, key: str, now: float) -> bool:
        """Whether nothing from there is looked at."""
        return self.wait_seconds(key, now) > 0
