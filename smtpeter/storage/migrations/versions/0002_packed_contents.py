"""Packed contents, and the messages of a submission."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and the index; what is stored stays where it is."""
    op.create_table(
        "packed_contents",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("packed_contents_key")),
    )
    op.create_table(
        "pieces",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pieces_key")),
        sa.UniqueConstraint("hash", name=op.f("pieces_have_one_hash")),
    )
    op.create_table(
        "piece_places",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.Integer(), nullable=False),
        sa.Column("piece_id", _SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["pieces.id"], name=op.f("piece_places_have_piece_id")),
        sa.PrimaryKeyConstraint("submission_id", "begins_at", name=op.f("piece_places_key")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("piece_places_by_piece_id"), "piece_places", ["piece_id"])
    op.create_index(op.f("messages_by_submission_id"), "messages", ["submission_id"])
