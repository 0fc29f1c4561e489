"""Mail that came back, whole, until it is understood."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from smtpeter.model.message import Return
from smtpeter.storage.rows import Row, write_trace
from smtpeter.storage.tables import returns

_INSERT = insert(returns)


def insert_returns(connection: Connection, returned: Sequence[Return]) -> None:
    """Insert mail that came back."""
    if returned:
        connection.execute(_INSERT, [_row(one) for one in returned])


def _row(returned: Return) -> Row:
    return {
        "id": returned.id,
        "message_id": returned.message_id,
        "recipient": returned.recipient,
        "reverse_path": returned.reverse_path,
        "trace": write_trace(returned.trace),
        "received_at": returned.received_at,
        "content": returned.content,
    }
