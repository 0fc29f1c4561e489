"""The suppression lists of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; lists begin empty."""
    op.create_table(
        "suppressions",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("message_id", sa.Text()),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("suppressions_key")),
        sqlite_with_rowid=False,
    )
