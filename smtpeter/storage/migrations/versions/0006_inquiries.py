"""Data requests: what is asked about an address, and the answer in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_IS_OPEN = sa.text("ready_at IS NULL")


def upgrade() -> None:
    """Make the tables; nothing was asked yet."""
    op.create_table(
        "inquiries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ready_at", sa.Double()),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.Text()),
        sa.Column("held_until", sa.Double()),
        sa.PrimaryKeyConstraint("id", name=op.f("inquiries_key")),
    )
    op.create_index("inquiries_open", "inquiries", ["id"], sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.create_index("inquiries_answered", "inquiries", ["account_id", "ready_at"])
    op.create_table(
        "inquiry_parts",
        sa.Column("inquiry_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["inquiry_id"], ["inquiries.id"], name=op.f("inquiry_parts_have_inquiry_id")),
        sa.PrimaryKeyConstraint("inquiry_id", "number", name=op.f("inquiry_parts_key")),
    )
