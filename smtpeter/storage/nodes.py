"""
Nodes and the life of their claims.

A claim names a node and its epoch. It is good while the node's row has that epoch and was renewed lately: the lease is
one row for each node, not a time for each message. Nodes compare each other's times, so their clocks must agree to
within a few seconds.
"""

from sqlalchemy import Connection, and_, bindparam, exists, insert, not_, select, update

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.model.queue import Node
from smtpeter.storage.steps import follow_clock, newest_time
from smtpeter.storage.tables import IS_CLAIMED, messages, nodes

_UNCLAIMED = {"node": None, "epoch": None}

_EPOCH = select(nodes.c.epoch).where(nodes.c.id == bindparam("whose"))
_EPOCH_SHARED = _EPOCH.with_for_update(read=True, key_share=True)
_EPOCH_ALONE = _EPOCH.with_for_update()

_FREE_OF_NODE = update(messages).where(IS_CLAIMED, messages.c.node == bindparam("whose")).values(_UNCLAIMED)

_FREE_LAPSED = (
    update(messages)
    .where(
        IS_CLAIMED,
        not_(and_(messages.c.node == bindparam("own"), messages.c.epoch == bindparam("own_epoch"))),
        not_(
            exists().where(
                nodes.c.id == messages.c.node,
                nodes.c.epoch == messages.c.epoch,
                nodes.c.renewed_at >= bindparam("renewed_since"),
            )
        ),
    )
    .values(_UNCLAIMED)
)

_RELEASE = (
    update(messages)
    .where(
        messages.c.id == bindparam("claimed"),
        messages.c.node == bindparam("by_node"),
        messages.c.epoch == bindparam("by_epoch"),
    )
    .values(_UNCLAIMED)
)


def enlist(connection: Connection, node_id: str, now: float) -> Node:
    """Give the node a new epoch and free what it had claimed before."""
    known = connection.execute(select(nodes).where(nodes.c.id == node_id).with_for_update()).one_or_none()
    node = Node(id=node_id, epoch=1 if known is None else known.epoch + 1)
    if known is None:
        connection.execute(insert(nodes).values(id=node_id, epoch=node.epoch, renewed_at=now, commands_seen=0))
    else:
        connection.execute(update(nodes).where(nodes.c.id == node_id).values(epoch=node.epoch, renewed_at=now))
    connection.execute(_FREE_OF_NODE, {"whose": node_id})
    follow_clock(connection, max(newest_time(connection), 0.0 if known is None else known.renewed_at), now)
    return node


def renew(connection: Connection, node: Node, now: float) -> None:
    """
    Extend the lease.

    @raise ClaimLost: the node's row has another epoch.
    """
    renewed_at = connection.scalar(select(nodes.c.renewed_at).where(nodes.c.id == node.id))
    own_row = update(nodes).where(nodes.c.id == node.id, nodes.c.epoch == node.epoch)
    if connection.execute(own_row.values(renewed_at=now)).rowcount != 1:
        raise ClaimLost(f"another process has taken the identity of node {node.id}")
    follow_clock(connection, renewed_at or now, now)


def may_claim(connection: Connection, node: Node) -> bool:
    """
    Whether the node's epoch is still its newest, and will be until this transaction's claims are committed: on
    PostgreSQL L{enlist} and L{release_doubtful} wait for that.
    """
    return _epoch(connection, node, is_shared=True) == node.epoch


def release_doubtful(connection: Connection, node: Node, message_ids: list[str]) -> None:
    """
    End claims whose commit was not confirmed, when it is certain whether it happened.

    A connection that is cut while it commits may leave a transaction that lives on in the server and commits later.
    Claims are made under a lock of the node's row (L{may_claim}), so whoever has it alone sees all of them.
    """
    if _epoch(connection, node, is_shared=False) == node.epoch:
        release(connection, node, message_ids)


def _epoch(connection: Connection, node: Node, is_shared: bool) -> int | None:
    return connection.scalar(_EPOCH_SHARED if is_shared else _EPOCH_ALONE, {"whose": node.id})


def free_lapsed(connection: Connection, node: Node, renewed_since: float) -> int:
    """
    Free the claims of nodes that were not renewed since then, and of earlier epochs; never the node's own.

    @return: how many.
    """
    own = {"own": node.id, "own_epoch": node.epoch}
    return connection.execute(_FREE_LAPSED, {**own, "renewed_since": renewed_since}).rowcount


def release(connection: Connection, node: Node, message_ids: list[str]) -> None:
    """End claims of the node; those that it does not hold stay as they are."""
    if message_ids:
        rows = [{"claimed": one, "by_node": node.id, "by_epoch": node.epoch} for one in message_ids]
        connection.execute(_RELEASE, rows)
