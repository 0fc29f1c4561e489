"""
How fast a destination is worked: its limits, and its pauses after failures.

Limits are the default receiver's for every site; L{limits_for} is where rules by provider join.
"""

from collections import deque

from attrs import define, field, frozen

from smtpeter.relay.destinations import Site

FIRST_PAUSE = 60.0
LONGEST_PAUSE = 1800.0
LONGEST_HINT = 7200.0
"""A server that wants a longer pause gets this one."""
SPREAD = 0.2
"""A pause is up to this share longer or shorter, so that sites that failed together do not return together."""
CAP_SECONDS = 600.0
LOST_IN_A_ROW = 3
"""Connections that broke without a transaction between them, before the site itself is taken to be ill."""


@frozen(kw_only=True)
class Limits:
    """What one site takes from us. Times are seconds."""

    connections: int = 10
    messages_per_connection: int = 100
    idle_seconds: float = 60.0
    connections_per_minute: int | None = 100
    """C{None}: as many as come about."""
    recipients: int = 100
    """In one transaction; RFC 5321, 4.5.3.1.8 lets every server take this many."""


def limits_for(site: Site) -> Limits:
    """The limits of a site. A route leads to a hop that the operator has chosen: how often we connect is no matter."""
    return Limits() if site.route is None else Limits(connections_per_minute=None)


def pause_seconds(failures: int, jitter: float) -> float:
    """
    How long to leave a site alone.

    @param failures: how many times in a row it failed, from 1.
    @param jitter: 0 to 1.
    """
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 16))
    return min(LONGEST_PAUSE, pause * (1 + SPREAD * (2 * jitter - 1)))


@define(eq=False)
class Health:
    """
    What a site's past says about the next connection. Times are seconds of one clock.

    @ivar trouble: what the last pause is for, kept as long as the pause, whoever comes to the site meanwhile.
    """

    failures: int = 0
    paused_until: float = 0.0
    trouble: Exception | None = None
    _lost: int = 0
    _cap: int = 0
    _capped_until: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.failures and not self._lost and not self._cap

    def is_paused(self, now: float) -> bool:
        """Whether nothing may be sent."""
        return now < self.paused_until

    def failed(self, now: float, jitter: float, hint: float = 0.0) -> None:
        """
        The site cannot be reached, or says that we must stop: a pause, longer each time.

        @param hint: in how many seconds it wants to see us again; 0 when it does not say.
        """
        if not self.is_paused(now):
            self.failures += 1
            self.paused_until = now + pause_seconds(self.failures, jitter)
        if hint:
            self.paused_until = max(self.paused_until, now + min(hint, LONGEST_HINT))

    def lost(self, now: float, jitter: float) -> bool:
        """
        A connection broke in a transaction.

        @return: whether the site is paused for it.
        """
        self._lost += 1
        if self._lost < LOST_IN_A_ROW:
            return False
        self._lost = 0
        self.failed(now, jitter)
        return True

    def worked(self) -> None:
        """A transaction went through."""
        self.failures = self._lost = 0
        self.trouble = None

    def crowded(self, now: float, connections: int) -> None:
        """A further connection was refused while others work: make do with those for a time."""
        self._cap, self._capped_until = max(1, connections), now + CAP_SECONDS

    def connections(self, now: float, limit: int) -> int:
        """How many connections may be open or opening; after a failure one, to see whether it works again."""
        if self.failures:
            return 1
        return min(limit, self._cap) if now < self._capped_until else limit

    def forget(self) -> None:
        """Start anew: an operator says that the trouble is over."""
        self.failures = self._lost = self._cap = 0
        self.paused_until = self._capped_until = 0.0
        self.trouble = None


@define(eq=False)
class Rate:
    """At most so many in any minute."""

    _per_minute: int | None
    _times: deque[float] = field(factory=deque)

    def wait_seconds(self, now: float) -> float:
        """How long until the next may be; 0 when it may be now."""
        if self._per_minute is None:
            return 0.0
        while self._times and self._times[0] <= now - 60.0:
            self._times.popleft()
        return self._times[0] + 60.0 - now if len(self._times) >= self._per_minute else 0.0

    def count(self, now: float) -> None:
        """One more."""
        if self._per_minute is not None:
            self._times.append(now)
