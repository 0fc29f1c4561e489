"""
When a message that was deferred is tried again.

Five minutes after the first attempt, then twice as long each time up to an hour (RFC 5321, 4.5.4.1 asks for a shorter
first gap and longer ones later), each gap off by at most a fifth, so that what failed together does not come back
together. A hint overrules the schedule, within bounds that keep a peer from making us spin or wait for days.
"""

FIRST_GAP_SECONDS = 300.0
LONGEST_GAP_SECONDS = 3600.0
SPREAD = 0.2
"""How far a gap may be off, as a part of it."""
SHORTEST_HINT_SECONDS = 10.0
LONGEST_HINT_SECONDS = 6 * 3600.0

DELAY_SECONDS = 4 * 3600.0
"""After how long a sender who asked for it is told of a delay."""
SHORTEST_LATE_GAP_SECONDS = LONGEST_GAP_SECONDS * (1 - SPREAD)
"""The shortest gap between two attempts of a message as old as that, when no hint says otherwise."""


def next_attempt(now: float, attempts: int, expires_at: float, jitter: float, retry_at: float | None = None) -> float:
    """
    When to try again.

    @param now: POSIX seconds.
    @param attempts: how many attempts count against the message, the one that just ended among them.
    @param expires_at: POSIX seconds; the answer is never later: then the message falls due to be given up.
    @param jitter: from 0 to 1, an even choice.
    @param retry_at: a hint of the peer, or the end of the destination's pause: never earlier than that, unless it is
        absurd, and up to a fifth later.
    @return: POSIX seconds.
    """
    gap = _hinted(retry_at - now, jitter) if retry_at is not None else _regular(attempts, jitter)
    return min(now + gap, expires_at)


def _regular(attempts: int, jitter: float) -> float:
    doublings = min(max(attempts, 1) - 1, 16)
    gap = min(FIRST_GAP_SECONDS * 2**doublings, LONGEST_GAP_SECONDS)
    return float(min(gap * (1 - SPREAD + 2 * SPREAD * jitter), LONGEST_GAP_SECONDS))


def _hinted(gap: float, jitter: float) -> float:
    bounded = min(max(gap, SHORTEST_HINT_SECONDS), LONGEST_HINT_SECONDS)
    return bounded + min(bounded, LONGEST_GAP_SECONDS) * SPREAD * jitter


def crosses_delay_line(now: float, received_at: float) -> bool:
    """
    Whether a deferral at C{now} is the one with which a sender who asked for it is told of the delay.

    No memory of earlier notices is needed: L{stop_at_delay_line} brings one attempt to the line and lets none follow
    within the time in which this answers true.
    """
    return 0 <= now - (received_at + DELAY_SECONDS) < SHORTEST_LATE_GAP_SECONDS


def stop_at_delay_line(now: float, received_at: float, next_at: float, expires_at: float) -> float:
    """
    Move an attempt so that exactly one falls on the line at which the sender is told of a delay.

    @param next_at: what L{next_attempt} said.
    @return: C{next_at}, the line itself when it would be passed over, or a time past its window when within it.
    """
    line = received_at + DELAY_SECONDS
    if now < line:
        return min(next_at, max(line, now + SHORTEST_HINT_SECONDS), expires_at)
    if now < line + SHORTEST_LATE_GAP_SECONDS:
        return min(max(next_at, line + SHORTEST_LATE_GAP_SECONDS), expires_at)
    return next_at
