"""Writes what outcomes change, many at a time: states, the end of claims, events, notices, suppression lists."""

from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, Connection, Double, bindparam, case, update

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.model.queue import Node, Settlement
from smtpeter.model.suppression import SuppressionReason
from smtpeter.storage.arrivals import insert_events, insert_submissions
from smtpeter.storage.bulk import Bulk
from smtpeter.storage.rows import Row
from smtpeter.storage.suppressing import put_on_lists
from smtpeter.storage.tables import messages

_NEXT: BindParameter[float | None] = bindparam("new_next_attempt_at", type_=Double())

_NAMES = ("settled", "by_node", "by_epoch", "new_state", "new_attempts", "new_next_attempt_at", "new_last_reply")

_SETTLE = Bulk(
    update(messages)
    .where(
        messages.c.id == bindparam("settled"),
        messages.c.node == bindparam("by_node"),
        messages.c.epoch == bindparam("by_epoch"),
    )
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_attempt_at=_NEXT,
        # Past its expiry a message is due at once, whenever its next attempt would be.
        due_at=case((messages.c.expires_at < _NEXT, messages.c.expires_at), else_=_NEXT),
        last_reply=bindparam("new_last_reply"),
        node=None,
        epoch=None,
    ),
    _NAMES,
    # The same for SQLite, which takes several rows at once only so.
    """
    UPDATE messages SET state = column4, attempts = column5, next_attempt_at = column6,
    due_at = CASE WHEN expires_at < column6 THEN expires_at ELSE column6 END,
    last_reply = column7, node = NULL, epoch = NULL
    FROM {rows} WHERE id = column1 AND node = column2 AND epoch = column3
    """,
)


def settle(
    connection: Connection,
    node: Node,
    settlements: Sequence[Settlement],
    reasons: Collection[SuppressionReason] = tuple(SuppressionReason),
) -> None:
    """
    Write settlements.

    @param reasons: what puts addresses on suppression lists.
    @raise ClaimLost: the node does not hold one of the messages.
    """
    if _SETTLE.execute(connection, [_row(settlement, node) for settlement in settlements]) != len(settlements):
        raise ClaimLost("the claim of a message is not held any more")
    notices = [settlement.notice for settlement in settlements if settlement.notice is not None]
    insert_submissions(connection, [(notice, None) for notice in notices])
    insert_events(connection, [event for settlement in settlements for event in settlement.events])
    put_on_lists(connection, settlements, reasons)


def _row(settlement: Settlement, node: Node) -> Row:
    return {
        "settled": settlement.message_id,
        "by_node": node.id,
        "by_epoch": node.epoch,
        "new_state": settlement.state.value,
        "new_attempts": settlement.attempts,
        "new_next_attempt_at": settlement.next_attempt_at,
        "new_last_reply": settlement.last_reply,
    }
