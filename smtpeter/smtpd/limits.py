"""
Counters that end the patience with a client: of one session, of an address, of all sessions together (pure).
"""

from collections import deque
from ipaddress import IPv6Address, ip_address

from attrs import define, field

from smtpeter.smtpd.replies import TOO_MANY_ERRORS, TOO_MANY_FAILURES, TOO_MUCH_JUNK, Reply
from smtpeter.smtpd.settings import Patience


@define(eq=False)
class Behaviour:
    """What one session has done amiss."""

    _patience: Patience
    _failed_logins: int = 0
    _errors: int = 0
    _junk_commands: int = 0

    def fail_login(self) -> Reply | None:
        """Count a failed login; what ends the session, if this does."""
        self._failed_logins += 1
        return TOO_MANY_FAILURES if self._failed_logins >= self._patience.failed_logins else None

    def err(self) -> Reply | None:
        """Count an error; what ends the session, if this does."""
        self._errors += 1
        return TOO_MANY_ERRORS if self._errors >= self._patience.errors else None

    def dawdle(self) -> Reply | None:
        """Count a junk command; what ends the session, if this does."""
        self._junk_commands += 1
        return TOO_MUCH_JUNK if self._junk_commands >= self._patience.junk_commands else None

    def bring_mail(self) -> None:
        """An accepted message makes good for errors and junk; guessing passwords is never forgiven."""
        self._errors = self._junk_commands = 0


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
    Failed logins by address within a window of time. Memory is bounded: at most C{addresses} keys, the one that failed
    longest ago is forgotten first, with at most C{address_failures} times each.
    """

    _patience: Patience
    _failures: dict[str, deque[float]] = field(factory=dict, init=False, repr=False)

    def record(self, key: str, now: float) -> None:
        """A login from there failed. @param key: from L{address_key}."""
        if not key:
            return
        times = self._failures.pop(key, None) or deque(maxlen=self._patience.address_failures)
        times.append(now)
        self._failures[key] = times
        if len(self._failures) > self._patience.addresses:
            del self._failures[next(iter(self._failures))]

    def is_blocked(self, key: str, now: float) -> bool:
        """Whether so many logins from there failed within the window that none is looked at."""
        times = self._failures.get(key)
        if times is None or len(times) < self._patience.address_failures:
            return False
        return now - times[0] < self._patience.address_seconds


@define(eq=False)
class Turnstile:
    """Counts open connections, all and by address."""

    _most: int
    _most_per_address: int
    _open: int = 0
    _by_address: dict[str, int] = field(factory=dict, init=False, repr=False)

    def enter(self, key: str) -> bool:
        """Whether one more may come in from there; if so it is counted."""
        here = self._by_address.get(key, 0)
        if self._open >= self._most or (key and here >= self._most_per_address):
            return False
        self._open += 1
        self._by_address[key] = here + 1
        return True

    def leave(self, key: str) -> None:
        """One that came in has gone."""
        self._open -= 1
        left = self._by_address[key] - 1
        if left:
            self._by_address[key] = left
        else:
            del self._by_address[key]


@define(eq=False)
class SharedRoom:
    """The octets of bodies in reception, of all sessions together."""

    _most: int
    _taken: int = 0

    def take(self, octets: int) -> bool:
        """Whether there is room for so many more; if so they are taken."""
        if self._taken + octets > self._most:
            return False
        self._taken += octets
        return True

    def give_back(self, octets: int) -> None:
        """They are free again."""
        self._taken -= octets
