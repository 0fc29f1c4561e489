"""Reads contents, packed or not."""

from collections.abc import Collection
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from smtpeter.mime.pieces import unpack
from smtpeter.model.archive import Kept, Packed, Piece
from smtpeter.storage.tables import contents, packed_contents, piece_places, pieces

_RAW = select(contents.c.submission_id, contents.c.content)

# One statement, so that a content is never seen half removed, whatever the isolation of the transaction.
_PACKED = (
    select(
        packed_contents.c.submission_id,
        packed_contents.c.form,
        packed_contents.c.size_bytes,
        packed_contents.c.rest,
        piece_places.c.begins_at,
        pieces.c.hash,
        pieces.c.form.label("piece_form"),
        pieces.c.size_bytes.label("piece_size_bytes"),
        pieces.c.content,
    )
    .select_from(packed_contents)
    .outerjoin(piece_places, piece_places.c.submission_id == packed_contents.c.submission_id)
    .outerjoin(pieces, pieces.c.id == piece_places.c.piece_id)
    .order_by(packed_contents.c.submission_id, piece_places.c.begins_at)
)


def read_contents(connection: Connection, submission_ids: Collection[str]) -> dict[str, bytes]:
    """
    The contents of submissions, those that are kept.

    @raise smtpeter.mime.pieces.Damaged: the database is.
    """
    rows = connection.execute(_RAW.where(contents.c.submission_id.in_(submission_ids)))
    found = {row.submission_id: row.content for row in rows}
    # In this order: a content that is packed meanwhile is seen once.
    missing = [one for one in submission_ids if one not in found]
    return found | _read_packed(connection, missing) if missing else found


def _read_packed(connection: Connection, submission_ids: Collection[str]) -> dict[str, bytes]:
    rows = connection.execute(_PACKED.where(packed_contents.c.submission_id.in_(submission_ids)))
    return {key: unpack(_packed(list(group))) for key, group in groupby(rows, lambda row: row.submission_id)}


def _packed(rows: list[Any]) -> Packed:
    first = rows[0]
    return Packed(
        rest=Kept(form=first.form, stored=first.rest, size_bytes=first.size_bytes),
        places=tuple((row.begins_at, _piece(row)) for row in rows if row.begins_at is not None),
    )


def _piece(row: Any) -> Piece:
    kept = Kept(form=row.piece_form, stored=row.content, size_bytes=row.piece_size_bytes)
    return Piece(hash=row.hash, kept=kept)
