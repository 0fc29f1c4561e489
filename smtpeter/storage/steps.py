"""
What is done when the clock was set back: nothing waits until a time that was only believed to be near.

A message deferred while the clock was a year ahead would be tried again in a year. Times to come are brought nearer by
as much as the clock was set back. Expiry stays as it is: to try for too long is better than to give up early.
"""

from sqlalchemy import BindParameter, ColumnElement, Connection, Double, bindparam, case, select, update

from smtpeter.storage.tables import IS_WAITING, events, messages

TOLERANCE_SECONDS = 60.0
"""Smaller steps are let pass: they delay nothing for long, and clocks of nodes differ."""

_NOW: BindParameter[float] = bindparam("now", type_=Double())
_STEP: BindParameter[float] = bindparam("step", type_=Double())


def _nearer(time: ColumnElement[float | None]) -> ColumnElement[float | None]:
    return case((time < _NOW + _STEP, _NOW), else_=time - _STEP)


_BRING_NEARER = (
    update(messages)
    .where(IS_WAITING, messages.c.due_at > _NOW)
    .values(due_at=_nearer(messages.c.due_at), next_attempt_at=_nearer(messages.c.next_attempt_at))
)


def follow_clock(connection: Connection, known: float, now: float) -> None:
    """
    Bring waiting messages nearer if the clock was set back.

    @param known: a time that has been; POSIX seconds, like C{now}.
    """
    if known - now > TOLERANCE_SECONDS:
        connection.execute(_BRING_NEARER, {"now": now, "step": known - now})


def newest_time(connection: Connection) -> float:
    """When something was last written to the journal; 0 when it is empty."""
    return connection.scalar(select(events.c.at).order_by(events.c.id.desc()).limit(1)) or 0.0
