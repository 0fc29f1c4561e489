"""
What operators ask of the queue: rows that wait until every live node has carried them out.

A node remembers in its own row which commands it has seen. The first to see one applies it to what is stored; each
applies it to its own memory; the row goes when all have seen it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, text, true, update

from smtpeter.model.queue import Command, Node
from smtpeter.storage.tables import IS_CLAIMED, IS_WAITING, commands, messages, nodes


def add(connection: Connection, command: Command, now: float) -> int:
    """
    Leave a command.

    @return: how many queued messages it applies to.
    """
    if connection.dialect.name == "postgresql":
        # A node goes by the newest id that it has seen, so ids must become visible in their order.
        connection.execute(text("LOCK TABLE commands IN EXCLUSIVE MODE"))
    connection.execute(
        insert(commands).values(
            kind=command.kind,
            message_id=command.message_id,
            destination=command.destination,
            account_id=command.account_id,
            created_at=now,
        )
    )
    concerned = _concerned(command)
    return sum(
        connection.scalar(select(func.count()).select_from(messages).where(part, concerned)) or 0
        for part in (IS_WAITING, and_(IS_CLAIMED, messages.c.state == "queued"))
    )


def are_waiting(connection: Connection, node: Node) -> bool:
    """Whether there are commands that the node has not seen."""
    seen = select(nodes.c.commands_seen).where(nodes.c.id == node.id).scalar_subquery()
    return bool(connection.scalar(select(func.max(commands.c.id)).where(commands.c.id > seen)))


def take(connection: Connection, node: Node, now: float, renewed_since: float) -> list[Command]:
    """Apply the commands that no node has seen yet, and tell those that this node has not."""
    # One after the other in one order; claims, which lock the rows too, go on beside.
    locked = select(nodes.c.id, nodes.c.commands_seen).order_by(nodes.c.id).with_for_update(key_share=True)
    seen = dict(connection.execute(locked).tuples().all())
    query = select(commands).where(commands.c.id > seen[node.id]).order_by(commands.c.id)
    rows = connection.execute(query).all()
    if not rows:
        return []
    for row in rows:
        if row.id > max(seen.values()):
            _apply(connection, _read(row), now)
    connection.execute(update(nodes).where(nodes.c.id == node.id).values(commands_seen=rows[-1].id))
    _remove_seen(connection, renewed_since)
    return [_read(row) for row in rows]


def _remove_seen(connection: Connection, renewed_since: float) -> None:
    oldest = select(func.min(nodes.c.commands_seen)).where(nodes.c.renewed_at >= renewed_since)
    connection.execute(delete(commands).where(commands.c.id <= oldest.scalar_subquery()))


def _apply(connection: Connection, command: Command, now: float) -> None:
    """Retry: due now. What is claimed is left to the node that holds it."""
    later = messages.c.due_at > now
    retried = update(messages).where(IS_WAITING, later, _concerned(command))
    connection.execute(retried.values(next_attempt_at=now, due_at=now))


def _concerned(command: Command) -> ColumnElement[bool]:
    wanted: Sequence[tuple[ColumnElement[Any], object]] = (
        (messages.c.id, command.message_id),
        (messages.c.domain, command.destination),
        (messages.c.account_id, command.account_id),
    )
    return and_(true(), *(column == value for column, value in wanted if value is not None))


def _read(row: Any) -> Command:
    return Command(kind=row.kind, message_id=row.message_id, destination=row.destination, account_id=row.account_id)
