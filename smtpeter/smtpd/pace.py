"""
When a session's patience with time ends (pure).

Every deadline is absolute from the last reply: bytes that trickle in do not move it. Only a message in reception earns
time with its octets, which is a minimum rate.
"""

from attrs import define

from smtpeter.smtpd.settings import Deadlines

_MOST_TIMES_TOO_LARGE = 4


@define(eq=False)
class Pace:
    """
    Moments in reactor seconds.

    @ivar since: when the client's turn began.
    @ivar is_greeted: whether the greeting went out.
    @ivar blocked_since: since when replies wait for the client to read them.
    @ivar closing_since: since when we wait for the connection to end.
    @ivar is_hurried: whether the server stops.
    """

    _deadlines: Deadlines
    _max_message_size: int
    since: float
    is_greeted: bool = False
    blocked_since: float | None = None
    closing_since: float | None = None
    is_hurried: bool = False

    def due(self, is_waiting: bool, body_octets: int | None) -> float | None:
        """
        When it is too late.

        @param is_waiting: whether it is our turn.
        @param body_octets: how much came of the message in reception. What is far too large earns no more time.
        @return: C{None} when nothing is expected of the client.
        """
        if self.closing_since is not None:
            deadlines = self._deadlines
            return self.closing_since + (deadlines.closing_at_shutdown if self.is_hurried else deadlines.closing)
        if self.blocked_since is not None:
            return self.blocked_since + self._deadlines.reading
        if not self.is_greeted:
            return self.since + self._deadlines.handshake
        if is_waiting:
            return None
        if body_octets is None:
            return self.since + self._deadlines.command
        earned = min(body_octets, _MOST_TIMES_TOO_LARGE * self._max_message_size) / self._deadlines.octets_per_second
        return self.since + self._deadlines.data + earned
