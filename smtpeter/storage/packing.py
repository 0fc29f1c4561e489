"""
Puts contents into their packed form, and removes them.

A piece exists as long as a content has a place for it. Both ends of its life stand in the transaction of their cause:
it is made with the first place, and removed with the last. Two transactions could still miss each other on PostgreSQL
(a place for a piece that another removes at the same moment), so they take turns; who comes second does not wait, since
two that wait for each other would never end, but tries again later. The foreign key is the last guard. SQLite has one
writer at a time.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select, text

from smtpeter.model.archive import Packed, Piece
from smtpeter.storage.rows import Row
from smtpeter.storage.tables import contents, packed_contents, piece_places, pieces

T = TypeVar("T")

_TURN = text("SELECT pg_try_advisory_xact_lock(7368771)")

_AT_ONCE = 500
"""Texts of SQL have a limit of variables."""

_INSERT_PIECES = insert(pieces)
_INSERT_PACKED = insert(packed_contents)
_INSERT_PLACES = insert(piece_places)
_DELETE_UNUSED = delete(pieces).where(
    pieces.c.id == bindparam("unused"), ~select(piece_places).where(piece_places.c.piece_id == pieces.c.id).exists()
)


def take_turn(connection: Connection) -> bool:
    """Whether pieces may be made and removed until the end of this transaction; not while another node does."""
    return connection.dialect.name != "postgresql" or bool(connection.scalar(_TURN))


def put_away(connection: Connection, packed: Mapping[str, Packed]) -> None:
    """Replace contents by their packed form; those that are gone meanwhile stay gone. It is this transaction's turn."""
    present = _present(connection, packed)
    if not present:
        return
    ids = _stored_pieces(connection, [piece for one in present.values() for _, piece in one.places])
    connection.execute(_INSERT_PACKED, [_packed_row(key, one) for key, one in present.items()])
    places = [
        {"submission_id": key, "begins_at": offset, "piece_id": ids[piece.hash]}
        for key, one in present.items()
        for offset, piece in one.places
    ]
    if places:
        connection.execute(_INSERT_PLACES, places)
    for chunk in _chunks(present):
        connection.execute(delete(contents).where(contents.c.submission_id.in_(chunk)))


def drop_packed(connection: Connection, is_old: ColumnElement[bool]) -> int:
    """
    Remove packed contents with the pieces that nobody else needs. It is this transaction's turn.

    @param is_old: a condition on C{packed_contents}.
    @return: how many contents were removed.
    """
    old = select(packed_contents.c.submission_id).where(is_old)
    of_old = piece_places.c.submission_id.in_(old)
    used = connection.scalars(select(piece_places.c.piece_id).where(of_old).distinct()).all()
    connection.execute(delete(piece_places).where(of_old))
    removed = connection.execute(delete(packed_contents).where(is_old)).rowcount
    if used:
        connection.execute(_DELETE_UNUSED, [{"unused": piece_id} for piece_id in used])
    return removed


def _present(connection: Connection, packed: Mapping[str, Packed]) -> dict[str, Packed]:
    found: dict[str, Packed] = {}
    for chunk in _chunks(packed):
        query = select(contents.c.submission_id).where(contents.c.submission_id.in_(chunk))
        found.update((key, packed[key]) for key in connection.scalars(query))
    return found


def _stored_pieces(connection: Connection, needed: Sequence[Piece]) -> dict[bytes, int]:
    """Store the pieces that are not there yet; the ids of all."""
    wanted = {piece.hash: piece for piece in needed}
    ids = _ids(connection, wanted)
    new = [piece for key, piece in wanted.items() if key not in ids]
    if not new:
        return ids
    connection.execute(_INSERT_PIECES, [_piece_row(piece) for piece in new])
    return ids | _ids(connection, [piece.hash for piece in new])


def _ids(connection: Connection, hashes: Collection[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for chunk in _chunks(hashes):
        rows = connection.execute(select(pieces.c.hash, pieces.c.id).where(pieces.c.hash.in_(chunk)))
        found.update((row.hash, row.id) for row in rows)
    return found


def _packed_row(submission_id: str, packed: Packed) -> Row:
    rest = packed.rest
    return {"submission_id": submission_id, "form": rest.form, "size_bytes": rest.size_bytes, "rest": rest.stored}


def _piece_row(piece: Piece) -> dict[str, Any]:
    kept = piece.kept
    return {"hash": piece.hash, "form": kept.form, "size_bytes": kept.size_bytes, "content": kept.stored}


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, _AT_ONCE)):
        yield chunk
