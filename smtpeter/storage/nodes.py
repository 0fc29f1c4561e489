"""
Nodes and the life of their claims.

A claim names a node and its epoch. It is good while the node's row has that epoch and was renewed lately: the lease is
one row for each node, not a time for each message. Nodes compare each other's times, so their clocks must agree to
within a few seconds.
"""

from sqlalchemy import Connection, and_, bindparam, exists, insert, not_, select, update

from smtpeter.boundaries.queue import ClaimLost
from smtpeter.model.queue import Node
from smtpeter.storage.tables import IS_CLAIMED, messages, nodes

_UNCLAIMED = {"node": None, "epoch": None}

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
    epoch = connection.scalar(select(nodes.c.epoch).where(nodes.c.id == node_id).with_for_update())
    node = Node(id=node_id, epoch=(epoch or 0) + 1)
    if epoch is None:
        connection.execute(insert(nodes).values(id=node_id, epoch=node.epoch, renewed_at=now, commands_seen=0))
    else:
        connection.execute(update(nodes).where(nodes.c.id == node_id).values(epoch=node.epoch, renewed_at=now))
    connection.execute(_FREE_OF_NODE, {"whose": node_id})
    return node


def renew(connection: Connection, node: Node, now: float) -> None:
    """
    Extend the lease.

    @raise ClaimLost: the node's row has another epoch.
    """
    own_row = update(nodes).where(nodes.c.id == node.id, nodes.c.epoch == node.epoch)
    if connection.execute(own_row.values(renewed_at=now)).rowcount != 1:
        raise ClaimLost(f"another process has taken the identity of node {node.id}")


def is_current(connection: Connection, node: Node) -> bool:
    """Whether the node's epoch is still its newest."""
    return connection.scalar(select(nodes.c.epoch).where(nodes.c.id == node.id)) == node.epoch


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
